/** For each kernel of the recording backend: inputs, and calls of TensorFlow.js that reach it. */
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../src/engine/types.js';
import { randomTensors } from './support.js';

export interface Case {
  name: string;
  inputs: HostTensor[];
  body: (...inputs: Tensor[]) => Tensor;
  /** What it should equal, for kernels that the CPU backend has not. */
  oracle?: (...inputs: Tensor[]) => Tensor;
}

const { floats, integers } = randomTensors('kernel cases');
const positive = (shape: number[]) => floats(shape, 0.1, 3);
/** Few values, so that equal ones meet. */
const coarse = (shape: number[]): HostTensor => {
  const { data } = integers(shape, 3);
  return { shape, data: Float32Array.from(data) };
};
const given = (shape: number[], ...values: number[]): HostTensor => ({ shape, data: Float32Array.from(values) });

type Make = (shape: number[]) => HostTensor;

const SHAPES = [[], [1], [7], [3, 4], [2, 1, 3], [2, 3, 4, 5], [2, 1, 2, 3, 2]];

/** A function of one tensor at several ranks, and of constants that are one value throughout. */
function unary(f: (x: Tensor) => Tensor, make: Make = floats, constants = [0, 1, 2.5, -1.5]): Case[] {
  return [
    ...SHAPES.map((shape): Case => ({ name: `[${shape}]`, inputs: [make(shape)], body: f })),
    ...constants.flatMap((value): Case[] => [
      { name: `scalar ${value}`, inputs: [], body: () => f(tf.scalar(value)) },
      { name: `filled ${value}`, inputs: [], body: () => f(tf.fill([2, 3], value)) },
    ]),
  ];
}

const PAIRS = [
  [[], []],
  [[5], [5]],
  [[], [2, 3]],
  [[2, 3], [1]],
  [[2, 3], [3]],
  [
    [2, 1],
    [1, 3],
  ],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[1, 1, 1], [5]],
  [
    [2, 3, 1, 2, 2],
    [1, 4, 1, 2],
  ],
];

/** A function of two tensors over broadcasting shapes, with constants of one value on either side and on both. */
function binary(
  f: (a: Tensor, b: Tensor) => Tensor,
  make: [Make, Make] = [floats, floats],
  constants = [0, 1, 2.5],
): Case[] {
  const [left, right] = make;
  return [
    ...PAIRS.map(([a, b]): Case => ({ name: `[${a}] [${b}]`, inputs: [left(a), right(b)], body: f })),
    ...constants.flatMap((value): Case[] => [
      { name: `x, ${value}`, inputs: [left([2, 3])], body: (x) => f(x, tf.scalar(value)) },
      { name: `${value}, x`, inputs: [right([2, 3])], body: (x) => f(tf.scalar(value), x) },
      { name: `x, all ${value}`, inputs: [left([3, 2])], body: (x) => f(x, tf.fill([3, 2], value)) },
      { name: `all ${value}, smaller x`, inputs: [right([2])], body: (x) => f(tf.fill([3, 2], value), x) },
      { name: `smaller x, all ${value}`, inputs: [left([2])], body: (x) => f(x, tf.fill([3, 2], value)) },
      { name: `column of ${value}, row`, inputs: [right([1, 3])], body: (x) => f(tf.fill([2, 1], value), x) },
      { name: `all ${value}, all 1`, inputs: [], body: () => f(tf.fill([2, 1], value), tf.ones([1, 3])) },
    ]),
  ];
}

const integerPairs = (f: (a: Tensor, b: Tensor) => Tensor): Case[] =>
  PAIRS.map(([a, b]) => ({ name: `int32 [${a}] [${b}]`, inputs: [integers(a, 3), integers(b, 3)], body: f }));

