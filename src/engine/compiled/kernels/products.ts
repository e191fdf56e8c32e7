/** Kernels that multiply matrices, reduce and normalise. */
import { type NamedAttrMap, util } from '@tensorflow/tfjs';
import { EngineError } from '../../../errors.js';
import type { Attribute, Graph, Value } from '../graph.js';
import { register } from '../recorder.js';
import { broadcastShape } from './elementwise.js';

register('BatchMatMul', ({ graph, inputs: { a, b }, attributes }) => multiply(graph, a, b, attributes));

/** factor · a · b, either transposed. */
register('ScaledMatMul', ({ graph, inputs: { a, b }, attributes }) =>
  multiply(graph, a, b, attributes, Number(attributes.factor)),
);

/**
 * x · factor, where nothing else reads x: a product that made x takes the factor in. The product is written anew; the one without
 * the factor is dropped, as no output needs it.
 */
register('Scale', ({ graph, inputs: { x }, attributes }) => {
  const factor = Number(attributes.factor);
  const made = graph.nodes.findLast(({ outputs }) => outputs[0] === x);
  if (made?.op === 'Gemm' && made.inputs.length === 2) {
    return graph.node('Gemm', made.inputs, x, { ...made.attributes, alpha: { float: factor } });
  }
  return graph.node('Mul', [x, graph.scalar(factor, x.type)], x);
});

/**
 * Columns of a product from which on a first factor that is to be transposed is transposed beforehand: ONNX Runtime's own product does it again
 * for every 128 columns, which makes weight gradients a quarter slower. Its optimiser would put the two together again (`openSession`).
 */
const COLUMNS_AHEAD = 256;

function multiply(graph: Graph, a: Value, b: Value, attributes: NamedAttrMap, factor = 1): Value {
  const transA = Boolean(attributes.transposeA);
  const transB = Boolean(attributes.transposeB);
  const rank = Math.max(a.shape.length, b.shape.length);
  const rows = a.shape[a.shape.length - (transA ? 1 : 2)];
  const columns = b.shape[b.shape.length - (transB ? 2 : 1)];
  if (a.shape[a.shape.length - (transA ? 2 : 1)] !== b.shape[b.shape.length - (transB ? 1 : 2)]) {
    throw new EngineError(`matrices [${a.shape}] and [${b.shape}] cannot be multiplied`);
  }
  const flags: Record<string, Attribute> = { transA: transA ? 1 : 0, transB: transB ? 1 : 0 };
  if (factor !== 1) flags.alpha = { float: factor };
  if (rank === 2) {
    const ahead = transA && !graph.standard && columns >= COLUMNS_AHEAD;
    const first = ahead ? transposed(graph, a) : a;
    return graph.node('Gemm', [first, b], { shape: [rows, columns] }, { ...flags, transA: transA && !ahead ? 1 : 0 });
  }
  // tf.matMul on a pair of matrices arrives as one batch of one.
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, rows, columns];
  if (!graph.standard) return graph.node('FusedMatMul', [a, b], { shape }, flags, 'com.microsoft');
  const product = graph.node('MatMul', [transA ? transposed(graph, a) : a, transB ? transposed(graph, b) : b], {
    shape,
  });
  return factor === 1 ? product : graph.node('Mul', [product, graph.scalar(factor, 'float32')], { shape });
}

/** The last two axes exchanged. */
function transposed(graph: Graph, x: Value): Value {
  const rank = x.shape.length;
  const order = [...x.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2);
  return graph.node('Transpose', [x], { shape: order.map((axis) => x.shape[axis]) }, { perm: order });
}

/** x · weightᵀ + bias in one node. */
register('Linear', ({ graph, inputs: { x, weight, bias } }) =>
  graph.node('Gemm', [x, weight, bias], { shape: [x.shape[0], weight.shape[0]] }, { transB: 1 }),
);

register('LayerNorm', ({ graph, inputs: { x, weight, bias }, attributes }) => {
  const row = { shape: [...x.shape.slice(0, -1), 1] };
  const spec = { axis: -1, epsilon: { float: Number(attributes.epsilon) } };
  return graph.nodeMany('LayerNormalization', [x, weight, bias], [{ shape: x.shape }, row, row], spec);
});

register('Gelu', ({ graph, inputs: { x } }) => graph.node('Gelu', [x], x));

register('Softmax', ({ graph, inputs: { logits }, attributes }) => {
  if (Number(attributes.dim ?? -1) !== -1 && Number(attributes.dim) !== logits.shape.length - 1) {
    throw new EngineError('Softmax can be recorded over the last axis alone');
  }
  return graph.node('Softmax', [logits], logits, { axis: -1 });
});
register('LogSoftmax', ({ graph, inputs: { logits } }) => graph.node('LogSoftmax', [logits], logits, { axis: -1 }));

function reduction(kernel: string, op: string): void {
  register(kernel, ({ graph, inputs: { x }, attributes }) => {
    // Max alone calls its axes otherwise.
    const axis = (attributes.axis ?? attributes.reductionIndices) as number[];
    const axes = util.parseAxisParam(axis, [...x.shape]);
    return reduce(graph, op, x, axes, Boolean(attributes.keepDims));
  });
}

function reduce(graph: Graph, op: string, x: Value, axes: number[], keepDims: boolean): Value {
  // ONNX reads an empty list as all axes.
  if (axes.length === 0) return x;
  const shape = keepDims
    ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !axes.includes(axis));
  return graph.node(op, [x, graph.int64(axes)], { shape, type: x.type }, { keepdims: keepDims ? 1 : 0 });
}

reduction('Sum', 'ReduceSum');
reduction('Mean', 'ReduceMean');
reduction('Max', 'ReduceMax');
reduction('Min', 'ReduceMin');
