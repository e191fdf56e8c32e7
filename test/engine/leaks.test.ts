/** Steps on a backend that computes at once leave no tensor behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { adamW } from '../../src/training/adamw.js';
import { disposeState } from '../../src/training/state.js';
import { backend, withEngine } from './support.js';

/** CI looks at a few; a thousand were run by hand. */
const STEPS = Number(process.env.SPANTUNE_TEST_STEPS ?? 20);

test(`${STEPS} steps hold as many tensors at the end as after the first`, async () => {
  await withEngine('cpu', async (engine) => {
    const entries = [
      { name: 'weight', shape: [4, 3], group: 'decay' },
      { name: 'bias', shape: [4], group: 'no decay' },
    ];
    const [parameters, gradients, first, second] = engine.banks(entries, 4);
    const frozen = engine.bank([{ name: 'scale', shape: [3] }]);
    parameters.write(
      'weight',
      Float32Array.from({ length: 12 }, (_, i) => i / 12),
    );
    frozen.write('scale', Float32Array.of(1, 2, 3));
    const state = { parameters, gradients, first, second, frozen };
    const program = engine.program('gradients', ({ weight, bias, scale, x }, { chance }) => {
      const loss = (w: tf.Tensor, b: tf.Tensor) => {
        const mask = chance?.mask('x', x.shape, 0.5) ?? tf.onesLike(x);
        const y = tf.add(tf.matMul(tf.mul(tf.mul(x, mask), scale) as tf.Tensor2D, w as tf.Tensor2D, false, true), b);
        return tf.mean(tf.square(y)) as tf.Scalar;
      };
      const { value, grads } = tf.valueAndGrads(loss)([weight, bias]);
      return { loss: value, weight: grads[0], bias: grads[1] };
    });
    const update = adamW(engine, { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.01 });
    const x = { shape: [5, 3], data: Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)) };
    let held = 0;
    for (let step = 1; step <= STEPS; step++) {
      await program.run({
        inputs: { x },
        banks: [parameters, frozen],
        into: { bank: gradients, add: step % 2 === 0 },
        chance: [1, step],
      });
      await engine.sumOfSquares(gradients);
      await update(state, step, 1e-2, 1);
      if (step === 1) held = tf.memory().numTensors;
    }
    assert.equal(tf.getBackend(), backend());
    assert.equal(tf.memory().numTensors, held);
    disposeState(state);
  });
});
