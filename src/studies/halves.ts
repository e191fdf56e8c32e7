/** Task scores of runs on weighted parts of dev, and random halvings of dev and seeds. */
import type { Task } from '../data/types.js';
import { weightedScorer } from '../metrics/significance/resample.js';
import type { ScoredSplit } from '../metrics/significance/types.js';
import type { Random } from '../random.js';

/** How often each example counts, by split. */
export type Weights = Int32Array[];

/** Scores runs on a part of dev: [runs], the mean over the splits. The array is overwritten by the next call. */
export type Scorer = (weights: Weights) => Float64Array;

export function createScorer(task: Task, splits: readonly ScoredSplit[]): Scorer {
  const scorers = splits.map((split) => weightedScorer(task, split));
  const scores = new Float64Array(splits[0].predicted.length);
  return (weights) => {
    scores.fill(0);
    scorers.forEach((scorer, at) => {
      scorer.weigh(weights[at]);
      for (let run = 0; run < scores.length; run++) scores[run] += scorer.score(run) / scorers.length;
    });
    return scores;
  };
}

/** One example in two of each split: 1 for the first half, 0 for the second. */
export function halveExamples(sizes: readonly number[], random: Random): Uint8Array[] {
  return sizes.map((size) => {
    const order = random.shuffle(Int32Array.from({ length: size }, (_, example) => example));
    const first = new Uint8Array(size);
    // Of an odd number, either half is the larger one.
    const taken = Math.floor((size + random.integer(2)) / 2);
    for (let i = 0; i < taken; i++) first[order[i]] = 1;
    return first;
  });
}

/** The seeds in two; where there is one only, both halves have it. */
export function halveSeeds(seeds: readonly number[], random: Random): [number[], number[]] {
  if (seeds.length < 2) return [[...seeds], [...seeds]];
  const order = random.shuffle([...seeds]);
  const taken = Math.floor((order.length + random.integer(2)) / 2);
  return [order.slice(0, taken), order.slice(taken)];
}

/** The weights of one half: those of the examples that are marked, or of those that are not. */
export function half(weights: Weights, first: readonly Uint8Array[], marked: 0 | 1, out: Weights): Weights {
  weights.forEach((of, split) => {
    for (let i = 0; i < of.length; i++) out[split][i] = first[split][i] === marked ? of[i] : 0;
  });
  return out;
}

/** As many examples as each split has, with replacement; drawn into `out`. */
export function resample(random: Random, out: Weights): Weights {
  for (const of of out) {
    of.fill(0);
    for (let i = 0; i < of.length; i++) of[random.integer(of.length)]++;
  }
  return out;
}
