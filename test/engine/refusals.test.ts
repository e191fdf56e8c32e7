/** What a recording refuses, each by name, and that nothing is left behind when it does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { RECORDER, record } from '../../src/engine/compiled/recorder.js';
import { dropout, embedding, layerNorm, linear } from '../../src/engine/ops.js';
import { recordedOps } from '../../src/engine/recording.js';
import type { Recordable } from '../../src/engine/types.js';
import { randomTensors, withEngine } from './support.js';

const inputs = { x: randomTensors('refusals').floats([4, 3]) };

const compile = (body: Recordable) =>
  withEngine('compiled', (engine) => engine.program('p', body).run({ inputs, chance: [1] }));

/** Recording fails so, and leaves everything as it was. */
async function assertRefused(body: Recordable, message: RegExp, name = 'EngineError'): Promise<void> {
  const backend = tf.getBackend();
  const tensors = tf.memory().numTensors;
  await assert.rejects(compile(body), { name, message });
  assert.equal(tf.getBackend(), backend);
  assert.equal(recordedOps(), undefined);
  assert.equal(tf.memory().numTensors, tensors, 'no tensor is left behind');
  const { y } = await compile(({ x }) => ({ y: tf.neg(x) }));
  assert.equal(y.data[0], -inputs.x.data[0], 'recording works again');
}

test('a recording leaves the machine’s own backend in use, even where it comes first in a process', async () => {
  assert.ok(!tf.getBackend(), 'nothing has computed yet');
  await compile(({ x }) => ({ y: tf.neg(x) }));
  assert.equal(tf.getBackend(), 'cpu');
  assert.deepEqual(
    tf.tidy(() => tf.add(tf.tensor1d([1, 2]), 1).arraySync()),
    [2, 3],
  );
});

test('a tensor from outside the recording is refused by the operation that meets it, and survives', async () => {
  const outside = tf.tensor2d(inputs.x.data.slice(), [4, 3]);
  const row = tf.tensor1d([1, 2, 3]);
  const ids = tf.tensor1d([0, 1], 'int32');
  const bodies: Record<string, (x: Tensor) => Tensor> = {
    Add: (x) => tf.add(x, outside),
    BatchMatMul: (x) => tf.matMul(x as tf.Tensor2D, outside, false, true),
    Concat: (x) => tf.concat([x, outside]),
    Reshape: () => tf.reshape(outside, [12]),
    Identity: () => tf.clone(outside),
    Linear: (x) => linear(x, outside, row),
    LayerNorm: (x) => layerNorm(x, row, row, 1e-5),
    GatherV2: (x) => embedding(x, ids),
    'the result': () => outside,
  };
  for (const [operation, body] of Object.entries(bodies)) {
    await assertRefused(
      ({ x }) => ({ y: body(x) }),
      new RegExp(`^${operation} was given a tensor from outside the recording$`),
    );
  }
  await assertRefused(({ x }) => ({ y: tf.grad((v) => tf.sum(tf.mul(v, outside)))(x) }), /^Multiply was given/);
  assert.deepEqual(outside.dataSync(), inputs.x.data);
  assert.deepEqual(row.arraySync(), [1, 2, 3]);
  assert.deepEqual(ids.arraySync(), [0, 1]);
  tf.dispose([outside, row, ids]);
});

test('values cannot be read while recording', async () => {
  await assertRefused(({ x }) => ({ y: tf.mul(x, x.dataSync()[0]) }), /value was read/);
  await assertRefused(({ x }) => ({ y: tf.tensor(x.arraySync() as number[]) }), /value was read/);
  await assertRefused(({ x }) => {
    x.print();
    return { x };
  }, /value was read/);
  let reading: Promise<unknown> = Promise.resolve();
  await compile(({ x }) => {
    reading = x.data();
    reading.catch(() => {});
    return { x };
  });
  await assert.rejects(reading, { name: 'EngineError', message: /value was read/ });
});

test('an operation without a recording kernel fails by its name', async () => {
  const bodies: Record<string, (x: Tensor) => Tensor> = {
    Cumsum: (x) => tf.cumsum(x),
    Prod: (x) => tf.prod(x),
    TopK: (x) => tf.topk(x, 2).values,
    Softplus: (x) => tf.softplus(x),
  };
  for (const [kernel, body] of Object.entries(bodies)) {
    await assertRefused(({ x }) => ({ y: body(x) }), new RegExp(`^the operation ${kernel} cannot be recorded$`));
  }
  // Also in a gradient, where the name is not in the caller's text.
  await assertRefused(({ x }) => ({ y: tf.grad((v) => tf.sum(tf.sin(v)))(x) }), /^the operation (Sin|Cos) cannot/);
});

