import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from '../../src/data/types.js';
import { score } from '../../src/metrics/score.js';
import { stream } from '../../src/random.js';
import { crossFit } from '../../src/studies/cross-fit.js';
import { createScorer, half, halveExamples, halveSeeds, resample } from '../../src/studies/halves.js';

const TASK: Task = { name: 't', kind: 'classification', labels: ['a', 'b'], metrics: ['accuracy'], pair: false };

/** Runs of positions with these accuracies; seeds wander by `wander`, examples are hard for all runs alike. */
function simulate(qualities: number[], { seeds = 4, examples = 200, wander = 0.01, key = 0 } = {}) {
  const random = stream('simulated', key);
  const hard = Array.from({ length: examples }, () => random.uniform());
  const gold = Int32Array.from({ length: examples }, () => random.integer(2));
  const predicted = qualities.flatMap((quality) =>
    Array.from({ length: seeds }, () => {
      const own = quality + wander * random.normal();
      return Int32Array.from(gold, (label, i) => {
        // Half of what decides is the example's own.
        const right = (random.uniform() < 0.5 ? hard[i] : random.uniform()) < own;
        return right ? label : 1 - label;
      });
    }),
  );
  return {
    scorer: createScorer(TASK, [{ split: 'dev', gold, predicted }]),
    sizes: [examples],
    positions: qualities.length,
    arms: qualities.length,
    seeds,
  };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('positions that are equal have no regret on average, though the best as seen beats each', () => {
  const equal = Array.from({ length: 5 }, () => 0.75);
  const found: number[][] = [];
  const apparent: number[] = [];
  for (let key = 0; key < 150; key++) {
    const { regret, random, floor, means } = crossFit(simulate(equal, { key }), {
      halvings: 10,
      resamples: 0,
      seed: 1,
    });
    found.push([regret[2].value, random.value, floor?.value ?? Number.NaN]);
    apparent.push(Math.max(...means) - means[2]);
  }
  for (const at of [0, 1, 2]) {
    const values = found.map((row) => row[at]);
    const error = Math.sqrt(mean(values.map((v) => v ** 2)) / values.length);
    assert.ok(Math.abs(mean(values)) < 3 * error, `${at}: ${mean(values)} ± ${error}`);
    assert.ok(Math.abs(mean(values)) < 0.003);
  }
  assert.ok(mean(apparent) > 0.01, `the best as seen is ${mean(apparent)} above a given one`);
});

test('of positions that tie none is favoured', () => {
  const one = simulate([0.7], { key: 3 });
  const rescored = (input: typeof one, positions: number, change: (scores: Float64Array) => Iterable<number>) => ({
    ...input,
    positions,
    arms: positions,
    scorer: (weights: Parameters<typeof one.scorer>[0]) => Float64Array.from(change(input.scorer(weights))),
  });
  // Four positions of the very same predictions.
  const same = rescored(one, 4, (scores) => [scores, scores, scores, scores].flatMap((each) => Array.from(each)));
  const { regret } = crossFit(same, { halvings: 10, resamples: 0, seed: 1 });
  for (const { value } of regret) assert.equal(value, 0);
  // A fifth that is better by half of the seeds: whichever half chooses, the four lose alike.
  const mixed = rescored(same, 5, (scores) => [
    ...scores,
    ...scores.slice(0, one.seeds).map((score, i) => score + (i % 2 ? 0.1 : -0.1)),
  ]);
  const { regret: losses } = crossFit(mixed, { halvings: 10, resamples: 0, seed: 1 });
  for (const { value } of losses.slice(1, 4)) assert.ok(Math.abs(value - losses[0].value) < 1e-12);
});

test('where one position is clearly best, a rule loses what the true scores differ by', () => {
  const losses: number[][] = [];
  const random: number[] = [];
  const floors: number[] = [];
  for (let key = 0; key < 40; key++) {
    const fitted = crossFit(simulate([0.6, 0.9, 0.7, 0.6], { key }), { halvings: 5, resamples: 0, seed: 1 });
    losses.push(fitted.regret.map(({ value }) => value));
    random.push(fitted.random.value);
    floors.push(fitted.floor?.value ?? Number.NaN);
  }
  [0.3, 0, 0.2, 0.3].forEach((truth, at) => {
    assert.ok(Math.abs(mean(losses.map((row) => row[at])) - truth) < 0.015, `${at}`);
  });
  assert.ok(Math.abs(mean(random) - 0.2) < 0.015);
  assert.ok(Math.abs(mean(floors)) < 0.002, 'an independent seed finds it too');
});

test('the interval holds the true regret about as often as it says', () => {
  for (const [qualities, truth] of [
    [[0.75, 0.75, 0.75, 0.75], 0],
    [[0.65, 0.8, 0.65, 0.65], 0.15],
  ] as const) {
    let held = 0;
    for (let key = 0; key < 60; key++) {
      const input = simulate([...qualities], { key: 1000 + key, examples: 120, wander: 0 });
      const { regret } = crossFit(input, { halvings: 20, resamples: 60, seed: 1 });
      if (regret[0].low <= truth && truth <= regret[0].high) held++;
    }
    assert.ok(held >= 53, `${held} of 60 around ${truth}`);
  }
});

test('a half is scored as its examples alone, on each split of the task', () => {
  const task: Task = { ...TASK, metrics: ['f1', 'accuracy', 'matthews'], positiveLabel: 'b' };
  const random = stream('halves');
  const splits = [31, 20].map((size, at) => ({
    split: String(at),
    gold: Int32Array.from({ length: size }, () => random.integer(2)),
    predicted: [0, 1, 2].map(() => Int32Array.from({ length: size }, () => random.integer(2))),
  }));
  const sizes = splits.map(({ gold }) => gold.length);
  const scorer = createScorer(task, splits);
  const taken: number[] = [];
  for (let draw = 0; draw < 20; draw++) {
    const weights = resample(
      random,
      sizes.map((size) => new Int32Array(size)),
    );
    const halves = halveExamples(sizes, random);
    taken.push(halves[0].reduce((sum, mark) => sum + mark, 0));
    for (const marked of [0, 1] as const) {
      const part = half(
        weights,
        halves,
        marked,
        sizes.map((size) => new Int32Array(size)),
      );
      const scores = scorer(part);
      for (let run = 0; run < 3; run++) {
        const expected = splits.map(({ gold, predicted }, at) => {
          const rows = Array.from(weights[at]).flatMap((count, row) =>
            halves[at][row] === marked ? Array.from({ length: count }, () => row) : [],
          );
          return score(
            task,
            rows.map((row) => predicted[run][row]),
            rows.map((row) => gold[row]),
          ).score;
        });
        assert.ok(Math.abs(scores[run] - (expected[0] + expected[1]) / 2) < 1e-12);
      }
    }
  }
  // Of an odd number either half is the larger one.
  assert.deepEqual([...new Set(taken)].sort(), [15, 16]);
});

test('seeds are halved without remainder or share; a single one stands on both sides', () => {
  const random = stream('seeds');
  for (const count of [2, 3, 4, 5]) {
    const seeds = Array.from({ length: count }, (_, seed) => seed);
    for (let draw = 0; draw < 20; draw++) {
      const [first, second] = halveSeeds(seeds, random);
      assert.deepEqual([...first, ...second].sort(), seeds);
      assert.ok(Math.abs(first.length - second.length) <= 1 && first.length > 0 && second.length > 0);
    }
  }
  assert.deepEqual(halveSeeds([7], random), [[7], [7]]);
});
