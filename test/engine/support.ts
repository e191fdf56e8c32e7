/** What the engine tests share: random inputs, both engines side by side, comparisons that NaN does not pass. */
import assert from 'node:assert/strict';
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { compiledEngine } from '../../src/engine/compiled/engine.js';
import { eagerEngine } from '../../src/engine/eager/engine.js';
import type {
  Call,
  Device,
  Engine,
  EngineOptions,
  HostTensor,
  HostTensors,
  Recordable,
} from '../../src/engine/types.js';
import { stream } from '../../src/random.js';

export const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Makers of random host tensors: a pure function of the keys. */
export function randomTensors(...keys: (number | string)[]) {
  const random = stream(...keys);
  return {
    floats(shape: number[], low = -2, high = 2): HostTensor<Float32Array> {
      return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.uniform()) };
    },
    integers(shape: number[], limit: number): HostTensor<Int32Array> {
      return { shape, data: Int32Array.from({ length: sizeOf(shape) }, () => random.integer(limit)) };
    },
  };
}

export const scalar = (value: number): HostTensor<Float32Array> => ({ shape: [], data: Float32Array.of(value) });

/** Whose kernels stand beside the compiled engine's: JavaScript's, or TensorFlow's with SPANTUNE_TEST_BACKEND=tensorflow. */
export const backend = () => (process.env.SPANTUNE_TEST_BACKEND === 'tensorflow' ? 'tensorflow' : 'cpu');

/** Where the compiled engine computes: SPANTUNE_TEST_DEVICE=webgpu for a GPU, or a software driver for one. */
export const device = () => (process.env.SPANTUNE_TEST_DEVICE ?? 'cpu') as Device;

/** For what concerns banks in the host's memory, symbolic sizes or the processor's own checks. */
export const ON_HOST: EngineOptions = { threads: 1 };

/** Runs a function with a fresh engine and closes it. */
export async function withEngine<T>(
  name: 'compiled' | 'cpu',
  use: (engine: Engine) => Promise<T>,
  options: EngineOptions = { threads: 1, device: device() },
): Promise<T> {
  const engine = name === 'compiled' ? compiledEngine(options) : await eagerEngine(backend());
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

/** The results of one call with each engine; `oracle` stands in for the function where it runs eagerly. */
export async function runBoth(
  body: Recordable,
  call: Call,
  oracle: Recordable = body,
): Promise<{ compiled: HostTensors; eager: HostTensors }> {
  const once = (program: Recordable) => (engine: Engine) => engine.program('test', program).run(call);
  return { eager: await withEngine('cpu', once(oracle)), compiled: await withEngine('compiled', once(body)) };
}

/** Every element within `tolerance` · (1 + largest expected magnitude); NaN where NaN is expected and nowhere else. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  message: string,
): void {
  assert.equal(actual.length, expected.length, `${message}: number of elements`);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]));
  }
  for (let i = 0; i < expected.length; i++) {
    const same = Object.is(actual[i], expected[i]) || actual[i] === expected[i];
    if (!same && !(Math.abs(actual[i] - expected[i]) <= tolerance * (1 + largest))) {
      assert.fail(`${message}: element ${i} is ${actual[i]}, expected ${expected[i]}`);
    }
  }
}

/** Both engines' results of one function: equal names, equal shapes, close numbers. */
export function assertAgree(
  { compiled, eager }: { compiled: HostTensors; eager: HostTensors },
  tolerance: number,
  message = 'result',
): void {
  assert.deepEqual(Object.keys(compiled).sort(), Object.keys(eager).sort());
  for (const [name, expected] of Object.entries(eager)) {
    const actual = compiled[name];
    assert.deepEqual(actual.shape, expected.shape, `${message} ${name}: shape`);
    assertClose(actual.data, expected.data, tolerance, `${message} ${name}`);
  }
}

export function assertSameBits(actual: ArrayLike<number>, expected: ArrayLike<number>, message: string): void {
  assert.equal(actual.length, expected.length, `${message}: number of elements`);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) assert.fail(`${message}: element ${i} is ${actual[i]}, not ${expected[i]}`);
  }
}

/**
 * A function's value, and the gradients of the sum of its value times `weights`, by the inputs named: what training does, with a
 * gradient that differs from element to element.
 */
export function withGradients(
  of: readonly string[],
  f: (inputs: Record<string, Tensor>, context: Parameters<Recordable>[1]) => Tensor,
): Recordable {
  return (inputs, context) => {
    const objective = (...values: Tensor[]) => {
      const value = f({ ...inputs, ...Object.fromEntries(of.map((name, i) => [name, values[i]])) }, context);
      return tf.sum(tf.mul(value, inputs.weights)) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(objective)(of.map((name) => inputs[name]));
    return { objective: value, ...Object.fromEntries(of.map((name, i) => [`d/d${name}`, grads[i]])) };
  };
}
