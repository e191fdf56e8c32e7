/** What a grid would do and take, before anything starts. Writes nothing. */
import { existsSync } from 'node:fs';
import { openTask } from '../data/tasks.js';
import { loadTokenizer } from '../data/tokenizer.js';
import { UserError } from '../errors.js';
import type { EstimateArm, EstimateOptions, EstimateResult } from '../pipeline/estimate.js';
import type { SelectResult } from '../pipeline/types.js';
import { formatCount } from '../report/format.js';
import { needsSelection } from '../selection/arms.js';
import { type PlannedArm, planArms, rateKeys } from './arms.js';
import { cachedBytes, diskOf, memoryOf } from './estimate.js';
import type { Division } from './lanes.js';
import type { Pair, Prepared } from './prepare.js';
import { lookUp } from './run.js';
import { ratePlan } from './search.js';
import { trainRows } from './sources.js';
import { finishedSelection, selectionPiece } from './store.js';

/**
 * Share of a matrix product's speed that a whole run comes to: norms, activations, the optimiser and copies take the rest. Runs of MRPC and
 * TREC with adapters, one thread, came to 0.7 to 0.9 of it.
 */
const EFFICIENCY = 0.75;
/** Seconds of every process that are not arithmetic: start, reading, building programs. */
const OVERHEAD = 4;
const SAMPLE = 300;
/** Tokens of an input where the data is absent: of GLUE's single sentences and pairs with RoBERTa's tokens, about. */
const ASSUMED = { single: 20, pair: 50 };
const ASSUMED_NOTE = `lengths: where there is no data or no tokenizer, ${ASSUMED.single} tokens for a sentence and ${ASSUMED.pair} for a pair are assumed`;

export interface DryArm {
  task: string;
  model: string;
  id: string;
  /** Where ℓ* is not measured yet, as if it were at two thirds. */
  triple: PlannedArm['triple'];
  sameAs?: string;
  note?: string;
  /** Final runs, and trials of the search for a learning rate. */
  runs: number;
  trials: number;
  /** How many of either are there already. */
  finished: number;
  trainable: number;
  /** Of one run. */
  flops: number;
  memory: number;
  disk: number;
  seconds: number;
}

export interface DryRun {
  arms: DryArm[];
  /** Measurements that are not there yet. */
  selections: number;
  runs: number;
  trials: number;
  /** Runs and trials that are there already; all figures below are of the rest. */
  finished: number;
  flops: number;
  disk: number;
  /** Bytes of cached states, which runs share and which may be deleted. */
  cache: number;
  /** Largest process. */
  memory: number;
  /** From the first start to the last end. */
  seconds: number;
  jobs: number;
  threads: number;
  notes: string[];
}

interface Planned {
  pair: Pair;
  arm: PlannedArm;
  estimate: EstimateArm;
}

export interface DryRunOptions {
  /** Where measurements may lie already. */
  store?: string;
  division: Division;
  /** Counts and calibrates, away from this thread. */
  estimate(options: EstimateOptions): Promise<EstimateResult>;
}

