/** The line of a grid's progress. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLedger } from '../../src/glue/progress.js';
import type { Progress } from '../../src/pipeline/types.js';

function ledgerOf() {
  let last: Progress | undefined;
  const progress = (shown: Progress | undefined) => {
    last = shown;
  };
  return { ledger: createLedger({ log: () => {}, progress }), last: () => last };
}

test('what is found finished counts as done, but not as worked on', async () => {
  const { ledger, last } = ledgerOf();
  const [found, fresh, rest] = [30, 20, 50].map((work, at) => ledger.add('tune', `run ${at}`, work));
  await found.watch(Promise.resolve());
  assert.deepEqual(last(), { phase: 'glue', done: 30, total: 100, found: 30, detail: '1/3' });
  const tuned = fresh.watch(new Promise<void>((resolve) => setImmediate(resolve)));
  fresh.onProgress(0.5, 'epoch 1/2  loss 0.7', 0.612);
  const detail = '1/3  run 1 epoch 1/2 best 61.2';
  assert.deepEqual(last(), { phase: 'glue', done: 40, total: 100, found: 30, detail });
  await tuned;
  rest.drop();
  ledger.score('run 1', 0.65);
  assert.deepEqual(last(), { phase: 'glue', done: 50, total: 50, found: 30, detail: '2/2  last: run 1 65.0' });
});

test('work that fails is neither under way nor done', async () => {
  const { ledger, last } = ledgerOf();
  const job = ledger.add('tune', 'run', 10);
  await assert.rejects(job.watch(Promise.reject(new Error('failed'))));
  ledger.score('another', 0.5);
  assert.deepEqual(last(), { phase: 'glue', done: 0, total: 10, found: 0, detail: '0/1  last: another 50.0' });
});
