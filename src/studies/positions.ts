/** Which runs stand at which head position: k layers are tuned, and the classifier reads the last of them. */
import { linesOf } from '../comparison/lines.js';
import { draftTables } from '../comparison/tables.js';
import type { RunRecord, TaskTable } from '../comparison/types.js';
import { UserError } from '../errors.js';
import type { ScoredSplit } from '../metrics/significance/types.js';
import { sameTriple, type Triple } from '../selection/arms.js';

/** The arms of one task, model and method that tune k layers, all with the same seeds. */
export interface Positions {
  table: TaskTable;
  method: string;
  k: number;
  seeds: number[];
  /** Heads k…L in this order, then the arms of k layers whose classifier sits on top. */
  arms: TunedArm[];
  /** Heads: the first so many of `arms`. */
  heads: number;
  notes: string[];
}

export interface TunedArm {
  triple: Triple;
  /** In the order of the seeds. */
  records: RunRecord[];
}

/** The span of k layers that ends at `head`, with the classifier there. */
export const headPosition = (head: number, k: number): Triple => ({ bottom: head - k + 1, top: head, head });

/**
 * All sets of runs in which every head position from k up ran, for each k, or for the one that is stated.
 *
 * @throws UserError where there is none; it names the positions that are missing.
 */
export function positionsOf(records: readonly RunRecord[], stated?: number): Positions[] {
  const drafts = draftTables(records, [], 'full');
  const lacking: string[] = [];
  const found = drafts.flatMap(({ table }) => {
    const lines = linesOf(table.records, { reference: 'full', severalMethods: true });
    const methods = [...new Set(lines.map(({ method }) => method))];
    return methods.flatMap((method) => {
      const own = lines
        .filter((line) => line.method === method && line.sameAs === undefined && line.arm.bottom !== null)
        .map(
          ({ arm: { bottom, top, head }, records: runs }): TunedArm => ({
            triple: { bottom, top, head },
            records: runs,
          }),
        );
      const where = `${table.task.name}, ${table.model}, ${method}`;
      checkOneRate(own, where);
      const depths = stated === undefined ? Array.from({ length: table.layers - 1 }, (_, i) => i + 1) : [stated];
      return depths.flatMap((k): Positions[] => {
        const missing = missingHeads(own, k, table.layers);
        if (missing.length === 0 && k < table.layers) return [alike(own, { table, method, k }, where)];
        const there = table.layers - k + 1 - missing.length;
        if (there > 0 && (stated !== undefined || there > 1)) {
          lacking.push(`${where}: ${k} tuned layers did not run at head ${missing.join(', ')}`);
        }
        return [];
      });
    });
  });
  if (found.length > 0) return found;
  throw new UserError(
    `no task has runs of ${stated ?? 'the same number of'} tuned layers at every head position${lacking.map((line) => `; ${line}`).join('')}`,
    {
      hint: 'run a grid whose arms are { bottom: h-k+1, top: h, head: h } for every h from k up, as configs/glue/regret-minilm.yaml',
    },
  );
}

/** Dev as paired resampling sees it; run `arm · seeds + seed`. */
export function scoredSplits({ arms }: Positions): ScoredSplit[] {
  const runs = arms.flatMap(({ records }) => records);
  return runs[0].splits.map(({ split, gold }, at) => ({
    split,
    gold,
    predicted: runs.map(({ splits }) => splits[at].predicted),
  }));
}

function missingHeads(arms: readonly TunedArm[], k: number, layers: number): number[] {
  const heads = Array.from({ length: Math.max(0, layers - k + 1) }, (_, i) => k + i);
  return heads.filter((head) => !arms.some(({ triple }) => sameTriple(triple, headPosition(head, k))));
}

/** Every arm with the seeds that all head positions share; arms on top that lack one of them are left out. */
function alike(
  own: readonly TunedArm[],
  { table, method, k }: { table: TaskTable; method: string; k: number },
  where: string,
): Positions {
  const { layers } = table;
  const at = (triple: Triple) => own.filter((arm) => sameTriple(arm.triple, triple));
  const heads = Array.from({ length: layers - k + 1 }, (_, i) => headPosition(k + i, k)).flatMap(at);
  const seedsOf = ({ records }: TunedArm) => records.map(({ seed }) => seed);
  const seeds = seedsOf(heads[0]).filter((seed) => heads.every((arm) => seedsOf(arm).includes(seed)));
  if (seeds.length === 0) {
    throw new UserError(`${where}: no seed ran at all head positions of ${k} layers`, {
      hint: 'run the grid again: what is finished is not run twice',
    });
  }
  const some = new Set(heads.flatMap(seedsOf));
  const notes = some.size > seeds.length ? [`${where}: only seeds ${seeds.join(', ')} ran at every head position`] : [];
  const onTop = Array.from({ length: layers - k }, (_, i) => ({ bottom: i + 1, top: i + k, head: layers }))
    .flatMap(at)
    .filter((arm) => seeds.every((seed) => seedsOf(arm).includes(seed)));
  const arms = [...heads, ...onTop].map(({ triple, records }) => ({
    triple,
    records: seeds.flatMap((seed) => records.filter((record) => record.seed === seed)),
  }));
  return { table, method, k, seeds, arms, heads: heads.length, notes };
}

function checkOneRate(arms: readonly TunedArm[], where: string): void {
  const twice = arms.find((arm, at) => arms.slice(0, at).some(({ triple }) => sameTriple(triple, arm.triple)));
  if (!twice) return;
  const { bottom, top, head } = twice.triple;
  throw new UserError(`${where}: layers ${bottom}-${top} @ ${head} ran with several learning rates`, {
    hint: 'give runs of one learning rate an arm',
  });
}