export async function dryRun(prepared: Prepared, { store, division, estimate }: DryRunOptions): Promise<DryRun> {
  const notes = new Set<string>();
  const weightless = new Set(prepared.pairs.flatMap(({ model }) => (model.complete ? [] : [model.name])));
  const absent = new Set(prepared.pairs.flatMap(({ source }) => (source.present ? [] : [source.task.name])));
  if (weightless.size > 0)
    notes.add(`no weights here: ${[...weightless].join(', ')}; a configuration is enough to plan, not to run`);
  if (absent.size > 0) notes.add(`no files here: ${[...absent].join(', ')}; sizes are those of GLUE's full splits`);
  const planned = prepared.pairs.flatMap((pair) => plan(prepared, pair, store, notes));
  const done = store === undefined ? new Map<string, number>() : await finishedWork(prepared, store);
  const { jobs, threads } = division;
  const alive = planned.filter(({ arm }) => arm.triple && arm.sameAs === undefined);
  const [first] = prepared.pairs;
  const result = await estimate({ arms: alive.map((each) => each.estimate), config: first.configs[0], threads });
  const speed = result.speed * EFFICIENCY;
  const arms = planned.map(({ pair, arm, estimate: { config } }): DryArm => {
    const { triple, sameAs, note, id } = arm;
    const about = { task: pair.source.task.name, model: pair.model.name, id, triple, sameAs, note };
    const at = alive.findIndex((each) => each.arm === arm);
    if (!triple || at < 0)
      return { ...about, runs: 0, trials: 0, finished: 0, trainable: 0, flops: 0, memory: 0, disk: 0, seconds: 0 };
    const { trainable, trainingFlops } = result.arms[at];
    const { values } = prepared.grid;
    const rates = ratePlan(
      values.learningRate,
      rateKeys(triple, pair.model.config.layers, prepared.tunings[arm.method]),
    );
    return {
      ...about,
      runs: values.seeds.length,
      trials: rates?.kind === 'search' ? rates.rates.length : 0,
      finished: done.get(armKey(about)) ?? 0,
      trainable,
      flops: trainingFlops,
      memory: memoryOf(triple, pair.model.config, config),
      disk: diskOf(trainable),
      seconds: trainingFlops / speed + OVERHEAD,
    };
  });
  const measured = prepared.pairs.filter((pair) => pair.measured && !measuredCurve(pair, store));
  const measuring = measured.map((pair) => alive.findIndex((each) => each.pair === pair)).filter((at) => at >= 0);
  const selectFlops = measuring.reduce((sum, at) => sum + result.arms[at].selectionFlops, 0);
  const total = (of: (arm: DryArm) => number) => arms.reduce((sum, arm) => sum + of(arm), 0);
  const left = ({ runs, trials, finished }: DryArm) => Math.max(0, runs + trials - finished);
  notes.add(
    `time: from a matrix product of this machine's engine (${formatCount(result.speed)}FLOP/s with ${threads} thread${threads > 1 ? 's' : ''}), of which a run is taken to reach three quarters; rough`,
  );
  if (total(({ trials }) => trials) > 0)
    notes.add('trials: one more for each arm whose best rate lies at the edge; their weights are not kept');
  if (division.bound === 'memory') notes.add('jobs: fewer than cores, since memory is short');
  return {
    arms,
    selections: measured.length,
    runs: total(({ runs }) => runs),
    trials: total(({ trials }) => trials),
    finished: total(({ finished }) => finished),
    flops: selectFlops + total((arm) => arm.flops * left(arm)),
    disk: total((arm) => arm.disk * Math.min(arm.runs, left(arm)) + 500e3 * Math.max(0, left(arm) - arm.runs)),
    cache: cacheOf(planned.filter((_, i) => left(arms[i]) > 0)),
    memory: Math.max(0, ...arms.flatMap((arm) => (left(arm) > 0 ? [arm.memory] : []))),
    seconds: (selectFlops / speed + total((arm) => arm.seconds * left(arm))) / jobs,
    jobs,
    threads,
    notes: [...notes],
  };
}

/** Arms that start from the same layer share its states; older ones make room where the cache is full. */
function cacheOf(planned: readonly Planned[]): number {
  const bytes = new Map<string, number>();
  for (const { pair, estimate } of planned) {
    const { triple, encoder, config, rows, tokens } = estimate;
    const inputs = { rows: rows.train + rows.heldOut + rows.dev, tokens };
    const start = triple.bottom === null ? `pooled ${triple.head}` : `states ${triple.bottom - 1}`;
    const key = [pair.source.task.name, pair.model.name, start].join('\0');
    bytes.set(key, cachedBytes(triple, encoder, config, inputs));
  }
  const sum = [...bytes.values()].reduce((total, each) => total + each, 0);
  return Math.min(sum, ...planned.map(({ estimate }) => estimate.config.cache.diskBytes));
}

