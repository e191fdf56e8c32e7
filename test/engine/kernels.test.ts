/** Every kernel of the recording backend agrees with TensorFlow.js' own CPU backend. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { compiledEngine } from '../../src/engine/compiled/engine.js';
import { RECORDER, record } from '../../src/engine/compiled/recorder.js';
import { eagerEngine } from '../../src/engine/eager/engine.js';
import type { HostTensors } from '../../src/engine/types.js';
import { type Case, kernelCases } from './kernel-cases.js';
import { assertAgree, backend, device, randomTensors } from './support.js';

const compiled = compiledEngine({ threads: 1, device: device() });
const eager = await eagerEngine(backend());
after(() => compiled.close());

// The recording backend comes to be with the first recording.
await compiled.program('first', ({ x }) => ({ y: tf.neg(x) })).run({ inputs: { x: randomTensors(0).floats([1]) } });

type Body = (inputs: Record<string, Tensor>) => Record<string, Tensor>;

async function compare(message: string, inputs: HostTensors, body: Body, oracle: Body = body): Promise<void> {
  const both = {
    eager: await eager.program(message, oracle).run({ inputs }),
    compiled: await compiled.program(message, body).run({ inputs }),
  };
  assertAgree(both, device() === 'cpu' ? 2e-6 : 2e-5, message);
}

/** Kernels that record, as opposed to those that say by name that they cannot. */
function recordingKernels(): string[] {
  const names: string[] = [];
  const body = ({ x }: Record<string, Tensor>) => {
    for (const { kernelName, kernelFunc } of tf.getKernelsForBackend(RECORDER)) {
      try {
        kernelFunc({ inputs: {}, backend: {}, attrs: {} });
        names.push(kernelName);
      } catch (error) {
        if (!/cannot be recorded$/.test((error as Error).message)) names.push(kernelName);
      }
    }
    return { x };
  };
  record(body, { inputs: () => [{ name: 'x', shape: [1], type: 'float32' }], chance: false });
  return names;
}

/** Runs a function and tells which kernels were recorded meanwhile. */
async function kernelsCalled(use: () => Promise<void>): Promise<Set<string>> {
  const called = new Set<string>();
  const configs = tf.getKernelsForBackend(RECORDER);
  const originals = configs.map(({ kernelFunc }) => kernelFunc);
  for (const config of configs) {
    const { kernelName, kernelFunc } = config;
    config.kernelFunc = (call) => {
      called.add(kernelName);
      return kernelFunc(call);
    };
  }
  try {
    await use();
  } finally {
    configs.forEach((config, i) => {
      config.kernelFunc = originals[i];
    });
  }
  return called;
}

test('every recording kernel has a case here, and no other has', () => {
  assert.deepEqual(Object.keys(kernelCases).sort(), recordingKernels().sort());
});

const evaluate = (cases: readonly Case[], key: 'body' | 'oracle', inputs: Record<string, Tensor>) =>
  Object.fromEntries(cases.map((each, i) => [each.name, (each[key] ?? each.body)(...argumentsOf(each, i, inputs))]));
const argumentsOf = (each: Case, i: number, inputs: Record<string, Tensor>) =>
  each.inputs.map((_, j) => inputs[`${i}:${j}`]);

/** Kernels that ONNX Runtime's WebGPU provider lacks, at least for one of the cases. No model uses them so; they are refused. */
const GAPS = device() === 'webgpu' ? ['Pow', 'LogicalOr', 'LogSoftmax', 'Slice', 'OneHot'] : [];

for (const [kernel, cases] of Object.entries(kernelCases)) {
  test(`${kernel} agrees with the CPU backend${GAPS.includes(kernel) ? ', but is refused on WebGPU' : ''}`, async () => {
    assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length, 'names of cases are unique');
    const inputs = Object.fromEntries(
      cases.flatMap((each, i) => each.inputs.map((input, j) => [`${i}:${j}`, input] as const)),
    );
    const both = () =>
      compare(
        kernel,
        inputs,
        (tensors) => evaluate(cases, 'body', tensors),
        (tensors) => evaluate(cases, 'oracle', tensors),
      );
    // Nothing is computed on the processor instead.
    const refused = () => assert.rejects(both, /does not accept the recorded program|while running/);
    const called = await kernelsCalled(GAPS.includes(kernel) ? refused : both);
    assert.ok(called.has(kernel), `the cases of ${kernel} call it`);
  });
}

