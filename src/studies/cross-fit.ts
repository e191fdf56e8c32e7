/**
 * Cross-fitted regret: what a rule loses against the best position, where the best is sought on one half of dev and of the seeds and the
 * loss measured on the other half of both. Best and loss on the same runs would call the luckiest of equal positions better than
 * the rest (of six equal ones, by more than a standard deviation).
 *
 * On a random halving (A, S) | (B, T) of examples and seeds, with score(p; A, S) the task score of position p on A, mean over S:
 *
 *   b      = argmax_p score(p; A, S)                       where several tie: the mean over them
 *   regret = score(b; B, T) − score(chosen; B, T)          and with the halves exchanged; mean of both, and over halvings
 *
 * Noise floor: the same loss where the chosen one is the best by one seed t of T on A, measured on T without t. Best, choice and
 * measurement then share no seed. It needs a half of two seeds.
 */
import { SpantuneError } from '../errors.js';
import { LEAST_SEEDS } from '../metrics/significance/difference.js';
import { type Random, stream } from '../random.js';
import { half, halveExamples, halveSeeds, resample, type Scorer, type Weights } from './halves.js';
import type { Estimate, RegretOptions } from './types.js';

export interface CrossFitInput {
  /** Scores of runs on weighted examples; run `arm · seeds + seed`. */
  scorer: Scorer;
  /** Examples of each split. */
  sizes: number[];
  /** The arms before this one are the positions among which the best is sought; others are only chosen. */
  positions: number;
  arms: number;
  seeds: number;
}

export interface CrossFit {
  /** What choosing an arm loses: [arms]. */
  regret: Estimate[];
  /** What choosing a position blindly loses: the exact mean over positions. */
  random: Estimate;
  /** Best by an independent seed; null where no half has two seeds. */
  floor: Estimate | null;
  /** Mean over seeds on all of dev: [arms]. */
  means: number[];
  /** The same on each resample: [arms][resamples]. */
  resampled: Float64Array[];
}

/** Halvings behind one resample: its mean may be rougher than the estimate's own. */
const HALVINGS_OF_RESAMPLE = 10;

/** Normal interval, 95 %. */
const WIDTH = 1.96;

interface Halving {
  examples: Uint8Array[];
  seeds: Random;
}

/**
 * Intervals are the estimate ± 1.96 standard deviations of the estimate over resamples of dev, and of the seeds from five on; an example
 * drawn twice stays in one half. (Percentiles would not do: among resamples the positions differ by what they differ by chance, so that the
 * middle of the resamples lies above the estimate.)
 */
export function crossFit(input: CrossFitInput, options: RegretOptions): CrossFit {
  const { scorer, sizes, positions, arms, seeds } = input;
  if (positions < 2 || positions > arms || seeds < 1)
    throw new SpantuneError(`cannot seek the best of ${positions} positions`);
  const halvings = Array.from({ length: options.halvings }, (_, at): Halving => {
    const random = stream(options.seed, 'halving', at);
    return { examples: halveExamples(sizes, random), seeds: random };
  });
  const own = Array.from({ length: seeds }, (_, seed) => seed);
  const once = sizes.map((size) => new Int32Array(size).fill(1));
  const estimate = fit(input, halvings, once, own);

  const few = Math.min(HALVINGS_OF_RESAMPLE, halvings.length);
  const spread = { regret: Array.from({ length: arms }, moments), random: moments(), floor: moments() };
  const resampled = Array.from({ length: arms }, () => new Float64Array(options.resamples));
  const weights = sizes.map((size) => new Int32Array(size));
  for (let draw = 0; draw < options.resamples; draw++) {
    const random = stream(options.seed, 'resample halves', draw);
    const drawn = seeds < LEAST_SEEDS ? own : own.map(() => random.integer(seeds));
    resample(random, weights);
    const all = scorer(weights);
    for (let arm = 0; arm < arms; arm++) resampled[arm][draw] = meanOf(all, arm * seeds, drawn);
    const first = (draw * few) % halvings.length;
    const used = Array.from({ length: few }, (_, at): Halving => {
      const { examples } = halvings[(first + at) % halvings.length];
      return { examples, seeds: random };
    });
    const again = fit(input, used, weights, drawn);
    again.regret.forEach((value, arm) => {
      spread.regret[arm].add(value);
    });
    spread.random.add(again.random);
    if (again.floor !== null) spread.floor.add(again.floor);
  }
  const all = scorer(once);
  return {
    regret: Array.from(estimate.regret, (value, arm) => interval(value, spread.regret[arm].deviation())),
    random: interval(estimate.random, spread.random.deviation()),
    floor: estimate.floor === null ? null : interval(estimate.floor, spread.floor.deviation()),
    means: Array.from({ length: arms }, (_, arm) => meanOf(all, arm * seeds, own)),
    resampled,
  };
}

