/** Training and scoring an encoder on a backend that computes at once leaves no tensor behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createInference } from '../../src/training/inference.js';
import { train } from '../../src/training/loop.js';
import { disposeState } from '../../src/training/state.js';
import { backend, withEngine } from '../engine/support.js';
import { dataOf, optionsOf, planOf, tiny, toyRows } from './support.js';

/** CI looks at a few; a thousand were run by hand. */
const STEPS = Number(process.env.SPANTUNE_TEST_STEPS ?? 12);
const BATCHES = 4;

test(`${STEPS} steps hold as many tensors at the end as after the first epoch`, async () => {
  await withEngine('cpu', async (engine) => {
    const { spec, state } = tiny(engine, { dropout: 0.1 });
    const { rows, labels } = toyRows(8 * BATCHES, 'classification');
    const data = dataOf(rows, labels, { plan: planOf(rows.length, 8) });
    const predict = createInference(engine, spec, [state.parameters, state.frozen]);
    const held: number[] = [];
    let steps = 0;
    await train(engine, spec, state, data, optionsOf({ epochs: STEPS / BATCHES, accumulation: 2, clipNorm: 1 }), {
      async evaluate() {
        await predict(data.batches(0), rows.length);
        held.push(tf.memory().numTensors);
        return { score: 0, metrics: {} };
      },
      onStep() {
        // Of two batches each.
        steps += 2;
      },
    });
    assert.equal(tf.getBackend(), backend());
    assert.equal(steps, STEPS);
    assert.deepEqual(
      held,
      held.map(() => held[0]),
    );
    disposeState(state);
  });
});
