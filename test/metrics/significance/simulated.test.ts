/** Intervals, p values and verdicts on data whose truth is known. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MetricName, Task } from '../../../src/data/types.js';
import { SpantuneError } from '../../../src/errors.js';
import { score } from '../../../src/metrics/score.js';
import { pairedDifference, type ResampledScore, verdictOf } from '../../../src/metrics/significance/difference.js';
import { holm } from '../../../src/metrics/significance/holm.js';
import { resampleScores } from '../../../src/metrics/significance/resample.js';
import { type Random, stream } from '../../../src/random.js';

const RESAMPLES = 300;
const taskOf = (...metrics: MetricName[]): Task => ({
  name: 'simulated',
  kind: metrics.includes('pearson') ? 'regression' : 'classification',
  labels: metrics.includes('pearson') ? [] : ['a', 'b'],
  metrics,
  pair: false,
});

function resampled(task: Task, gold: Float64Array, predicted: Float64Array[], seed: number): ResampledScore[] {
  const scores = resampleScores(task, [{ split: 'dev', gold, predicted }], { resamples: RESAMPLES, seed });
  return predicted.map((of, run) => ({ score: score(task, of, gold).score, resampled: scores[run] }));
}

/** A dev set, and runs on it that are right on a share of its population; what is hard for one is hard for all. */
function devSet(random: Random, examples: number): { gold: Float64Array; run(accuracy: number): Float64Array } {
  const gold = Float64Array.from({ length: examples }, () => random.integer(2));
  const hard = gold.map(() => random.uniform());
  return {
    gold,
    run(accuracy) {
      // 0.7 u + 0.3 v lies below this with the probability `accuracy`, from 0.79 up.
      const limit = 1 - Math.sqrt((1 - accuracy) * 2 * 0.7 * 0.3);
      return gold.map((label, i) => (0.7 * hard[i] + 0.3 * random.uniform() < limit ? label : 1 - label));
    },
  };
}

/** Share of 400 dev sets for which `holds`. */
function shareOf(holds: (random: Random, seed: number) => boolean): number {
  let count = 0;
  for (let seed = 0; seed < 400; seed++) if (holds(stream(seed, 'simulation'), seed)) count++;
  return count / 400;
}

const within = (share: number, low: number, high: number) =>
  assert.ok(share >= low && share <= high, `${share} is not from ${low} to ${high}`);
const covers = ({ low, high }: { low: number; high: number }, truth: number) => low <= truth && truth <= high;

describe('the 95 % interval holds the truth in about 95 % of dev sets', () => {
  test('of a difference of accuracies', () => {
    const share = shareOf((random, seed) => {
      const { gold, run } = devSet(random, 200);
      const [arm, reference] = resampled(taskOf('accuracy'), gold, [run(0.85), run(0.8)], seed);
      return covers(pairedDifference([arm], [reference], seed), 0.05);
    });
    within(share, 0.91, 0.98);
  });

  test('of a difference of means of Matthews correlation and F1', () => {
    const share = shareOf((random, seed) => {
      const { gold, run } = devSet(random, 200);
      const [arm, reference] = resampled(taskOf('matthews', 'f1'), gold, [run(0.85), run(0.8)], seed);
      // Classes are as frequent as each other and errors as frequent in both: Matthews is 2 · accuracy − 1, F1 the accuracy.
      return covers(pairedDifference([arm], [reference], seed), (2 * 0.05 + 0.05) / 2);
    });
    within(share, 0.91, 0.98);
  });

  test('of a difference of correlations', () => {
    const truth = 1 / Math.sqrt(1 + 0.5 ** 2) - 1 / Math.sqrt(1 + 0.7 ** 2);
    const share = shareOf((random, seed) => {
      const gold = Float64Array.from({ length: 200 }, () => random.normal());
      const noisy = (size: number) => gold.map((value) => value + size * random.normal());
      const [arm, reference] = resampled(taskOf('pearson'), gold, [noisy(0.5), noisy(0.7)], seed);
      return covers(pairedDifference([arm], [reference], seed), truth);
    });
    within(share, 0.91, 0.98);
  });

  test('of five seeds that differ, as far as five can tell', () => {
    const share = shareOf((random, seed) => {
      const { gold, run } = devSet(random, 100);
      const runs = Array.from({ length: 10 }, () => run(0.84 + 0.02 * random.normal()));
      const scores = resampled(taskOf('accuracy'), gold, runs, seed);
      return covers(pairedDifference(scores.slice(0, 5), scores.slice(5), seed), 0);
    });
    within(share, 0.91, 1);
  });
});