function plan(prepared: Prepared, pair: Pair, store: string | undefined, notes: Set<string>): Planned[] {
  const { grid, methods, tunings } = prepared;
  const { model, source, configs } = pair;
  const { layers } = model.config;
  const curve = pair.measured ? (measuredCurve(pair, store) ?? supposedCurve(layers)) : undefined;
  if (pair.measured && curve && 'supposed' in curve) {
    const which = grid.arms.filter(needsSelection).map(({ name }) => name);
    notes.add(`ℓ* is not measured yet: taken to be at two thirds of the layers for ${which.join(', ')}`);
  }
  const context = { layers, config: configs[0], seed: grid.values.splitSeed, selection: curve };
  const tokens = meanTokens(pair, notes);
  const { task } = source;
  return planArms(grid.arms, methods, context, grid.values.reference).map((arm) => {
    const config = configs[arm.method];
    const { used, heldOut } = trainRows(source, config);
    const estimate: EstimateArm = {
      encoder: model.config,
      triple: arm.triple ?? { bottom: null, top: null, head: layers },
      tuning: arm.triple?.bottom === null ? 'fine-tune' : tunings[arm.method],
      config,
      classes: task.kind === 'regression' ? 1 : task.labels.length,
      rows: { train: used - heldOut, heldOut, dev: source.rows.dev },
      tokens,
    };
    return { pair, arm, estimate };
  });
}

const armKey = ({ task, model, id }: Pick<DryArm, 'task' | 'model' | 'id'>) => JSON.stringify([task, model, id]);

/** How many runs and trials of each arm lie in the store. */
async function finishedWork(prepared: Prepared, store: string): Promise<Map<string, number>> {
  const usable = prepared.pairs.every(({ model, source }) => model.complete && source.present);
  if (!usable || !existsSync(store)) return new Map();
  const { tables } = await lookUp(prepared, store);
  return new Map(
    tables.flatMap(({ task, model, rows }) =>
      rows.map(({ id, runs, trials = [] }) => [
        armKey({ task, model, id }),
        [...runs, ...trials].filter(({ score }) => typeof score === 'number').length,
      ]),
    ),
  );
}

function measuredCurve({ model, source, configs }: Pair, store: string | undefined): SelectResult | undefined {
  if (store === undefined || !model.complete || !source.present) return undefined;
  return finishedSelection({ folder: store }, selectionPiece(configs[0], model, source));
}

/** A curve whose lowest point is at two thirds. */
function supposedCurve(layers: number): SelectResult & { supposed: true } {
  const best = Math.max(1, Math.round((2 * layers) / 3));
  const curve = Array.from({ length: layers }, (_, i) => ({ layer: i + 1, nu: 1 + Math.abs(i + 1 - best) }));
  return { layers: curve, score: 'nu', scores: [], supposed: true } as unknown as SelectResult & { supposed: true };
}

/** Tokens of a training input with its padding, from a sample; from a table where there is no data or no tokenizer. */
function meanTokens({ model, source, configs: [config] }: Pair, notes: Set<string>): number {
  const limit = Math.min(config.training.maxLength, model.config.positions - model.config.positionOffset);
  const sample = source.present ? sampleTexts(config.task) : [];
  try {
    if (sample.length > 0) {
      const tokenizer = loadTokenizer(model.folder);
      const tokens = sample.reduce((sum, { text, pair }) => sum + tokenizer.encode(text, pair, limit).ids.length, 0);
      return Math.min(limit, (1.1 * tokens) / sample.length);
    }
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
  }
  notes.add(ASSUMED_NOTE);
  return Math.min(limit, source.task.pair ? ASSUMED.pair : ASSUMED.single);
}

function sampleTexts(spec: Parameters<typeof openTask>[0]) {
  const { examples } = openTask(spec).split('train');
  const step = Math.max(1, Math.floor(examples.length / SAMPLE));
  return examples.filter((_, i) => i % step === 0);
}
