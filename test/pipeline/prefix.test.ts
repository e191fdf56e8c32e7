/** Runs with the frozen-prefix cache: what they report, that they equal runs without, and what selecting leaves to them. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Block } from '../../src/config/layers.js';
import { UserError } from '../../src/errors.js';
import { runSelect } from '../../src/pipeline/select.js';
import {
  configOf,
  evaluated,
  quiet,
  readBytesOf,
  readMetrics,
  temporary,
  trained,
  writeModel,
  writeTopics,
} from './support.js';

const folder = temporary();
let model: string;
let task: Block;
before(() => {
  model = writeModel(join(folder, 'model'));
  task = writeTopics(join(folder, 'data'), { train: 40, dev: 12 });
});

let runs = 0;
async function run(values: Block) {
  const output = join(folder, `run-${runs++}`);
  const result = await trained(configOf({ model, task, ...values }), output);
  const { steps, evaluations: timed } = readMetrics(output);
  const evaluations = timed.map(({ seconds: _, ...rest }) => rest);
  const numbers = steps.map(({ step, loss, gradientNorm }) => ({ step, loss, gradientNorm }));
  const tuned = readBytesOf(output, 'tuned.safetensors');
  const predictions = readBytesOf(output, 'predictions.tsv');
  return { output, result, same: { numbers, evaluations, tuned, predictions, metrics: result.metrics } };
}

const off = { cache: { prefix: false } };

for (const [name, values] of [
  ['an explicit span', { arm: { bottom: 2, top: 2, head: 3 } }],
  ['a span chosen by ν', { arm: { bottom: 'l* + 1', top: 'l* + 1', head: 'L' }, classifier: { pooling: 'mean' } }],
  ['the classifier alone, at a chosen layer', { arm: 'head-only', classifier: { pooling: 'last' } }],
  ['the classifier alone, on top', { arm: 'head-only-top' }],
  ['a clean split', { arm: 'top-1', training: { cleanSplit: 0.2 } }],
] as [string, Block][]) {
  test(`${name}: a run with the cache gives the bits of one without, and says what it kept`, async () => {
    const cached = await run(values);
    const plain = await run({ ...values, ...off });
    assert.deepEqual(cached.same, plain.same);
    assert.equal(plain.result.cache, undefined);
    const { cache, arm, seconds, selection } = cached.result;
    const start = arm.bottom === null ? { kind: 'pooled', layer: arm.head } : { kind: 'states', layer: arm.bottom - 1 };
    assert.deepEqual({ kind: cache?.kind, layer: cache?.layer }, start);
    const splits = values.training ? ['train', 'held-out', 'dev'] : ['train', 'dev'];
    assert.deepEqual(
      cache?.splits.map(({ split, place, source }) => [split, place, source]),
      splits.map((split) => [split, 'memory', selection && split === 'train' ? 'select' : 'computed']),
    );
    assert.ok(seconds.cache > 0);
    const scored = await evaluated({ run: cached.output, split: 'dev' });
    assert.equal(scored.score, cached.result.metrics.score);
    assert.deepEqual(
      readdirSync(cached.output).filter((file) => file.endsWith('.part')),
      [],
    );
  });
}

test('a sample of inputs is measured: the others are computed', async () => {
  const { result } = await run({ arm: 'head-only', selection: { samples: 20 } });
  assert.deepEqual(
    result.cache?.splits.map(({ source }) => source),
    ['computed', 'computed'],
  );
});

test('a named folder serves later runs, seeds and rates apart', async () => {
  const cache = { folder: join(folder, 'cache') };
  const values = { arm: { bottom: 3, top: 3, head: 3 }, cache };
  const first = await run(values);
  const second = await run(values);
  const other = await run({ ...values, seed: 2 });
  const sources = [first, second, other].map(({ result }) => result.cache?.splits.map(({ source }) => source));
  assert.deepEqual(sources, [
    ['computed', 'computed'],
    ['file', 'file'],
    ['file', 'file'],
  ]);
  assert.deepEqual(second.same, first.same);
  assert.equal(readdirSync(cache.folder).length, 2);
});

test('a named folder gets from `select` what a run of the same arm starts from', async () => {
  const cache = { folder: join(folder, 'selected') };
  const arm = { bottom: 'l* + 1', top: 'l* + 1', head: 'L' };
  await runSelect(configOf({ model, task, arm, cache }), quiet);
  assert.equal(readdirSync(cache.folder).length, 1);
  const { result, same } = await run({ arm, cache });
  assert.deepEqual(
    result.cache?.splits.map(({ source }) => source),
    ['file', 'computed'],
  );
  assert.deepEqual(same, (await run({ arm })).same);
  // An arm that ν has no part in gets nothing.
  const other = { folder: join(folder, 'full') };
  await runSelect(configOf({ model, task, arm: 'full', cache: other }), quiet);
  assert.deepEqual(readdirSync(other.folder), []);
});

test('without room the run goes on, and says so', async () => {
  const values = { arm: { bottom: 3, top: 3, head: 3 } };
  const { result, same } = await run({ ...values, cache: { memoryBytes: 0, diskBytes: 0 } });
  assert.deepEqual(same, (await run({ ...values, ...off })).same);
  assert.equal(result.warnings.length, 2);
  assert.match(result.warnings[0], /^the states take .* on disk; train goes through layers 1-2 every time it is read$/);
});

test('a folder that cannot be made is an error before anything is computed', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(
    run({ arm: 'head-only', cache: { folder: join(file, 'below') } }),
    (error: unknown) => error instanceof UserError && /cache\.folder/.test(error.hint ?? ''),
  );
});