interface Fitted {
  regret: Float64Array;
  random: number;
  floor: number | null;
}

/** `drawn`: seeds, perhaps some of them several times; a seed's copies stay in one half. */
function fit(input: CrossFitInput, halvings: readonly Halving[], weights: Weights, drawn: readonly number[]): Fitted {
  const { scorer, arms, positions } = input;
  const regret = new Float64Array(arms);
  let random = 0;
  let floor = 0;
  let floors = 0;
  const part = weights.map((of) => new Int32Array(of.length));
  const distinct = [...new Set(drawn)];
  for (const halving of halvings) {
    const scores = ([1, 0] as const).map((marked) => scorer(half(weights, halving.examples, marked, part)).slice());
    const halves = halveSeeds(distinct, halving.seeds).map((seeds) => drawn.filter((seed) => seeds.includes(seed)));
    for (const [found, measured] of [
      [0, 1],
      [1, 0],
    ]) {
      const sought = { scores: scores[found], seeds: halves[found] };
      const held = { scores: scores[measured], seeds: halves[measured] };
      const best = bestOf(input, sought.scores, sought.seeds);
      const of = (arm: number, seeds = held.seeds) => meanOf(held.scores, arm * input.seeds, seeds);
      const ofAll = (tied: readonly number[], seeds = held.seeds) =>
        tied.reduce((sum, arm) => sum + of(arm, seeds), 0) / tied.length;
      const bestScore = ofAll(best);
      let total = 0;
      for (let arm = 0; arm < arms; arm++) {
        const score = of(arm);
        regret[arm] += bestScore - score;
        if (arm < positions) total += score;
      }
      random += bestScore - total / positions;
      // With one seed alone both halves have it.
      for (const chooser of distinct.length > 1 ? new Set(held.seeds) : []) {
        const rest = held.seeds.filter((seed) => seed !== chooser);
        if (rest.length === 0) continue;
        floor += ofAll(best, rest) - ofAll(bestOf(input, sought.scores, [chooser]), rest);
        floors++;
      }
    }
  }
  const times = 2 * halvings.length;
  return {
    regret: regret.map((sum) => sum / times),
    random: random / times,
    floor: floors === 0 ? null : floor / floors,
  };
}

/** The positions with the highest mean over the seeds: more than one where several tie, none of which may then be favoured. */
function bestOf({ positions, seeds }: CrossFitInput, scores: Float64Array, by: readonly number[]): number[] {
  let best: number[] = [];
  let highest = Number.NEGATIVE_INFINITY;
  for (let position = 0; position < positions; position++) {
    const score = meanOf(scores, position * seeds, by);
    if (score > highest + ROUNDING) [best, highest] = [[position], score];
    else if (score > highest - ROUNDING) best.push(position);
  }
  return best;
}

function meanOf(scores: Float64Array, from: number, seeds: readonly number[]): number {
  let sum = 0;
  for (const seed of seeds) sum += scores[from + seed];
  return sum / seeds.length;
}

/** Differences this close to 0 are rounding. */
const ROUNDING = 1e-12;

export function interval(value: number, error: number): Estimate {
  const own = Math.abs(value) < ROUNDING ? 0 : value;
  return { value: own, error, low: own - WIDTH * error, high: own + WIDTH * error };
}

/** Running mean and spread (Welford 1962). */
function moments(): { add(value: number): void; deviation(): number } {
  let count = 0;
  let mean = 0;
  let squares = 0;
  return {
    add(value) {
      count++;
      const step = value - mean;
      mean += step / count;
      squares += step * (value - mean);
    },
    deviation: () => (count < 2 ? 0 : Math.sqrt(squares / (count - 1))),
  };
}
