/** Steps from cached states: the same bits as from tokens, wherever the states wait. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { Pooling } from '../../src/model/inputs.js';
import type { AdapterOptions } from '../../src/model/tuning.js';
import type { Triple } from '../../src/selection/arms.js';
import { prefixStart } from '../../src/training/prefix/start.js';
import { cacheOf, HEAD_ONLY, type Situation, SPAN, splitOf, stepsOf, temporary } from './prefix-support.js';

const SECOND: Triple = { bottom: 2, top: 2, head: 2 };
const TOP: Triple = { bottom: 3, top: 3, head: 3 };

test('a prefix is what lies below the span, or all of it where nothing but the classifier is trained', () => {
  assert.deepEqual(prefixStart(SPAN), { kind: 'states', layer: 1 });
  assert.deepEqual(prefixStart(TOP), { kind: 'states', layer: 2 });
  assert.deepEqual(prefixStart(HEAD_ONLY), { kind: 'pooled', layer: 2 });
  assert.equal(prefixStart({ bottom: 1, top: 2, head: 3 }), undefined);
});

const CASES: { model: string; arm: Triple; pooling: Pooling; kind: 'classification' | 'regression' }[] = [
  { model: 'bert', arm: SPAN, pooling: 'first', kind: 'classification' },
  { model: 'bert', arm: TOP, pooling: 'mean', kind: 'regression' },
  { model: 'mpnet', arm: SECOND, pooling: 'last', kind: 'classification' },
  { model: 'mpnet', arm: HEAD_ONLY, pooling: 'mean', kind: 'classification' },
  { model: 'electra', arm: SECOND, pooling: 'first', kind: 'classification' },
  { model: 'bert', arm: HEAD_ONLY, pooling: 'first', kind: 'regression' },
  { model: 'roberta', arm: HEAD_ONLY, pooling: 'last', kind: 'classification' },
];

for (const { model, arm, pooling, kind } of CASES) {
  const name = arm.bottom === null ? `head @ ${arm.head}` : `${arm.bottom}-${arm.top} @ ${arm.head}`;
  test(`${model}, ${name}, ${pooling}, ${kind}: 20 steps of pairs give the same bits with and without the cache`, async () => {
    const split = splitOf(37, { pairs: model === 'bert' || model === 'electra' });
    const situation = { model, arm, pooling, kind, steps: 20 };
    const { cache, warnings, seen } = cacheOf(situation);
    await cache.fill('train', split);
    await cache.release();
    const cached = await stepsOf(split, situation, cache);
    await cache.close();
    assert.ok(cached.losses.length >= 20);
    assert.deepEqual(cached, await stepsOf(split, situation));
    assert.deepEqual(warnings, []);
    assert.equal(seen.loads, 1, 'the prefix is loaded once');
  });
}

const ADAPTERS: AdapterOptions[] = [
  { method: 'lora', rank: 3, alpha: 6, dropout: 0.1, targets: ['query', 'value', 'output'], layerNorms: false },
  { method: 'bottleneck', size: 12, dropout: 0.1, layerNorms: true },
  { method: 'prefix', length: 3, layerNorms: false },
];

for (const tuning of ADAPTERS) {
  for (const arm of [SPAN, TOP]) {
    test(`${tuning.method} in layer ${arm.bottom}: 20 steps give the same bits with and without the cache`, async () => {
      const split = splitOf(37);
      const situation: Situation & { steps: number } = { arm, tuning, steps: 20 };
      const { cache } = cacheOf(situation);
      await cache.fill('train', split);
      await cache.release();
      const cached = await stepsOf(split, situation, cache);
      await cache.close();
      assert.ok(cached.losses.length >= 20);
      assert.deepEqual(cached, await stepsOf(split, situation));
      assert.notDeepEqual(cached.losses, (await stepsOf(split, { arm, steps: 20 }, undefined)).losses);
    });
  }
}

for (const arm of [SPAN, HEAD_ONLY]) {
  test(`eager, ${prefixStart(arm)?.kind}: the same steps from tokens and from the cache`, async () => {
    const split = splitOf(8);
    const situation: Situation = { engine: 'cpu', arm, pooling: 'mean' };
    const { cache } = cacheOf(situation);
    await cache.fill('train', split);
    const cached = await stepsOf(split, { ...situation, steps: 3 }, cache);
    await cache.close();
    const plain = await stepsOf(split, { ...situation, steps: 3 });
    for (const [i, loss] of cached.losses.entries()) {
      assert.ok(Math.abs(loss - plain.losses[i]) < 1e-5 * Math.abs(plain.losses[i]), `${loss}, ${plain.losses[i]}`);
    }
  });
}

test('float16 takes half the room, gives nearly the same losses, and the same ones every time', async () => {
  const split = splitOf(24);
  const outcomes = [];
  const bytes = [];
  for (const precision of ['float16', 'float16', 'float32'] as const) {
    const { cache } = cacheOf({ precision });
    await cache.fill('train', split);
    outcomes.push(await stepsOf(split, {}, cache));
    bytes.push(cache.splits[0].bytes);
    await cache.close();
  }
  const [half, again, full] = outcomes;
  assert.equal(2 * bytes[0], bytes[2]);
  assert.deepEqual(half, again);
  assert.notDeepEqual(half.losses, full.losses);
  for (const [i, loss] of half.losses.entries()) assert.ok(Math.abs(loss - full.losses[i]) < 5e-3);
});

test('memory first, then disk, then no cache: the same bits, and what is not cached is told', async () => {
  const split = splitOf(24);
  const dev = splitOf(9, { seed: 2 });
  const expected = await stepsOf(split, {});
  const bytes = split.reduce((sum, { ids }) => sum + ids.length * 32 * 4, 0);
  const folder = temporary();
  for (const [memoryBytes, diskBytes, places] of [
    [2 * bytes, 0, ['memory', 'memory']],
    [bytes, bytes, ['memory', 'disk']],
    [bytes - 1, 2 * bytes, ['disk', 'memory']],
    [0, bytes, ['disk', 'none']],
    [0, bytes - 1, ['none', 'disk']],
  ] as const) {
    const { cache, warnings, seen } = cacheOf({ room: { memoryBytes, diskBytes, temporary: folder } });
    await cache.fill('train', split);
    await cache.fill('dev', dev);
    await cache.release();
    const what = `${memoryBytes} in memory, ${diskBytes} on disk`;
    assert.deepEqual(
      cache.splits.map(({ place }) => place),
      places,
      what,
    );
    assert.deepEqual(readdirSync(folder), [], 'a temporary file has no name');
    assert.deepEqual(await stepsOf(split, {}, cache), expected, what);
    assert.equal(seen.loads, 1);
    const missing = places.includes('none' as never) ? 1 : 0;
    assert.equal(warnings.length, missing);
    if (missing) assert.match(warnings[0], /states take .*; (train|dev) goes through layer 1 every time it is read/);
    await cache.close();
  }
});

test('a split that was not filled is computed as it is asked for', async () => {
  const split = splitOf(16);
  const { cache, seen } = cacheOf({});
  await cache.fill('dev', splitOf(5, { seed: 3 }));
  await cache.release();
  assert.deepEqual(await stepsOf(split, {}, cache), await stepsOf(split, {}));
  assert.equal(seen.loads, 2, 'the prefix was given back and is loaded once more');
  await cache.close();
});