const arithmetic = (f: (a: Tensor, b: Tensor) => Tensor): Case[] => [...binary(f), ...integerPairs(f)];
const comparison = (f: (a: Tensor, b: Tensor) => Tensor): Case[] => [
  ...binary(f, [coarse, coarse]),
  ...integerPairs(f),
];
const logical = (f: (a: Tensor, b: Tensor) => Tensor): Case[] =>
  PAIRS.map(([a, b]) => ({
    name: `[${a}] [${b}]`,
    inputs: [floats(a), floats(b)],
    body: (x, y) => f(tf.greater(x, 0), tf.less(y, 0)),
  }));

function reduction(
  f: (x: Tensor, axis?: number | number[], keepDims?: boolean) => Tensor,
  make: Make = floats,
): Case[] {
  const axes: [number[], number | number[] | undefined][] = [
    [[], undefined],
    [[5], undefined],
    [[5], 0],
    [[3, 4], -1],
    [[3, 4], 0],
    [[3, 4], []],
    [
      [2, 3, 4],
      [0, 2],
    ],
    [
      [2, 3, 4, 2],
      [-1, 1],
    ],
    [[2, 1, 3], 1],
  ];
  return [
    ...axes.flatMap(([shape, axis]) =>
      [false, true].map(
        (keepDims): Case => ({
          name: `[${shape}] over ${axis === undefined ? 'all' : `[${axis}]`}${keepDims ? ', kept' : ''}`,
          inputs: [make(shape)],
          body: (x) => f(x, axis, keepDims),
        }),
      ),
    ),
    { name: 'constant', inputs: [], body: () => f(tf.fill([2, 3], 0.5), 1) },
  ];
}

/** Runs a kernel that TensorFlow.js' operations do not reach. */
const kernel = (name: string, inputs: Record<string, Tensor>, attributes: tf.NamedAttrMap = {}) =>
  tf.engine().runKernel(name, inputs, attributes) as Tensor | Tensor[];

const product = (a: number[], b: number[], transA = false, transB = false): Case => ({
  name: `[${a}]${transA ? 'ᵀ' : ''} [${b}]${transB ? 'ᵀ' : ''}`,
  inputs: [floats(a), floats(b)],
  body: (x, y) => tf.matMul(x, y, transA, transB),
});

function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): [Tensor, Tensor, Tensor] {
  const { mean, variance } = tf.moments(x, -1, true);
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  return [tf.add(tf.mul(tf.mul(tf.sub(x, mean), inverse), weight), bias), mean, inverse];
}

