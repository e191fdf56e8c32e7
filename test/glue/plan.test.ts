/** Identities of runs, arms that share a triple, the search for a learning rate, lanes. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RunConfig } from '../../src/config/schema.js';
import { Interrupted } from '../../src/errors.js';
import { planArms } from '../../src/glue/arms.js';
import { canonical } from '../../src/glue/identity.js';
import { createLanes, divide } from '../../src/glue/lanes.js';
import { bestTrial, extension, ratePlan, searchRate } from '../../src/glue/search.js';
import { describeTask } from '../../src/glue/sources.js';
import { runPiece, selectionPiece } from '../../src/glue/store.js';
import type { SelectResult } from '../../src/pipeline/types.js';
import { parseArm } from '../../src/selection/arms.js';
import { bench } from './support.js';

const { prepared, task } = bench();
const { pairs } = prepared();
const [{ model, source, configs }] = pairs;
const base: RunConfig = { ...configs[0], arm: { name: 'full', bottom: 1, top: 3, head: 3 }, seed: 1 };
const hash = (changes: Partial<RunConfig> = {}) => runPiece({ ...base, ...changes }, model, source).hash;

test('names, places, threads and budgets are not part of a run', () => {
  const { cache, engine, selection, output } = base;
  for (const changes of [
    { arm: { name: 'mine', bottom: 1, top: 3, head: 3 } },
    { engine: { ...engine, threads: 7, cacheBytes: 1 } },
    { cache: { ...cache, folder: '/elsewhere', memoryBytes: 1, diskBytes: 1 } },
    { output: { ...output, folder: '/elsewhere' } },
    { model: '/the/same/weights/elsewhere' },
    { selection: { ...selection, k: 1 } },
  ] as Partial<RunConfig>[]) {
    assert.equal(hash(changes), hash(), Object.keys(changes)[0]);
  }
});

test('what determines the result is part of it', () => {
  const { training, cache, engine, classifier } = base;
  const changed = [
    { seed: 2 },
    { splitSeed: 5 },
    { arm: { name: 'full', bottom: 2, top: 3, head: 3 } },
    { training: { ...training, learningRate: 1e-5 } },
    { training: { ...training, cleanSplit: 0.1 } },
    { tuning: { method: 'bitfit', layerNorms: false } },
    { classifier: { ...classifier, pooling: 'first' } },
    { cache: { ...cache, precision: 'float16' } },
    { engine: { ...engine, name: 'cpu' } },
    { task: { ...base.task, trainSamples: 20 } },
  ] as Partial<RunConfig>[];
  assert.equal(new Set([hash(), ...changed.map(hash)]).size, changed.length + 1);
});

test('a changed row of data is another run and another measurement', () => {
  const before = [hash(), selectionPiece(base, model, source).hash];
  appendFileSync(task.train, 'the whale\tsea\n');
  const changed = describeTask(base.task);
  assert.notEqual(runPiece(base, model, changed).hash, before[0]);
  assert.notEqual(selectionPiece(base, model, changed).hash, before[1]);
});

test('one measurement serves all seeds, methods and rates', () => {
  const of = (changes: Partial<RunConfig>) => selectionPiece({ ...base, ...changes }, model, source).hash;
  const { training } = base;
  assert.equal(of({ seed: 8, tuning: { method: 'bitfit', layerNorms: false } }), of({}));
  assert.equal(of({ training: { ...training, learningRate: 1, epochs: 9 } }), of({}));
  assert.notEqual(of({ training: { ...training, maxLength: 64 } }), of({}));
  assert.notEqual(of({ splitSeed: 5 }), of({}));
});

test('the order of keys does not matter to a canonical text, their values do', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonical(reversed), canonical(value));
      assert.deepEqual(JSON.parse(canonical(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
});

function curve(nu: number[]): SelectResult {
  const layers = nu.map((value, i) => ({ layer: i + 1, nu: value }));
  return { layers, score: 'nu', scores: [] } as unknown as SelectResult;
}

const plan = (names: string[], nu: number[], methods = ['fine-tune'], reference = 'full') =>
  planArms(names.map(parseArm), methods, { layers: nu.length, config: base, seed: 1, selection: curve(nu) }, reference);

test('arms that come to one triple run once, under the reference’s name if it is one of them', () => {
  const planned = plan(['up-to-selected', 'full', 'top-2', 'selected-2', 'above-selected'], [4, 3, 2, 1]);
  assert.deepEqual(
    planned.map(({ id, sameAs, note }) => [id, sameAs, note?.slice(0, 11)]),
    [
      ['up-to-selected', 'full', undefined],
      ['full', undefined, undefined],
      ['top-2', undefined, undefined],
      ['selected-2', 'top-2', undefined],
      ['above-selected', undefined, 'no such arm'],
    ],
  );
});

test('methods are lines of their own, but for a classifier alone, which has no method', () => {
  const planned = plan(['full', 'head-only'], [1, 2, 3], ['fine-tune', 'lora rank 4']);
  assert.deepEqual(
    planned.map(({ id, sameAs }) => [id, sameAs]),
    [
      ['full, fine-tune', undefined],
      ['head-only, fine-tune', undefined],
      ['full, lora rank 4', undefined],
      ['head-only, lora rank 4', 'head-only, fine-tune'],
    ],
  );
});

test('arms that need a measurement which failed say so, the others are placed', () => {
  const context = { layers: 3, config: base, seed: 1, missing: 'could not be measured: disk full' };
  const planned = planArms(['top-1', 'selected-1'].map(parseArm), ['fine-tune'], context);
  assert.deepEqual(planned[0].triple, { bottom: 3, top: 3, head: 3 });
  assert.deepEqual([planned[1].triple, planned[1].note], [undefined, context.missing]);
});

test('the search takes the best of equally many trials', async () => {
  const scores = new Map([
    [1e-5, 0.6],
    [3e-5, 0.8],
    [1e-4, 0.7],
    [3e-4, 0.5],
  ]);
  const tried: number[] = [];
  const { best, trials } = await searchRate([...scores.keys()], async (rate) => {
    tried.push(rate);
    return scores.get(rate) ?? null;
  });
  assert.equal(best, 3e-5);
  assert.equal(trials.length, 4);
  assert.deepEqual(tried, [...scores.keys()]);
});

test('with the best rate at the edge one more is tried, once', async () => {
  const upward = await searchRate([1e-4, 3e-4, 1e-3], async (rate) => rate);
  assert.deepEqual(
    upward.trials.map(({ rate }) => rate),
    [1e-4, 3e-4, 1e-3, 3.3e-3],
  );
  assert.equal(upward.best, 3.3e-3);
  const downward = await searchRate([1e-4, 3e-4, 1e-3], async (rate) => -rate);
  assert.equal(downward.best, 3.3e-5);
});

test('failed trials are passed over; ties go to the lower rate; all failed is no rate', async () => {
  const half = await searchRate([1, 2, 3, 4], async (rate) => (rate === 2 || rate === 3 ? 0.5 : null));
  assert.equal(half.best, 2);
  assert.equal(
    bestTrial([
      { rate: 3, score: 0.5 },
      { rate: 2, score: 0.5 },
    ])?.rate,
    2,
  );
  assert.equal(
    extension([
      { rate: 1, score: null },
      { rate: 2, score: null },
    ]),
    undefined,
  );
  assert.equal((await searchRate([1, 2], async () => null)).best, undefined);
});

test('a rate is looked up by the closest of its keys', () => {
  const fixed = (learningRate: Parameters<typeof ratePlan>[0], keys: Parameters<typeof ratePlan>[1]) => {
    const found = ratePlan(learningRate, keys);
    return found?.kind === 'fixed' ? found.rate : found?.rates;
  };
  const rates = { full: 1, 'fine-tune': 2, lora: 3, adapters: 4 };
  assert.equal(fixed(rates, ['full', 'fine-tune']), 1);
  assert.equal(fixed(rates, ['lora', 'adapters']), 3);
  assert.equal(fixed(rates, ['ia3', 'adapters']), 4);
  assert.equal(fixed({ lora: 3 }, ['fine-tune']), undefined);
  const search = { seed: 0, selection: 'clean' as const };
  assert.deepEqual(fixed({ search: { ...search, rates: { adapters: [3, 1, 2] } } }, ['lora', 'adapters']), [1, 2, 3]);
  // As many for every method.
  const counts = [
    ['full', 'fine-tune'],
    ['fine-tune'],
    ['lora', 'adapters'],
    ['head-only', 'adapters', 'fine-tune'],
  ] as const;
  assert.deepEqual(new Set(counts.map((keys) => (fixed({ search }, keys) as number[]).length)), new Set([4]));
});

test('cores are shared out, and memory bounds the number of runs', () => {
  const wanted = { cores: 8, runs: 100, need: 1e9, memory: 100e9 };
  assert.deepEqual(divide(wanted), { jobs: 8, threads: 1 });
  assert.deepEqual(divide({ ...wanted, threads: 4 }), { jobs: 2, threads: 4 });
  assert.deepEqual(divide({ ...wanted, jobs: 2 }), { jobs: 2, threads: 4 });
  assert.deepEqual(divide({ ...wanted, memory: 3.5e9 }), { jobs: 3, threads: 2, bound: 'memory' });
  assert.deepEqual(divide({ ...wanted, memory: 1 }), { jobs: 1, threads: 8, bound: 'memory' });
  assert.deepEqual(divide({ ...wanted, runs: 2 }), { jobs: 2, threads: 4, bound: 'runs' });
});

test('lanes run so much at once, by turns, then in the order of asking', async () => {
  const lanes = createLanes(2, new AbortController().signal);
  const began: string[] = [];
  let atOnce = 0;
  const piece = (name: string, turn?: number) =>
    lanes.run(async () => {
      began.push(name);
      atOnce++;
      assert.ok(atOnce <= 2);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atOnce--;
      return name;
    }, turn);
  const asked = [piece('a1'), piece('a2', 1), piece('a3', 2), piece('b1'), piece('b2', 1), piece('b3', 2)];
  assert.deepEqual(await Promise.all(asked), ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']);
  assert.deepEqual(began, ['a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
});

test('what waits for a lane is interrupted, and a failure frees its lane', async () => {
  const controller = new AbortController();
  const lanes = createLanes(1, controller.signal);
  await assert.rejects(
    lanes.run(() => Promise.reject(new Error('no'))),
    /no/,
  );
  const running = lanes.run(() => new Promise((resolve) => setTimeout(() => resolve('done'), 50)));
  const waiting = lanes.run(async () => 'never');
  setTimeout(() => controller.abort(), 10);
  await assert.rejects(waiting, Interrupted);
  assert.equal(await running, 'done');
  await assert.rejects(
    lanes.run(async () => 'never'),
    Interrupted,
  );
});
