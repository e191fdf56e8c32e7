/** What the encoder reads, from a batch. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readEncoderConfig } from '../../src/checkpoint/config.js';
import { CheckpointError, UserError } from '../../src/errors.js';
import { encoderInputs, relativeBuckets } from '../../src/model/inputs.js';
import { maxLength } from '../../src/model/shapes.js';
import { batchOf, FIXTURES } from './support.js';

const bert = readEncoderConfig(`${FIXTURES}/bert`);
const roberta = readEncoderConfig(`${FIXTURES}/roberta`);
const mpnet = readEncoderConfig(`${FIXTURES}/mpnet`);

test('ids, types, padding mask and their shapes', () => {
  const batch = batchOf([[5, 6, 7], [8]], 0, [[0, 1, 1], [0]]);
  const inputs = encoderInputs(batch, bert);
  assert.deepEqual(Object.keys(inputs), ['ids', 'types', 'attentionBias']);
  assert.deepEqual(inputs.ids, { shape: [6], data: Int32Array.of(5, 6, 7, 8, 0, 0) });
  assert.deepEqual(inputs.types.shape, [6, 2]);
  assert.deepEqual([...inputs.types.data], [1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0]);
  assert.deepEqual(inputs.attentionBias.shape, [2, 1, 1, 3]);
  assert.deepEqual(
    [...inputs.attentionBias.data].map((bias) => bias === 0),
    [true, true, true, true, false, false],
  );
  assert.ok(inputs.attentionBias.data.every(Number.isFinite));
});

test('a model with one token type, or none, reads none; cached states need no ids', () => {
  const batch = batchOf([[5, 6]]);
  assert.deepEqual(Object.keys(encoderInputs(batch, roberta)), ['ids', 'attentionBias']);
  assert.deepEqual(Object.keys(encoderInputs(batch, mpnet)), ['ids', 'attentionBias', 'relative']);
  const cached = encoderInputs(batch, mpnet, { embeddings: false, pooling: 'mean' });
  assert.deepEqual(Object.keys(cached), ['attentionBias', 'relative', 'poolingWeights']);
});

test('buckets of relative positions are those of transformers, up to a distance of 600', () => {
  const fixture = JSON.parse(readFileSync(`${FIXTURES}/buckets.json`, 'utf8'));
  const length = 601;
  const buckets = relativeBuckets(length, mpnet);
  // The first query sees the keys to its right, the last one those to its left.
  assert.deepEqual([...buckets.slice(0, length)], fixture.buckets.slice(600));
  assert.deepEqual([...buckets.slice(-length)], fixture.buckets.slice(0, 601));
  const inputs = encoderInputs(batchOf([[5, 6, 7]]), mpnet);
  assert.deepEqual(inputs.relative.shape, [9, 32]);
  assert.equal(inputs.relative.data[1 * 32 + buckets[1]], 1);
  assert.equal([...inputs.relative.data].filter((value) => value === 1).length, 9);
});

test('inputs beyond the position table, and ids beyond the other tables, are refused', () => {
  assert.equal(maxLength(bert), 24);
  assert.equal(maxLength(roberta), 18);
  assert.equal(maxLength(mpnet), 42);
  encoderInputs(batchOf([new Array(18).fill(5)]), roberta);
  assert.throws(
    () => encoderInputs(batchOf([new Array(19).fill(5)]), roberta),
    (error: unknown) => {
      return error instanceof UserError && /19 tokens/.test(error.message) && /18/.test(error.hint ?? '');
    },
  );
  assert.throws(
    () => encoderInputs(batchOf([[61]]), bert),
    (error: unknown) => {
      return (
        error instanceof CheckpointError && /token id 61/.test(error.message) && /tokenizer/.test(error.hint ?? '')
      );
    },
  );
  assert.throws(() => encoderInputs(batchOf([[5]], 0, [[2]]), bert), /token type 2/);
});
