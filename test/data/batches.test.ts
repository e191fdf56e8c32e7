import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  batchLength,
  batchRows,
  evaluationBatches,
  evaluationPlan,
  makeBatch,
  paddingShare,
  trainingBatches,
  trainingPlan,
  truncatedShare,
} from '../../src/data/batches.js';
import type { Encoded } from '../../src/data/types.js';
import { stream } from '../../src/random.js';

/** An input of `length` tokens, the first and last of them special. */
const input = (length: number, first = 5): Encoded => ({
  ids: Int32Array.from({ length }, (_, i) => first + i),
  typeIds: new Uint8Array(length).map((_, i) => (i > length / 2 ? 1 : 0)),
  special: new Uint8Array(length).map((_, i) => (i === 0 || i === length - 1 ? 1 : 0)),
  truncated: length > 100,
});
const lengths = (n: number, seed: number) => {
  const chance = stream(seed, 'lengths');
  return Array.from({ length: n }, () => 3 + chance.integer(120));
};
const order = fc.constantFrom('pooled' as const, 'random' as const);

test('a plan holds every example once, in full batches but one, and follows from seed and epoch alone', () => {
  fc.assert(
    fc.property(
      fc.nat(400),
      fc.integer({ min: 1, max: 9 }),
      order,
      fc.nat(5),
      fc.nat(5),
      (n, batchSize, order, seed, epoch) => {
        const of = lengths(n, seed);
        const plan = trainingPlan(of, { batchSize, order, seed, epoch });
        assert.deepEqual(
          plan.flat().sort((a, b) => a - b),
          of.map((_, i) => i),
        );
        assert.equal(plan.length, Math.ceil(n / batchSize));
        assert.equal(plan.filter((batch) => batch.length < batchSize).length, n % batchSize === 0 ? 0 : 1);
        assert.deepEqual(plan, trainingPlan(of, { batchSize, order, seed, epoch }));
      },
    ),
    { numRuns: 60 },
  );
  const of = lengths(300, 1);
  const options = { batchSize: 8, order: 'pooled' as const, seed: 1, epoch: 1 };
  assert.notDeepEqual(trainingPlan(of, options), trainingPlan(of, { ...options, epoch: 2 }));
  assert.notDeepEqual(trainingPlan(of, options), trainingPlan(of, { ...options, seed: 2 }));
});

test('pooled batches are sorted within pools of 50 and come in shuffled order; random ones are not sorted', () => {
  const of = lengths(1000, 2);
  const plan = trainingPlan(of, { batchSize: 4, order: 'pooled', seed: 3, epoch: 1 });
  for (const batch of plan) {
    for (let i = 1; i < batch.length; i++) assert.ok(of[batch[i - 1]] <= of[batch[i]]);
  }
  const firsts = plan.map((batch) => of[batch[0]]);
  assert.notDeepEqual(
    firsts,
    [...firsts].sort((a, b) => a - b),
  );
  const encoded = of.map((length) => input(length));
  const share = (order: 'pooled' | 'random') =>
    paddingShare(trainingPlan(of, { batchSize: 4, order, seed: 3, epoch: 1 }), encoded, { rows: 4, maxLength: 128 });
  assert.ok(share('pooled') < 0.1, `pooled: ${share('pooled')}`);
  assert.ok(share('random') > 0.25, `random: ${share('random')}`);
});

test('a batch is as long as its longest input, and two tokens at least', () => {
  const encoded = [0, 1, 9, 100].map((length) => input(length));
  const of = (indices: number[], maxLength = 128) => batchLength(encoded, indices, maxLength);
  assert.deepEqual([of([0]), of([1, 0]), of([1, 2]), of([2, 3, 0]), of([2], 9)], [2, 2, 9, 100, 9]);
});

test('a batch is padded, masked and filled up', () => {
  const batch = makeBatch([input(3), input(4, 50), input(2, 90)], [1, 2], { rows: 3, length: 5, padId: 1 });
  assert.deepEqual([...batch.ids], [50, 51, 52, 53, 1, 90, 91, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual([...batch.typeIds], [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...batch.attentionMask], [1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
  // The second input has no content, so it uses all its tokens; the filler row keeps one.
  assert.deepEqual([...batch.contentMask], [0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
  assert.deepEqual([...batch.examples], [1, 2, -1]);
  assert.deepEqual([...batch.weights], [1, 1, 0]);
  assert.throws(() => makeBatch([input(3)], [0], { rows: 1, length: 2, padId: 0 }), RangeError);
  assert.throws(() => makeBatch([input(3)], [0, 0], { rows: 1, length: 8, padId: 0 }), RangeError);
});

test('no row of any batch is fully masked, inputs of no tokens included; no batch has a single row unless it may', () => {
  const encoded = [input(0), input(20), input(3)];
  for (const batch of evaluationBatches(encoded, { batchSize: 1, padId: 0, maxLength: 64 })) {
    assert.equal(batch.rows, 2);
    for (let row = 0; row < batch.rows; row++) {
      const of = (mask: Float32Array) => mask.subarray(row * batch.length, (row + 1) * batch.length).includes(1);
      assert.ok(of(batch.attentionMask) && of(batch.contentMask));
    }
  }
  const single = [...evaluationBatches([input(5)], { batchSize: 32, padId: 0, maxLength: 64, least: 1 })];
  assert.deepEqual(
    single.map(({ rows, examples }) => [rows, [...examples]]),
    [[1, [0]]],
  );
  assert.equal(batchRows(1, 100), 2);
  assert.equal(batchRows(1, 100, 1), 1);
  assert.equal(batchRows(32, 100), 32);
  assert.equal(batchRows(1e9, 100), 100);
  assert.equal(batchRows(32, 1), 2);
});

test('training goes on at any batch as if it had not stopped', () => {
  const encoded = lengths(57, 4).map((length) => input(length));
  const options = { batchSize: 8, order: 'pooled' as const, seed: 5, epoch: 2, padId: 0, maxLength: 128 };
  const whole = [...trainingBatches(encoded, options)];
  assert.deepEqual([...trainingBatches(encoded, { ...options, start: 3 })], whole.slice(3));
  assert.ok(whole.every((batch) => batch.rows === 8));
  assert.equal(
    whole.reduce((sum, batch) => sum + batch.weights.reduce((a, b) => a + b, 0), 0),
    57,
  );
});

test('evaluation sees every example once, longest first', () => {
  const of = lengths(50, 6);
  const plan = evaluationPlan(of, 16);
  const sorted = plan.flat().map((i) => of[i]);
  assert.deepEqual(
    sorted,
    [...of].sort((a, b) => b - a),
  );
  assert.deepEqual(
    plan.map((batch) => batch.length),
    [16, 16, 16, 2],
  );
});

test('shares of padding and truncation', () => {
  const encoded = [input(4), input(8), input(101)];
  assert.equal(paddingShare([[0, 1]], encoded, { rows: 2, maxLength: 128 }), 0.25);
  assert.equal(paddingShare([[0, 1], [1]], encoded, { rows: 2, maxLength: 128 }), 1 - 20 / 32);
  assert.equal(truncatedShare(encoded), 1 / 3);
  assert.equal(truncatedShare([]), 0);
});