test('a draw fails while recording instead of freezing its numbers', async () => {
  const draws: Record<string, (x: Tensor) => Tensor> = {
    randomUniform: () => tf.randomUniform([4, 3]),
    randomUniformInt: () => tf.randomUniformInt([4, 3], 0, 5),
    randomNormal: () => tf.randomNormal([4, 3]),
    randomStandardNormal: () => tf.randomStandardNormal([4, 3]),
    randomGamma: () => tf.randomGamma([4, 3], 1),
    truncatedNormal: () => tf.truncatedNormal([4, 3]),
    rand: () => tf.rand([4, 3], () => 0.5),
    dropout: (x) => tf.dropout(x, 0.5),
    multinomial: (x) => tf.multinomial(x as tf.Tensor2D, 2),
  };
  for (const [name, draw] of Object.entries(draws)) {
    await assertRefused(({ x }) => ({ y: draw(x) }), new RegExp(`^${name} draws on the host`));
  }
  await assertRefused(() => ({ y: tf.randomUniform([1]) }), /^randomUniform draws/);
  await assertRefused(() => ({ y: tf.initializers.glorotNormal({}).apply([2, 3]) }), /draws on the host/);
  // Outside a recording they draw as ever.
  assert.deepEqual(
    tf.tidy(() => tf.randomUniform([4, 3]).shape),
    [4, 3],
  );
});

test('an exception inside the function passes, wherever it is thrown', async () => {
  const fail = () => {
    throw new TypeError('mistake');
  };
  await assertRefused(fail, /^mistake$/, 'TypeError');
  await assertRefused(({ x }) => ({ y: tf.grad(() => fail())(x) }), /^mistake$/, 'TypeError');
  await assertRefused(({ x }) => ({ y: tf.tidy(() => tf.tidy(() => fail())) ?? x }), /^mistake$/, 'TypeError');
  await assertRefused(({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D) }), /cannot be multiplied$/);
});

test('two dropout masks of one name are refused by both engines', async () => {
  const twice: Recordable = ({ x }, { chance }) => ({
    y: dropout(dropout(x, 0.1, 'same', chance), 0.1, 'same', chance),
  });
  await assertRefused(twice, /^two dropout masks are named "same"$/);
  await withEngine('cpu', async (engine) => {
    await assert.rejects(engine.program('p', twice).run({ inputs, chance: [1] }), {
      name: 'EngineError',
      message: /"same"/,
    });
  });
});

test('a recording inside a recording leaves the outer one whole, and none stays open', async () => {
  const spec = { inputs: () => [{ name: 'x', shape: [4, 3], type: 'float32' as const }], chance: false };
  const { y } = await compile(({ x }) => {
    const before = tf.neg(x);
    const inner = record(({ x: own }) => ({ z: tf.exp(own) }), spec);
    assert.deepEqual(
      inner.graph.nodes.map(({ op }) => op),
      ['Exp'],
    );
    return { y: tf.add(before, before) };
  });
  assert.equal(y.data[1], -2 * inputs.x.data[1]);
  const backend = tf.getBackend();
  try {
    tf.setBackend(RECORDER);
    assert.throws(() => tf.tidy(() => tf.scalar(1)), { name: 'EngineError', message: /no recording is under way/ });
  } finally {
    tf.setBackend(backend);
  }
});

test('a program that reads what is neither an input nor in a bank fails', async () => {
  await assert.rejects(compile(({ missing }) => ({ y: tf.neg(missing) })));
});

test('a tensor that escapes its recording cannot be computed with', async () => {
  let escaped: Tensor | undefined;
  await compile(({ x }) => {
    escaped = tf.keep(tf.neg(x));
    return { y: escaped };
  });
  assert.throws(() => tf.tidy(() => tf.add(escaped as Tensor, 1).dataSync()), { name: 'EngineError' });
  escaped?.dispose();
});

test('inputs of other types compile anew, and a call of wrong shape is refused', async () => {
  await withEngine('compiled', async (engine) => {
    const program = engine.program('p', ({ n }) => ({ y: tf.add(n, n) }));
    const whole = await program.run({ inputs: { n: { shape: [2], data: Int32Array.of(1, 2) } } });
    assert.deepEqual(whole.y.data, Int32Array.of(2, 4));
    const real = await program.run({ inputs: { n: { shape: [2], data: Float32Array.of(0.5, 2) } } });
    assert.deepEqual(real.y.data, Float32Array.of(1, 4));
    await assert.rejects(program.run({ inputs: { n: { shape: [3], data: Float32Array.of(0.5, 2) } } }));
  });
});
