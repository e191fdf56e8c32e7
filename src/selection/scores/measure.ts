/** Measures layer scores side by side, layer by layer, so that what they share of a layer is computed once. */
import { Interrupted } from '../../errors.js';
import type { Multiply } from '../multiply.js';
import { stratifiedSample } from '../sample.js';
import type { PooledStates } from '../states.js';
import type { ScoreName } from './catalogue.js';
import { cka } from './cka.js';
import { debiasedNu } from './debiased-nu.js';
import { fisher } from './fisher.js';
import { groupFolds } from './folds.js';
import { gradientNorm } from './gradient-norm.js';
import type { LayerGradients } from './gradients.js';
import { hScore } from './h-score.js';
import { knn } from './knn.js';
import { logistic } from './logistic.js';
import { logme } from './logme.js';
import { computeMoments, type Moments } from './moments.js';
import { randomScore } from './random.js';
import { ridge } from './ridge.js';
import { MOST_ROWS } from './rows.js';
import type { LayerInput, StateScore } from './score.js';

/** Scores of the pooled states. */
const STATE_SCORES: Partial<Record<ScoreName, StateScore>> = {
  'debiased-nu': debiasedNu,
  logme,
  'h-score': hScore,
  knn,
  ridge,
  logistic,
  cka,
};

export interface ScoreSources {
  layers: number;
  kind: 'classification' | 'regression';
  seed: number;
  /** ν of layers 1…L, and the seconds that it took beside the pass. */
  nu: { values: readonly number[]; seconds: number };
  /** Why the classes are no classes for ν and its kin, where they are not. */
  unclassed?: string;
  /** The states that ν's pass left; why not, where there was no room. */
  states: PooledStates | string;
  /** [inputs]: score or class of each input of the split. */
  targets: ArrayLike<number>;
  /** [inputs]: which inputs share texts; asked for by the probes alone. */
  groups: () => ArrayLike<number>;
  /** Means of the token cosine by layer, where it was asked for. */
  tokenCosine?: readonly number[];
  /** Gradients of single inputs, and of batches, where a score asks for them; why not, where they could not be had. */
  inputGradients: () => Promise<LayerGradients[] | string>;
  batchGradients: () => Promise<LayerGradients[] | string>;
  multiply: Multiply;
  onLayer?: (done: number, total: number) => void;
}

export interface MeasuredScore {
  name: ScoreName;
  /** Layers 1…L, higher is better; null where a layer has none. */
  values: (number | null)[];
  seconds: number;
  /** Why there are no values. */
  missing?: string;
}

/** What it means that a score has a value at no layer. */
const UNDEFINED: Partial<Record<ScoreName, string>> = {
  'debiased-nu': 'at no layer do all class means stand out of their sampling noise; more inputs a class may help',
};

/** The scores asked for, in that order. Those that read what is not there have no values, and say why. */
export async function measureScores(names: readonly ScoreName[], sources: ScoreSources): Promise<MeasuredScore[]> {
  const measured = new Map(names.map((name): [ScoreName, MeasuredScore] => [name, { name, values: [], seconds: 0 }]));
  const put = (name: ScoreName, values: readonly (number | null)[], seconds = 0) => {
    const score = measured.get(name);
    if (score) Object.assign(score, { values: values.map(finite), seconds });
  };
  put(
    'nu',
    sources.nu.values.map((value) => -value),
    sources.nu.seconds,
  );
  put('random', randomScore(sources.layers, sources.seed));
  if (sources.tokenCosine) put('token-cosine', sources.tokenCosine);
  if (sources.unclassed !== undefined) {
    for (const name of ['nu', 'debiased-nu'] as const) {
      const score = measured.get(name);
      if (score) Object.assign(score, { values: [], missing: sources.unclassed });
    }
  }
  await measureStates(measured, sources);
  await measureGradients(measured, sources);
  for (const score of measured.values()) {
    while (score.values.length < sources.layers) score.values.push(null);
    if (score.missing === undefined && score.values.every((value) => value === null)) {
      score.missing = UNDEFINED[score.name] ?? 'these inputs do not define it at any layer';
    }
  }
  return [...measured.values()];
}