describe('where there is no difference', () => {
  test('p is at most 5 % in about 5 % of dev sets', () => {
    const share = shareOf((random, seed) => {
      const { gold, run } = devSet(random, 200);
      const [arm, reference] = resampled(taskOf('matthews', 'f1'), gold, [run(0.82), run(0.82)], seed);
      return pairedDifference([arm], [reference], seed).p <= 0.05;
    });
    within(share, 0.02, 0.09);
  });

  test('an arm that is worse by the margin is seldom called a match, and one that is as good seldom better or worse', () => {
    const verdicts = (accuracy: number, wrong: readonly string[]) =>
      shareOf((random, seed) => {
        const { gold, run } = devSet(random, 200);
        const [arm, reference] = resampled(taskOf('accuracy'), gold, [run(accuracy), run(0.85)], seed);
        return wrong.includes(verdictOf(pairedDifference([arm], [reference], seed), 0.01));
      });
    within(verdicts(0.84, ['matches', 'better']), 0, 0.05);
    within(verdicts(0.85, ['better', 'worse']), 0.02, 0.09);
  });

  test('some of six arms looks different far more often, and after Holm’s correction it does not', () => {
    let uncorrected = 0;
    const corrected = shareOf((random, seed) => {
      const { gold, run } = devSet(random, 100);
      const runs = Array.from({ length: 7 }, () => run(0.82));
      const [reference, ...arms] = resampled(taskOf('accuracy'), gold, runs, seed);
      const p = arms.map((arm) => pairedDifference([arm], [reference], seed).p);
      if (Math.min(...p) <= 0.05) uncorrected++;
      return Math.min(...holm(p)) <= 0.05;
    });
    within(uncorrected / 400, 0.12, 0.3);
    within(corrected, 0.01, 0.08);
  });

  test('a run does not differ from itself at all: one draw serves all runs', () => {
    const { gold, run } = devSet(stream(1), 100);
    const same = run(0.8);
    const scores = resampled(taskOf('f1', 'accuracy'), gold, [same, run(0.9), same.slice()], 1);
    assert.deepEqual(scores[0].resampled, scores[2].resampled);
    assert.deepEqual(pairedDifference([scores[0]], [scores[2]], 1), { difference: 0, low: 0, high: 0, p: 1 });
  });
});

test('a real difference is found, with a p that is never 0', () => {
  const { gold, run } = devSet(stream(2), 400);
  const [arm, reference] = resampled(taskOf('accuracy'), gold, [run(0.97), run(0.8)], 1);
  const { low, p } = pairedDifference([arm], [reference], 1);
  assert.ok(low > 0.05);
  assert.equal(p, 2 / (RESAMPLES + 1));
});

test('the draw is the same for the same seed, whatever runs stand beside, and another for another', () => {
  const { gold, run } = devSet(stream(3), 50);
  const [one, two] = [run(0.8), run(0.9)];
  const task = taskOf('accuracy');
  assert.deepEqual(resampled(task, gold, [one], 7)[0], resampled(task, gold, [two, one], 7)[1]);
  assert.notDeepEqual(resampled(task, gold, [one], 7)[0], resampled(task, gold, [one], 8)[0]);
});

test('two splits are resampled each by itself, and averaged', () => {
  const { gold, run } = devSet(stream(4), 400);
  const predicted = [run(0.8)];
  const options = { resamples: 2000, seed: 1 };
  const variance = (values: Float64Array) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  };
  const task = taskOf('accuracy');
  const [one] = resampleScores(task, [{ split: 'dev', gold, predicted }], options);
  const splits = ['dev', 'dev_mismatched'].map((split) => ({ split, gold, predicted }));
  const [both] = resampleScores(task, splits, options);
  // Of one draw for both the variance would not shrink.
  within(variance(both) / variance(one), 0.43, 0.57);
});

test('from five seeds on their own spread widens the interval', () => {
  const constant = (value: number) => ({ score: value, resampled: new Float64Array(1000).fill(value) });
  const reference = [0, 0, 0, 0, 0].map(constant);
  const five = pairedDifference([0.01, 0.02, 0.03, 0.04, 0.05].map(constant), reference, 1);
  const four = pairedDifference([0.01, 0.02, 0.03, 0.04].map(constant), reference.slice(1), 1);
  assert.ok(Math.abs(five.difference - 0.03) < 1e-12 && five.low < 0.022 && five.high > 0.038);
  assert.ok(Math.abs(four.low - 0.025) < 1e-12 && Math.abs(four.high - 0.025) < 1e-12);
});

test('sums of terms that cancel are no difference', () => {
  const runs = (...scores: number[]) =>
    scores.map((value) => ({ score: value, resampled: new Float64Array(100).fill(value) }));
  const seen = pairedDifference(runs(0.1, 0.2, 0.3), runs(0.3, 0.1, 0.2), 1);
  assert.deepEqual(seen, { difference: 0, low: 0, high: 0, p: 1 });
  assert.throws(() => pairedDifference(runs(1, 2), runs(1), 1), SpantuneError);
});

test('verdicts', () => {
  const cases: [low: number, high: number, verdict: string][] = [
    [0.001, 0.05, 'better'],
    [-0.05, -0.001, 'worse'],
    [-0.008, -0.001, 'worse'],
    [-0.009, 0.02, 'matches'],
    [0, 0, 'matches'],
    [-0.01, 0.02, 'undecided'],
    [-0.03, 0, 'undecided'],
  ];
  for (const [low, high, verdict] of cases) assert.equal(verdictOf({ low, high }, 0.01), verdict, `${low} to ${high}`);
  assert.equal(verdictOf({ low: -0.03, high: 0.02 }, 0.05), 'matches');
});
