/**
 * Paired resampling: what the task score of every run would be on other dev sets like this one. Each resample takes as many
 * examples as dev has, with replacement, and scores all runs on the very same ones, so that what an example does to all of them
 * alike does not blur their difference.
 */
import type { Task } from '../../data/types.js';
import { SpantuneError } from '../../errors.js';
import { stream } from '../../random.js';
import type { ScoredSplit, WeightedScorer } from './types.js';
import { classScorer } from './weighted-classes.js';
import { correlationScorer } from './weighted-correlations.js';

/** Throws a `SpantuneError` where a run has not one prediction for each label. */
export function weightedScorer(task: Task, { split, gold, predicted }: ScoredSplit): WeightedScorer {
  for (const { length } of predicted) {
    if (length !== gold.length) throw new SpantuneError(`${length} predictions do not fit ${gold.length} of ${split}`);
  }
  return task.kind === 'regression' ? correlationScorer(task, gold, predicted) : classScorer(task, gold, predicted);
}

/**
 * Task scores [run][resample]. The draw depends on the seed, the task, the split's name and its size alone, so that a run's scores
 * are the same whatever runs stand beside it. The splits of a task are resampled each by itself, and their scores averaged.
 */
export function resampleScores(
  task: Task,
  splits: readonly ScoredSplit[],
  { resamples, seed }: { resamples: number; seed: number },
): Float64Array[] {
  const runs = splits[0]?.predicted.length ?? 0;
  const scores = Array.from({ length: runs }, () => new Float64Array(resamples));
  for (const split of splits) {
    const scorer = weightedScorer(task, split);
    const random = stream(seed, 'resample', task.name, split.split);
    const size = split.gold.length;
    const weights = new Int32Array(size);
    for (let draw = 0; draw < resamples; draw++) {
      weights.fill(0);
      for (let i = 0; i < size; i++) weights[random.integer(size)]++;
      scorer.weigh(weights);
      for (let run = 0; run < runs; run++) scores[run][draw] += scorer.score(run) / splits.length;
    }
  }
  return scores;
}