async function measureStates(measured: Map<ScoreName, MeasuredScore>, sources: ScoreSources): Promise<void> {
  const { states, layers, kind, targets, multiply, onLayer } = sources;
  const asked = [...measured.values()].filter(({ name }) => STATE_SCORES[name] !== undefined);
  if (asked.length === 0) return;
  if (typeof states === 'string') {
    for (const score of asked) score.missing ??= `no room for the pooled states: ${states}`;
    return;
  }
  const probed = asked.some(({ name }) => name === 'ridge' || name === 'logistic');
  const { folds, foldCount } = probed
    ? foldRows(states, sources.groups())
    : { folds: new Int32Array(states.rows), foldCount: 1 };
  const sample = sampleRows(states, sources.seed);
  const rowTargets = Float64Array.from(states.inputs, (input) => targets[input]);
  for (let layer = 1; layer <= layers; layer++) {
    const shared = remember(
      (): Moments => computeMoments(states, layer, { kind, targets: rowTargets, folds, foldCount }),
    );
    const input: LayerInput = {
      layer,
      kind,
      states,
      targets: rowTargets,
      folds,
      foldCount,
      sample,
      moments: shared.get,
      multiply,
    };
    for (const score of asked) {
      if (score.missing !== undefined) continue;
      const began = performance.now();
      await orMissing(score, layer, async () => {
        score.values.push(finite((await STATE_SCORES[score.name]?.(input)) ?? null));
      });
      // Each score's seconds are what it would take alone.
      score.seconds += (performance.now() - began + shared.owed()) / 1000;
    }
    onLayer?.(layer, layers);
  }
}

/** A score that fails is left without values and says why: the others stand. An interruption ends them all. */
async function orMissing(score: MeasuredScore, layer: number | undefined, compute: () => Promise<void>): Promise<void> {
  try {
    await compute();
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    score.values = [];
    score.missing = layer === undefined ? why : `layer ${layer}: ${why}`;
  }
}

/** A value made once; `owed` is the time saved since the last call by not making it again, in milliseconds. */
function remember<T>(make: () => T): { get: () => T; owed: () => number } {
  let made: { value: T; cost: number } | undefined;
  let debt = 0;
  return {
    get() {
      if (made) {
        debt += made.cost;
        return made.value;
      }
      const began = performance.now();
      const value = make();
      made = { value, cost: performance.now() - began };
      return value;
    },
    owed() {
      const owed = debt;
      debt = 0;
      return owed;
    },
  };
}

/** Folds of the rows, which don't depend on the order in which these arrived. */
function foldRows(states: PooledStates, groups: ArrayLike<number>): { folds: Int32Array; foldCount: number } {
  const order = inputOrder(states);
  const { folds: ordered, foldCount } = groupFolds(order.map((row) => groups[states.inputs[row]]));
  const folds = new Int32Array(states.rows);
  order.forEach((row, i) => {
    folds[row] = ordered[i];
  });
  return { folds, foldCount };
}

/** The rows in the order of their inputs. */
function inputOrder({ inputs }: PooledStates): number[] {
  return [...inputs.keys()].sort((a, b) => inputs[a] - inputs[b]);
}

/** Rows, ascending, of a stratified sample of the inputs; all of them where they are few. */
function sampleRows(states: PooledStates, seed: number): Int32Array {
  const order = inputOrder(states);
  const labels = order.map((row) => states.classOf[row]);
  return Int32Array.from(stratifiedSample(labels, MOST_ROWS, seed), (at) => order[at]).sort();
}

async function measureGradients(measured: Map<ScoreName, MeasuredScore>, sources: ScoreSources): Promise<void> {
  const { inputGradients, batchGradients } = sources;
  const each = [
    { score: measured.get('fisher'), sample: inputGradients, compute: fisher },
    { score: measured.get('gradient-norm'), sample: batchGradients, compute: gradientNorm },
  ];
  for (const { score, sample, compute } of each) {
    if (!score) continue;
    const began = performance.now();
    await orMissing(score, undefined, async () => {
      const gradients = await sample();
      if (typeof gradients === 'string') score.missing = gradients;
      else score.values = compute(gradients).map(finite);
    });
    score.seconds = (performance.now() - began) / 1000;
  }
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
