/** Devices other than the processor: what is recorded for them, and what is said where they cannot be used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { compiledEngine } from '../../src/engine/compiled/engine.js';
import { liveNodes } from '../../src/engine/compiled/graph.js';
import { serialize } from '../../src/engine/compiled/onnx.js';
import { record } from '../../src/engine/compiled/recorder.js';
import { openSession, ortTensor } from '../../src/engine/compiled/session.js';
import { openEngine } from '../../src/engine/open.js';
import type { Device, Recordable } from '../../src/engine/types.js';
import { assertClose, device, randomTensors } from './support.js';

// A recording needs the kernels that an engine brings.
compiledEngine();

test('recorded for WebGPU, products are nodes of the standard operator set, with the same numbers', async () => {
  const size = fc.integer({ min: 1, max: 4 });
  await fc.assert(
    fc.asyncProperty(size, size, size, size, fc.boolean(), fc.nat(), async (batch, m, k, n, transposed, seed) => {
      const random = randomTensors(seed);
      const a = random.floats([batch, m, k]);
      const b = random.floats(transposed ? [batch, n, k] : [batch, k, n]);
      const body: Recordable = ({ x, y }) => ({
        product: tf.matMul(x, y, false, transposed),
        // What attention's scores are made of.
        scaled: tf
          .engine()
          .runKernel('ScaledMatMul', { a: x, b: y }, { transposeB: transposed, factor: 0.125 }) as tf.Tensor,
      });
      const results = [];
      for (const standard of [false, true]) {
        const { graph, outputs } = record(body, {
          inputs: () => [
            { name: 'x', shape: a.shape, type: 'float32' },
            { name: 'y', shape: b.shape, type: 'float32' },
          ],
          chance: false,
          standard,
        });
        const domains = liveNodes(graph.nodes, [...outputs.values()]).map(({ domain }) => domain);
        assert.equal(domains.includes('com.microsoft'), !standard);
        const { bytes } = serialize(graph, 'product', outputs);
        const session = await openSession(bytes, { threads: 1, device: 'cpu', symbolic: false, name: 'product' });
        results.push(await session.run({ 'in:x': ortTensor(a), 'in:y': ortTensor(b) }));
        await session.release();
      }
      const [fused, plain] = results;
      for (const [name, { data }] of Object.entries(fused)) {
        assertClose(plain[name].data as Float32Array, data as Float32Array, 1e-6, name);
      }
    }),
    { numRuns: 25 },
  );
});

for (const name of ['webgpu', 'cuda'] satisfies Device[]) {
  test(`${name} computes, or is refused with its reason and a remedy`, async () => {
    let engine: Awaited<ReturnType<typeof openEngine>>;
    try {
      engine = await openEngine('compiled', { threads: 1, device: name });
    } catch (error) {
      assert.equal(device() === name, false, 'SPANTUNE_TEST_DEVICE asks for it');
      const { message, hint } = error as { message: string; hint: string };
      assert.match(message, new RegExp(`^device ${name} cannot be used here: .`));
      assert.match(hint, /GPU/);
      assert.equal((error as { name: string }).name, 'UserError');
      return;
    }
    const { y } = await engine
      .program('double', ({ x }) => ({ y: tf.mul(x, 2) }))
      .run({ inputs: { x: { shape: [3], data: Float32Array.of(1, 2, 3) } } });
    assert.deepEqual([...y.data], [2, 4, 6]);
    await engine.close();
  });
}

test('a device is of the compiled engine alone', async () => {
  await assert.rejects(openEngine('cpu', { device: 'webgpu' }), {
    name: 'UserError',
    message: 'engine cpu does not run on device webgpu',
  });
});
