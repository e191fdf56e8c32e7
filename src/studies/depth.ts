/** How many layers need tuning: the scores of top-k and selected-k from 1 to L, and what lies between the two at each k. */
import { draftTables } from '../comparison/tables.js';
import type { ComparisonRow, Remark, RunRecord, TaskTable, Verdict } from '../comparison/types.js';
import { UserError } from '../errors.js';
import { type PairedDifference, pairedDifference, verdictOf } from '../metrics/significance/difference.js';
import { resampleScores } from '../metrics/significance/resample.js';
import { sameTriple, type Triple } from '../selection/arms.js';

export interface DepthArm {
  triple: Triple;
  scores: number[];
  mean: number;
  deviation: number | null;
  /** Operations of training, where the runs tell. */
  trainingFlops: number | null;
  trainableParameters: number;
}

export interface DepthRow {
  k: number;
  top: DepthArm | null;
  selected: DepthArm | null;
  /** Both come to the same layers. */
  same: boolean;
  /** Selected less top, over the seeds that both have; null where one did not run or both are the same. */
  difference: (PairedDifference & { verdict: Verdict }) | null;
}

export interface DepthStudy {
  task: string;
  model: string;
  method: string;
  layers: number;
  seeds: number[];
  examples: number;
  rows: DepthRow[];
}

export interface DepthReport {
  study: 'depth';
  studies: DepthStudy[];
  options: DepthOptions;
  notes: string[];
}

export interface DepthOptions {
  resamples: number;
  seed: number;
  /** A difference above minus this is a match; a fraction. */
  margin: number;
}

/** `remarks`: what a grid says of arms that come to the layers of others. Throws a `UserError` where no top-k or selected-k ran. */
export function depthReport(
  records: readonly RunRecord[],
  remarks: readonly Remark[],
  options: DepthOptions,
): DepthReport {
  const studies = draftTables(records, remarks, 'full').flatMap(({ table }) => {
    const methods = [...new Set(table.rows.filter(({ arm }) => arm.bottom !== null).map(({ method }) => method))];
    return methods.flatMap((method) => {
      const rows = table.rows.filter((row) => row.method === method && row.scores.length > 0);
      const study = studyOf(table, method, rows, options);
      return study.rows.length > 0 ? [study] : [];
    });
  });
  if (studies.length === 0) {
    throw new UserError('none of the runs has an arm top-k or selected-k', {
      hint: 'run a grid with such arms for several k, as configs/glue/depth-minilm.yaml',
    });
  }
  const few = studies.some(({ seeds }) => seeds.length < 5);
  return {
    study: 'depth',
    studies,
    options,
    notes: [
      `difference: selected-k less top-k, in points, with the 95 % interval of ${options.resamples} paired resamples of dev${few ? ', for these seeds' : ' and seeds'}; each k is looked at by itself, so that of many intervals some miss by chance`,
      'with k = L both tune everything, embeddings included',
    ],
  };
}

function studyOf(table: TaskTable, method: string, rows: readonly ComparisonRow[], options: DepthOptions): DepthStudy {
  const { task, model, layers, examples } = table;
  const named = (name: string) => rows.find(({ arm }) => arm.name === name);
  const found = Array.from({ length: layers }, (_, i) => i + 1).flatMap((k): DepthRow[] => {
    // All layers are top-L and selected-L under whatever name they ran.
    const all = { bottom: 1, top: layers, head: layers };
    const whole = k === layers ? rows.find(({ arm }) => sameTriple(arm, all)) : undefined;
    const top = named(`top-${k}`) ?? whole;
    const selected = named(`selected-${k}`) ?? (top && whole);
    if (!top && !selected) return [];
    const same = top !== undefined && selected !== undefined && sameTriple(top.arm, selected.arm);
    const difference = top && selected && !same ? differenceOf(table, method, selected, top, options) : null;
    return [{ k, top: armOf(top), selected: armOf(selected), same, difference }];
  });
  const seeds = [...new Set(rows.flatMap((row) => row.seeds))].sort((a, b) => a - b);
  return { task: task.name, model, method, layers, seeds, examples, rows: found };
}

function armOf(row: ComparisonRow | undefined): DepthArm | null {
  if (!row) return null;
  const { arm, scores, mean, deviation, cost } = row;
  return {
    triple: { bottom: arm.bottom, top: arm.top, head: arm.head },
    scores,
    mean,
    deviation,
    trainingFlops: cost.trainingFlops,
    trainableParameters: cost.trainableParameters,
  };
}

function differenceOf(
  { task, records }: TaskTable,
  method: string,
  selected: ComparisonRow,
  top: ComparisonRow,
  { resamples, seed, margin }: DepthOptions,
): DepthRow['difference'] {
  const seeds = selected.seeds.filter((each) => top.seeds.includes(each));
  const runsOf = ({ arm, learningRates }: ComparisonRow) =>
    seeds.flatMap((each) => {
      const run = records.find(
        (record) =>
          sameTriple(record.arm, arm) &&
          record.method === method &&
          record.seed === each &&
          learningRates.includes(record.learningRate),
      );
      return run ? [run] : [];
    });
  const [ours, theirs] = [runsOf(selected), runsOf(top)];
  if (seeds.length === 0 || ours.length !== theirs.length) return null;
  const runs = [...ours, ...theirs];
  const splits = runs[0].splits.map(({ split, gold }, at) => ({
    split,
    gold,
    predicted: runs.map((run) => run.splits[at].predicted),
  }));
  const resampled = resampleScores(task, splits, { resamples, seed });
  const scored = runs.map(({ score }, at) => ({ score, resampled: resampled[at] }));
  const difference = pairedDifference(scored.slice(0, ours.length), scored.slice(ours.length), seed);
  return { ...difference, verdict: verdictOf(difference, margin) };
}
