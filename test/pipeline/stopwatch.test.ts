/** Seconds by phase. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { stopwatch } from '../../src/pipeline/stopwatch.js';

test('a phase within another is no part of it, and all of them make up no more than the total', async () => {
  const clock = stopwatch();
  await clock.measureAsync('tune', async () => {
    await pause(30);
    for (let i = 0; i < 2; i++) await clock.measureAsync('evaluate', () => pause(100));
    await assert.rejects(clock.measureAsync('evaluate', async () => Promise.reject(new Error('mistake'))));
  });
  clock.measure('evaluate', () => undefined);
  const { tune, evaluate, total, cpu } = clock.seconds();
  assert.ok(evaluate >= 0.19, `${evaluate}`);
  assert.ok(tune >= 0.02, `${tune}`);
  assert.ok(tune + evaluate <= total, `${tune} + ${evaluate} > ${total}`);
  assert.ok(total - tune - evaluate < 0.02 && cpu > 0, `${total}`);
});