export const kernelCases: Record<string, Case[]> = {
  Add: arithmetic(tf.add),
  Sub: arithmetic(tf.sub),
  Multiply: arithmetic(tf.mul),
  RealDiv: binary(tf.div, [floats, positive]),
  Maximum: arithmetic(tf.maximum),
  Minimum: arithmetic(tf.minimum),
  Pow: binary(tf.pow, [positive, floats]),
  SquaredDifference: arithmetic(tf.squaredDifference),
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  Equal: comparison(tf.equal),
  LogicalAnd: logical(tf.logicalAnd),
  LogicalOr: logical(tf.logicalOr),
  LogicalNot: unary((x) => tf.logicalNot(tf.greater(x, 0))),
  AddN: [
    { name: 'three', inputs: [floats([2, 3]), floats([2, 3]), floats([2, 3])], body: (a, b, c) => tf.addN([a, b, c]) },
    { name: 'one', inputs: [floats([4])], body: (a) => tf.addN([a]) },
    { name: 'with zeros', inputs: [floats([2, 2])], body: (a) => tf.addN([tf.zeros([2, 2]), a, tf.zeros([2, 2])]) },
    {
      name: 'with constants',
      inputs: [floats([2, 2])],
      body: (a) => tf.addN([tf.ones([2, 2]), a, tf.fill([2, 2], 2)]),
    },
    { name: 'zeros alone', inputs: [], body: () => tf.addN([tf.zeros([3]), tf.zeros([3])]) },
    {
      name: 'twelve, in their order',
      inputs: Array.from({ length: 12 }, () => floats([3])),
      body: (...all) => tf.addN(all),
    },
  ],
  Neg: unary(tf.neg),
  Abs: unary(tf.abs),
  Exp: unary(tf.exp),
  Log: unary(tf.log, positive, [1, 2.5]),
  Sqrt: unary(tf.sqrt, positive, [0, 1, 2.5]),
  Rsqrt: unary(tf.rsqrt, positive, [1, 2.5]),
  Reciprocal: unary(tf.reciprocal, positive, [1, 2.5, -1.5]),
  Square: unary(tf.square),
  Erf: unary(tf.erf),
  Tanh: unary(tf.tanh),
  Sigmoid: unary(tf.sigmoid),
  Relu: unary(tf.relu),
  Floor: unary(tf.floor),
  Step: [
    ...unary((x) => tf.step(x)),
    { name: 'slope', inputs: [given([4], -1, 0, 2, -0)], body: (x) => tf.step(x, 0.25) },
  ],
  Select: [
    {
      name: 'same shapes',
      inputs: [floats([2, 3]), floats([2, 3])],
      body: (x, y) => tf.where(tf.greater(x, 0), x, y),
    },
    {
      name: 'broadcast',
      inputs: [floats([2, 1]), floats([3]), floats([2, 3])],
      body: (c, x, y) => tf.where(tf.greater(c, 0), x, y),
    },
    {
      name: 'constants',
      inputs: [floats([3, 2])],
      body: (x) => tf.where(tf.greater(x, 0), tf.ones([3, 2]), tf.scalar(-1)),
    },
    { name: 'int32', inputs: [integers([5], 3)], body: (x) => tf.where(tf.equal(x, 1), x, tf.zerosLike(x)) },
    { name: 'scalars', inputs: [floats([])], body: (x) => tf.where(tf.greater(x, 0), tf.scalar(1), tf.scalar(2)) },
  ],
  Cast: [
    { name: 'float32 to int32', inputs: [floats([3, 4], -9, 9)], body: (x) => tf.cast(x, 'int32') },
    { name: 'float32 to bool', inputs: [coarse([7])], body: (x) => tf.cast(x, 'bool') },
    { name: 'int32 to float32', inputs: [integers([2, 2], 9)], body: (x) => tf.cast(x, 'float32') },
    { name: 'bool to float32', inputs: [floats([5])], body: (x) => tf.cast(tf.greater(x, 0), 'float32') },
    { name: 'bool to int32', inputs: [floats([5])], body: (x) => tf.cast(tf.greater(x, 0), 'int32') },
    { name: 'to its own type', inputs: [floats([3])], body: (x) => tf.cast(x, 'float32') },
    ...[0, 0.5, -1.5, 2].flatMap((value) =>
      (['int32', 'bool'] as const).map(
        (type): Case => ({ name: `${value} to ${type}`, inputs: [], body: () => tf.cast(tf.fill([2], value), type) }),
      ),
    ),
  ],
  Identity: unary(tf.clone),
  OnesLike: unary(tf.onesLike),
  ZerosLike: unary(tf.zerosLike),
  Fill: [
    { name: 'float32', inputs: [], body: () => tf.fill([2, 3], 1.5) },
    { name: 'scalar', inputs: [], body: () => tf.fill([], 1.5) },
    { name: 'int32', inputs: [], body: () => tf.fill([4], 3, 'int32') },
  ],
  Reshape: [
    { name: 'flat', inputs: [floats([2, 3, 4])], body: (x) => tf.reshape(x, [-1]) },
    { name: 'inferred', inputs: [floats([2, 6])], body: (x) => tf.reshape(x, [3, -1, 2]) },
    { name: 'to a scalar', inputs: [floats([1, 1])], body: (x) => tf.reshape(x, []) },
    { name: 'from a scalar', inputs: [floats([])], body: (x) => tf.reshape(x, [1, 1, 1]) },
    { name: 'int32', inputs: [integers([4], 9)], body: (x) => tf.reshape(x, [2, 2]) },
    { name: 'constant', inputs: [], body: () => tf.reshape(tf.ones([4]), [2, 2]) },
  ],
  ExpandDims: [0, 1, 2, -1, -3].map((axis) => ({
    name: `at ${axis}`,
    inputs: [floats([2, 3])],
    body: (x) => tf.expandDims(x, axis),
  })),
  BatchMatMul: [
    ...[false, true].flatMap((transA) =>
      [false, true].flatMap((transB) => [
        product(transA ? [3, 5] : [5, 3], transB ? [4, 3] : [3, 4], transA, transB),
        product(transA ? [2, 3, 5] : [2, 5, 3], transB ? [2, 4, 3] : [2, 3, 4], transA, transB),
        product(transA ? [2, 3, 3, 5] : [2, 3, 5, 3], transB ? [2, 3, 4, 3] : [2, 3, 3, 4], transA, transB),
      ]),
    ),
    // So wide that the first factor is transposed beforehand.
    product([3, 5], [3, 300], true, false),
    product([3, 5], [300, 3], true, true),
    product([1, 1], [1, 1]),
    product([1, 6], [6, 1]),
    product([6, 1], [1, 6]),
    product([1, 2, 3], [4, 3, 2]),
    product([2, 4, 2, 3], [1, 1, 3, 2]),
    product([3, 2, 4], [4, 2]),
    product([3, 4, 2], [4, 3], true, false),
    { name: 'constant', inputs: [floats([3, 2])], body: (x) => tf.matMul(x, tf.ones([2, 4])) },
  ],
  Linear: [[1, 3, 2] as const, [5, 3, 4] as const, [2, 1, 1] as const].map(([rows, width, out]) => ({
    name: `${rows} × ${width} to ${out}`,
    inputs: [floats([rows, width]), floats([out, width]), floats([out])],
    body: (x, weight, bias) => kernel('Linear', { x, weight, bias }) as Tensor,
    oracle: (x, weight, bias) => tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), bias),
  })),
  ScaledMatMul: [
    ...[false, true].flatMap((transposeA) =>
      [false, true].map(
        (transposeB): Case => ({
          name: `${transposeA ? 'aᵀ' : 'a'} · ${transposeB ? 'bᵀ' : 'b'}, batched`,
          inputs: [floats(transposeA ? [2, 3, 4, 5] : [2, 3, 5, 4]), floats(transposeB ? [2, 3, 6, 4] : [2, 3, 4, 6])],
          body: (a, b) => kernel('ScaledMatMul', { a, b }, { factor: 0.3, transposeA, transposeB }) as Tensor,
          oracle: (a, b) => tf.mul(tf.matMul(a as tf.Tensor3D, b as tf.Tensor3D, transposeA, transposeB), 0.3),
        }),
      ),
    ),
    {
      name: 'matrices',
      inputs: [floats([5, 4]), floats([4, 6])],
      body: (a, b) => kernel('ScaledMatMul', { a, b }, { factor: -2 }) as Tensor,
      oracle: (a, b) => tf.mul(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D), -2),
    },
  ],
  Scale: [
    {
      name: 'of an input',
      inputs: [floats([3, 4])],
      body: (x) => kernel('Scale', { x }, { factor: 0.5 }) as Tensor,
      oracle: (x) => tf.mul(x, 0.5),
    },
    {
      name: 'of a product, which takes the factor in',
      inputs: [floats([3, 4]), floats([5, 4])],
      body: (a, b) =>
        kernel('Scale', { x: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true) }, { factor: 0.5 }) as Tensor,
      oracle: (a, b) => tf.mul(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true), 0.5),
    },
    {
      name: 'of a product with a bias, which does not',
      inputs: [floats([3, 4]), floats([5, 4]), floats([5])],
      body: (x, weight, bias) =>
        kernel('Scale', { x: kernel('Linear', { x, weight, bias }) as Tensor }, { factor: 0.5 }) as Tensor,
      oracle: (x, weight, bias) =>
        tf.mul(tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), bias), 0.5),
    },
  ],
  LayerNorm: [[3, 8], [2, 3, 5], [1, 2], [4]].flatMap((shape) =>
    [0, 1, 2].map((output): Case => {
      const width = shape[shape.length - 1];
      return {
        name: `[${shape}] ${['value', 'mean', 'inverse deviation'][output]}`,
        inputs: [floats(shape), floats([width]), floats([width])],
        body: (x, weight, bias) => (kernel('LayerNorm', { x, weight, bias }, { epsilon: 1e-3 }) as Tensor[])[output],
        oracle: (x, weight, bias) => layerNorm(x, weight, bias, 1e-3)[output],
      };
    }),
  ),
  Gelu: unary((x) => x, floats).map(({ name, inputs, body }) => ({
    name,
    inputs,
    body: (...all: Tensor[]) => kernel('Gelu', { x: body(...all) }) as Tensor,
    oracle: (...all: Tensor[]) => {
      const x = body(...all);
      return tf.mul(x, tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5));
    },
  })),
  Softmax: [
    ...[[5], [1], [3, 4], [2, 3, 2, 4]].map(
      (shape): Case => ({ name: `[${shape}]`, inputs: [floats(shape, -9, 9)], body: (x) => tf.softmax(x) }),
    ),
    {
      name: 'masked',
      inputs: [given([2, 3], 1, -1e9, 2, -1e9, -1e9, 0.5)],
      body: (x) => tf.softmax(x),
    },
  ],
  LogSoftmax: [[5], [1], [3, 4], [2, 3, 4]].map((shape) => ({
    name: `[${shape}]`,
    inputs: [floats(shape, -9, 9)],
    body: (logits) => kernel('LogSoftmax', { logits }) as Tensor,
    oracle: (logits) => tf.logSoftmax(logits),
  })),
  Sum: [...reduction(tf.sum), { name: 'int32', inputs: [integers([3, 2], 9)], body: (x) => tf.sum(x, 0) }],
  Mean: reduction(tf.mean),
  Max: reduction(tf.max),
  Min: reduction(tf.min),
  Transpose: [
    ...[
      [1, 0, 2],
      [2, 1, 0],
      [0, 2, 1],
      [0, 1, 2],
    ].map((perm): Case => ({ name: `${perm}`, inputs: [floats([2, 3, 4])], body: (x) => tf.transpose(x, perm) })),
    { name: 'default', inputs: [floats([2, 3, 4])], body: (x) => tf.transpose(x) },
    { name: 'heads', inputs: [floats([2, 3, 2, 4])], body: (x) => tf.transpose(x, [0, 2, 1, 3]) },
    { name: 'constant', inputs: [], body: () => tf.transpose(tf.ones([2, 3])) },
  ],
  Slice: [
    { name: 'one axis', inputs: [floats([5])], body: (x) => tf.slice(x, [1], [3]) },
    { name: 'to the end', inputs: [floats([3, 4])], body: (x) => tf.slice(x, [1, 2], [-1, -1]) },
    { name: 'fewer axes than ranks', inputs: [floats([3, 4])], body: (x) => tf.slice(x, [2]) },
    { name: 'everything', inputs: [floats([3, 4])], body: (x) => tf.slice(x, [0, 0], [3, 4]) },
    { name: 'inner axis', inputs: [floats([2, 3, 4])], body: (x) => tf.slice(x, [0, 1, 0], [2, 1, 4]) },
    { name: 'int32', inputs: [integers([6], 9)], body: (x) => tf.slice(x, [2], [2]) },
    { name: 'constant', inputs: [], body: () => tf.slice(tf.ones([4, 2]), [1, 0], [2, 2]) },
  ],
  PadV2: [
    {
      name: 'zeros',
      inputs: [floats([2, 3])],
      body: (x) =>
        tf.pad(x, [
          [1, 0],
          [0, 2],
        ]),
    },
    { name: 'a value', inputs: [floats([3])], body: (x) => tf.pad(x, [[2, 1]], -1.5) },
    { name: 'nothing', inputs: [floats([2])], body: (x) => tf.pad(x, [[0, 0]]) },
  ],
  Concat: [
    { name: 'rows', inputs: [floats([1, 3]), floats([2, 3])], body: (a, b) => tf.concat([a, b], 0) },
    { name: 'last axis', inputs: [floats([2, 1]), floats([2, 3])], body: (a, b) => tf.concat([a, b], -1) },
    { name: 'with a constant', inputs: [floats([2, 2])], body: (a) => tf.concat([a, tf.ones([2, 1])], 1) },
    {
      name: 'three int32',
      inputs: [integers([2], 9), integers([1], 9), integers([3], 9)],
      body: (...all) => tf.concat(all),
    },
  ],
  Pack: [0, 1, 2, -1, -2].map((axis) => ({
    name: `at ${axis}`,
    inputs: [floats([2, 3]), floats([2, 3])],
    body: (...all) => tf.stack(all, axis),
  })),
  Tile: [
    { name: 'both axes', inputs: [floats([2, 3])], body: (x) => tf.tile(x, [2, 3]) },
    { name: 'a column', inputs: [floats([3, 1])], body: (x) => tf.tile(x, [1, 4]) },
    { name: 'one, and one of size 1', inputs: [floats([2, 1])], body: (x) => tf.tile(x, [2, 2]) },
    { name: 'once', inputs: [floats([2, 3])], body: (x) => tf.tile(x, [1, 1]) },
    { name: 'constant', inputs: [], body: () => tf.tile(tf.ones([2, 1]), [1, 3]) },
  ],
  GatherV2: [
    { name: 'rows', inputs: [floats([5, 3]), integers([7], 5)], body: (x, ids) => tf.gather(x, ids as tf.Tensor1D) },
    {
      name: 'ids of rank 2',
      inputs: [floats([5, 3]), integers([2, 4], 5)],
      body: (x, ids) => tf.gather(x, ids as tf.Tensor1D),
    },
    {
      name: 'columns',
      inputs: [floats([2, 5]), integers([3], 5)],
      body: (x, ids) => tf.gather(x, ids as tf.Tensor1D, 1),
    },
    {
      name: 'last axis',
      inputs: [floats([2, 5]), integers([3], 5)],
      body: (x, ids) => tf.gather(x, ids as tf.Tensor1D, -1),
      // TensorFlow's addon takes no such axis.
      oracle: (x, ids) => tf.gather(x, ids as tf.Tensor1D, 1),
    },
    { name: 'one row', inputs: [floats([5, 3]), integers([1], 5)], body: (x, ids) => tf.gather(x, ids as tf.Tensor1D) },
  ],
  EmbeddingGradient: [
    { name: 'repeated ids', ids: [1, 3, 1, 1], rows: 5 },
    { name: 'one id', ids: [0], rows: 1 },
    { name: 'distinct ids', ids: [2, 0, 1], rows: 4 },
  ].map(({ name, ids, rows }) => ({
    name,
    inputs: [floats([ids.length, 3]), { shape: [ids.length], data: Int32Array.from(ids) }],
    body: (dy, indices) => kernel('EmbeddingGradient', { dy, ids: indices }, { rows }) as Tensor,
    // Row r is the sum of the rows whose id is r: a product with a selector.
    oracle: (dy) => {
      const selector = Array.from({ length: rows }, (_, row) => ids.map((id) => Number(id === row)));
      return tf.matMul(tf.tensor2d(selector), dy as tf.Tensor2D);
    },
  })),
  OneHot: [
    { name: 'default', inputs: [integers([4], 3)], body: (ids) => tf.oneHot(ids as tf.Tensor1D, 3) },
    {
      name: 'values',
      inputs: [integers([2, 2], 3)],
      body: (ids) => tf.oneHot(ids as tf.Tensor1D, 3, 2.5, -1, 'float32'),
    },
    { name: 'beyond the depth', inputs: [integers([5], 5)], body: (ids) => tf.oneHot(ids as tf.Tensor1D, 3) },
  ],
};
