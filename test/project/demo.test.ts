/** The demo's plan and its children: which arms run, what a failure or Ctrl-C does to the others. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Child, runChildren } from '../../scripts/demo/children.js';
import { armText, comparisonRows, EPOCHS, planArms } from '../../scripts/demo/plan.js';
import { UserError } from '../../src/errors.js';
import { killChildren } from '../../src/glue/child.js';
import type { SelectResult, TrainResult } from '../../src/pipeline/types.js';

function curve(nu: number[]): SelectResult {
  const layers = nu.map((value, i) => ({ layer: i + 1, nu: value, low: null, high: null, share: null }));
  return { shape: { layers: nu.length, hidden: 192 }, layers, range: 'fit' } as unknown as SelectResult;
}

test('with a layer in the middle chosen three arms run, the span with the classifier at its end', () => {
  const planned = planArms(curve([5, 4, 1, 3, 6, 7]));
  assert.deepEqual(
    planned.map(({ arm, sameAs }) => [armText(arm), sameAs]),
    [
      ['{ name: full, bottom: 1, top: 6, head: 6 }', undefined],
      ['{ name: top-2, bottom: 5, top: 6, head: 6 }', undefined],
      ['{ name: selected-2, bottom: 2, top: 3, head: 3 }', undefined],
    ],
  );
  // 3 passes a tuned layer and epoch; what is frozen below runs once, what is above the classifier never.
  assert.deepEqual(
    planned.map(({ work }) => work),
    [EPOCHS * 3 * 6, 4 + EPOCHS * 3 * 2, 1 + EPOCHS * 3 * 2],
  );
});

test('with the highest layer chosen the span is the top one, runs once, and its row says so', () => {
  const planned = planArms(curve([6, 5, 4, 3]));
  assert.equal(planned[2].sameAs, 'top-2');
  const result = (score: number) =>
    ({
      layers: 4,
      metrics: { score },
      trainableParameters: 1,
      peakMemory: 2,
      seconds: { cache: 1, tune: 2 },
    }) as unknown;
  const results = new Map([
    ['full', result(0.8) as TrainResult],
    ['top-2', result(0.7) as TrainResult],
  ]);
  assert.deepEqual(
    comparisonRows(planned, results).map(({ arm, scores, seconds, note }) => [arm.name, scores, seconds, note]),
    [
      ['full', [0.8], 3, undefined],
      ['top-2', [0.7], 3, undefined],
      ['selected-2', [0.7], 3, 'same as top-2'],
    ],
  );
});

const child = (script: string): Child => ({ words: ['-e', script] });
/** Says that it is ready, waits, and ends by itself on SIGINT. */
const patient = `
  process.on('SIGINT', () => { console.error('was asked to end'); process.exit(130); });
  console.error('ready');
  setTimeout(() => {}, 30_000);`;
const { signal } = new AbortController();

test('documents come back in order, whoever ends first', async () => {
  const children = [child("setTimeout(() => console.log('1'), 200)"), child("console.log('2')")];
  assert.deepEqual(await runChildren([...children, child("console.log('3')")], { lanes: 2, signal }), [1, 2, 3]);
});

test('one failure ends the others and is told by its error lines', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-demo-'));
  const marker = join(folder, 'ready');
  const seen: string[] = [];
  const waiting = {
    ...child(patient),
    onLine(line: string) {
      seen.push(line);
      writeFileSync(marker, '');
    },
  };
  const failing = child(
    `setInterval(() => {
      if (!require('node:fs').existsSync(${JSON.stringify(marker)})) return;
      console.error('tune 5 %\\nerror  no\\nhint   yes');
      process.exit(2);
    }, 20)`,
  );
  const never = { ...child("console.log('1')"), onStart: () => seen.push('started') };
  try {
    await assert.rejects(runChildren([waiting, failing, never], { lanes: 2, signal }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.deepEqual([error.message, error.hint], ['no', 'yes']);
      return true;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual(seen, ['ready', 'was asked to end']);
});

test('an interruption reaches every child, and is what the caller hears of', async () => {
  const controller = new AbortController();
  const seen: string[] = [];
  const waiting = () => ({
    ...child(patient),
    onLine(line: string) {
      seen.push(line);
      if (seen.filter((each) => each === 'ready').length === 2) controller.abort(new Error('enough'));
    },
  });
  const children = [waiting(), waiting(), waiting()];
  await assert.rejects(runChildren(children, { lanes: 2, signal: controller.signal }), /enough/);
  assert.deepEqual(seen.sort(), ['ready', 'ready', 'was asked to end', 'was asked to end']);
});

test('killChildren ends a child that does not listen', async () => {
  const deaf = child("process.on('SIGINT', () => {}); console.error('ready'); setTimeout(() => {}, 30_000)");
  await assert.rejects(runChildren([{ ...deaf, onLine: killChildren }], { lanes: 1, signal }), /SIGKILL/);
});
