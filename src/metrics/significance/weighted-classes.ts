/** Scores of classes on a weighted sample, from counts per class. */
import type { MetricName, Task } from '../../data/types.js';
import { SpantuneError } from '../../errors.js';
import type { Tallies } from '../counts.js';
import { f1Of, macroF1Of } from '../f1.js';
import { matthewsOf } from '../matthews.js';
import { positiveClass } from '../score.js';
import type { WeightedScorer } from './types.js';

export function classScorer(task: Task, gold: ArrayLike<number>, predicted: ArrayLike<number>[]): WeightedScorer {
  const classes = task.labels.length;
  const { patternOf, examples } = patterns(gold, predicted);
  const golds = Int32Array.from(examples, (i) => gold[i]);
  // Where a pattern's weight is counted: by predicted class, right predictions after wrong ones.
  const cells = predicted.map((of) => Int32Array.from(examples, (i) => of[i] + (of[i] === gold[i] ? classes : 0)));
  const weightOf = new Int32Array(examples.length);
  const counts = new Int32Array(2 * classes);
  const tallies = {
    gold: new Int32Array(classes),
    predicted: new Int32Array(classes),
    correct: counts.subarray(classes),
    total: 0,
  };
  return {
    weigh(weights) {
      weightOf.fill(0);
      for (let i = 0; i < weights.length; i++) weightOf[patternOf[i]] += weights[i];
      tallies.gold.fill(0);
      tallies.total = 0;
      for (let at = 0; at < weightOf.length; at++) {
        tallies.gold[golds[at]] += weightOf[at];
        tallies.total += weightOf[at];
      }
    },
    score(run) {
      const cell = cells[run];
      counts.fill(0);
      for (let at = 0; at < cell.length; at++) counts[cell[at]] += weightOf[at];
      for (let id = 0; id < classes; id++) tallies.predicted[id] = counts[id] + counts[classes + id];
      let sum = 0;
      for (const name of task.metrics) sum += metric(name, task, tallies);
      return sum / task.metrics.length;
    },
  };
}

function metric(name: MetricName, task: Task, tallies: Tallies): number {
  switch (name) {
    case 'accuracy': {
      let right = 0;
      for (let id = 0; id < tallies.correct.length; id++) right += tallies.correct[id];
      return right / tallies.total;
    }
    case 'f1':
      return f1Of(tallies, positiveClass(task));
    case 'macro-f1':
      return macroF1Of(tallies);
    case 'matthews':
      return matthewsOf(tallies);
    default:
      throw new SpantuneError(`${name} is no metric of classes`);
  }
}

/** Examples that are alike in label and in every run's prediction are counted as one: on a large dev set there are few kinds. */
function patterns(
  gold: ArrayLike<number>,
  predicted: ArrayLike<number>[],
): { patternOf: Int32Array; examples: number[] } {
  const known = new Map<string, number>();
  const examples: number[] = [];
  const patternOf = Int32Array.from({ length: gold.length }, (_, i) => {
    const key = [gold[i], ...predicted.map((of) => of[i])].join(' ');
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, examples.length);
    return examples.push(i) - 1;
  });
  return { patternOf, examples };
}