/** Two shapes that broadcast, ranks 0 to 4, and how each operand comes about. */
const operands = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }).chain((shape) => {
  const side = fc
    .tuple(fc.integer({ min: 0, max: shape.length }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
    .map(([cut, ones]) => shape.slice(cut).map((size, i) => (ones[i] ? 1 : size)));
  const kind = fc.constantFrom('input', 'zeros', 'ones', 'half');
  return fc.record({ a: side, b: side, kindA: kind, kindB: kind, seed: fc.nat() });
});

test('binary operations broadcast whatever the shapes, and uniform constants fold to the same numbers', async () => {
  await fc.assert(
    fc.asyncProperty(operands, async ({ a, b, kindA, kindB, seed }) => {
      const random = randomTensors(seed);
      const operand = (kind: string, shape: number[], input: Tensor) =>
        kind === 'input' ? input : tf.fill(shape, kind === 'zeros' ? 0 : kind === 'ones' ? 1 : 0.5);
      await compare('binary', { a: random.floats(a), b: random.floats(b) }, (inputs) => {
        const x = operand(kindA, a, inputs.a);
        const y = operand(kindB, b, inputs.b);
        // What the recorder folds away still has to be an output.
        return {
          add: tf.add(x, y),
          sub: tf.sub(x, y),
          mul: tf.mul(x, y),
          div: tf.div(x, tf.add(tf.square(y), 0.25)),
          maximum: tf.maximum(x, y),
          squaredDifference: tf.squaredDifference(x, y),
          greater: tf.greater(x, y),
          chained: tf.mul(tf.add(x, tf.mul(y, 0)), tf.sub(1, tf.mul(x, y))),
        };
      });
    }),
    { numRuns: 40 },
  );
});

/** TensorFlow's addon takes no axis of `gather` that is counted from the end. */
const countedFromFront = (axis: number, rank: number) => (backend() === 'tensorflow' ? (axis + rank) % rank : axis);

test('reductions, transpositions, slices and tiles agree whatever the rank and the axes', async () => {
  const layouts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }).chain((shape) => {
    const perAxis = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: shape.length, maxLength: shape.length });
    return fc.record({
      shape: fc.constant(shape),
      reduced: perAxis(fc.boolean()),
      keepDims: fc.boolean(),
      perm: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length, maxLength: shape.length }),
      begin: fc.tuple(...shape.map((size) => fc.integer({ min: 0, max: size - 1 }))),
      reps: perAxis(fc.integer({ min: 1, max: 3 })),
      axis: fc.integer({ min: -shape.length, max: shape.length - 1 }),
      seed: fc.nat(),
    });
  });
  await fc.assert(
    fc.asyncProperty(layouts, async ({ shape, reduced, keepDims, perm, begin, reps, axis, seed }) => {
      const axes = reduced.flatMap((chosen, i) => (chosen ? [i] : []));
      await compare('layout', { x: randomTensors(seed).floats(shape) }, ({ x }) => ({
        sum: tf.sum(x, axes, keepDims),
        mean: tf.mean(x, axes, keepDims),
        max: tf.max(x, axes, keepDims),
        min: tf.min(x, axis, keepDims),
        transposed: tf.transpose(x, perm),
        sliced: tf.slice(x, begin),
        tiled: tf.tile(x, reps),
        concatenated: tf.concat([x, tf.neg(x), tf.onesLike(x)], axis),
        stacked: tf.stack([x, tf.zerosLike(x)], axis),
        gathered: tf.gather(x, tf.tensor1d([0, 0, 0], 'int32'), countedFromFront(axis, shape.length)),
      }));
    }),
    { numRuns: 40 },
  );
});
