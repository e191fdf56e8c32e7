/** Kernels that work element by element, and those that change a shape or a type alone. */
import { util } from '@tensorflow/tfjs';
import { EngineError } from '../../../errors.js';
import type { Graph, Value, ValueType } from '../graph.js';
import { register } from '../recorder.js';

type Fold = (a: number, b: number) => number;

export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new EngineError(`shapes [${a}] and [${b}] cannot be broadcast together`);
    }
    shape.push(left === 1 ? right : left);
  }
  return shape;
}

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((size, i) => size === b[i]);

/** An operand of a broadcasting operation: a uniform one may stay a scalar, where the other has the result's shape. */
function operand(graph: Graph, value: Value, other: Value, shape: readonly number[]): Value {
  return value.kind === 'uniform' && other.kind !== 'uniform' && sameShape(other.shape, shape)
    ? graph.scalar(value.uniform as number, value.type)
    : value;
}

/** The other operand, where it already has the shape and type of the result. */
function unchanged(value: Value, shape: readonly number[]): Value | undefined {
  return sameShape(value.shape, shape) ? value : undefined;
}

interface Binary {
  fold?: Fold;
  /** A result that needs no node. */
  shortcut?: (a: Value, b: Value, shape: readonly number[]) => Value | undefined;
  type?: ValueType;
}

function binary(kernel: string, op: string, { fold, shortcut, type }: Binary = {}): void {
  register(kernel, ({ graph, inputs: { a, b } }) => {
    const shape = broadcastShape(a.shape, b.shape);
    if (fold && a.kind === 'uniform' && b.kind === 'uniform') {
      return graph.uniform(fold(a.uniform as number, b.uniform as number), shape, a.type);
    }
    const short = shortcut?.(a, b, shape);
    if (short) return short;
    return graph.node(op, [operand(graph, a, b, shape), operand(graph, b, a, shape)], { shape, type: type ?? a.type });
  });
}

binary('Add', 'Add', {
  fold: (a, b) => a + b,
  shortcut: (a, b, shape) =>
    b.uniform === 0 ? unchanged(a, shape) : a.uniform === 0 ? unchanged(b, shape) : undefined,
});
binary('Sub', 'Sub', {
  fold: (a, b) => a - b,
  shortcut: (a, b, shape) => (b.uniform === 0 ? unchanged(a, shape) : undefined),
});
binary('Multiply', 'Mul', {
  fold: (a, b) => a * b,
  shortcut: (a, b, shape) =>
    b.uniform === 1 ? unchanged(a, shape) : a.uniform === 1 ? unchanged(b, shape) : undefined,
});
binary('RealDiv', 'Div', {
  fold: (a, b) => a / b,
  shortcut: (a, b, shape) => (b.uniform === 1 ? unchanged(a, shape) : undefined),
});
binary('Maximum', 'Max');
binary('Minimum', 'Min');
binary('Pow', 'Pow');
binary('Greater', 'Greater', { type: 'bool' });
binary('GreaterEqual', 'GreaterOrEqual', { type: 'bool' });
binary('Less', 'Less', { type: 'bool' });
binary('LessEqual', 'LessOrEqual', { type: 'bool' });
binary('Equal', 'Equal', { type: 'bool' });
binary('LogicalAnd', 'And', { type: 'bool' });
binary('LogicalOr', 'Or', { type: 'bool' });

register('SquaredDifference', ({ graph, inputs: { a, b } }) => {
  const shape = broadcastShape(a.shape, b.shape);
  const difference = graph.node('Sub', [operand(graph, a, b, shape), operand(graph, b, a, shape)], {
    shape,
    type: a.type,
  });
  return graph.node('Mul', [difference, difference], difference);
});

register('AddN', ({ graph, inputs }) => {
  const values = Object.values(inputs).filter((value) => value.uniform !== 0);
  if (values.length === 0) return inputs['0'];
  return values.reduce((sum, value) => graph.node('Add', [sum, value], sum));
});

function unary(kernel: string, op: string, fold?: (x: number) => number, type?: ValueType): void {
  register(kernel, ({ graph, inputs: { x } }) =>
    fold && x.kind === 'uniform'
      ? graph.uniform(fold(x.uniform as number), x.shape, type ?? x.type)
      : graph.node(op, [x], { shape: x.shape, type: type ?? x.type }),
  );
}

unary('Neg', 'Neg', (x) => -x);
unary('Abs', 'Abs', Math.abs);
unary('Exp', 'Exp', Math.exp);
unary('Log', 'Log', Math.log);
unary('Sqrt', 'Sqrt', Math.sqrt);
unary('Erf', 'Erf');
unary('Tanh', 'Tanh');
unary('Sigmoid', 'Sigmoid');
unary('Relu', 'Relu', (x) => Math.max(x, 0));
unary('LogicalNot', 'Not', undefined, 'bool');
unary('Floor', 'Floor', Math.floor);

register('Square', ({ graph, inputs: { x } }) => graph.node('Mul', [x, x], x));
register('Reciprocal', ({ graph, inputs: { x } }) => graph.node('Reciprocal', [x], x));
register('Rsqrt', ({ graph, inputs: { x } }) => graph.node('Reciprocal', [graph.node('Sqrt', [x], x)], x));

/** 1 above 0, else `alpha`: the slope of ReLU. */
register('Step', ({ graph, inputs: { x }, attributes }) => {
  const positive = graph.node('Greater', [x, graph.scalar(0, x.type)], { shape: x.shape, type: 'bool' });
  const alpha = Number(attributes.alpha ?? 0);
  return graph.node('Where', [positive, graph.scalar(1, x.type), graph.scalar(alpha, x.type)], x);
});

register('Select', ({ graph, inputs: { condition, t, e } }) => {
  const shape = t.shape;
  const scalarOf = (value: Value) =>
    value.kind === 'uniform' && sameShape(condition.shape, shape)
      ? graph.scalar(value.uniform as number, value.type)
      : value;
  return graph.node('Where', [condition, scalarOf(t), scalarOf(e)], { shape, type: t.type });
});

const ONNX_TYPES: Record<ValueType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };

register('Cast', ({ graph, inputs: { x }, attributes }) => {
  const type = attributes.dtype as ValueType;
  if (type === x.type) return x;
  if (x.kind === 'uniform') {
    const number = x.uniform as number;
    const cast = type === 'int32' ? Math.trunc(number) : type === 'bool' ? Number(number !== 0) : number;
    return graph.uniform(cast, x.shape, type);
  }
  return graph.node('Cast', [x], { shape: x.shape, type }, { to: ONNX_TYPES[type] });
});

register('Identity', ({ inputs: { x } }) => x);
register('OnesLike', ({ graph, inputs: { x } }) => graph.uniform(1, x.shape, x.type));
register('ZerosLike', ({ graph, inputs: { x } }) => graph.uniform(0, x.shape, x.type));
register('Fill', ({ graph, attributes }) =>
  graph.uniform(Number(attributes.value), attributes.shape as number[], (attributes.dtype ?? 'float32') as ValueType),
);

register('Reshape', ({ graph, inputs: { x }, attributes }) => {
  const size = x.shape.reduce((product, dimension) => product * dimension, 1);
  return reshape(graph, x, util.inferFromImplicitShape(attributes.shape as number[], size));
});
register('ExpandDims', ({ graph, inputs: { input }, attributes }) => {
  const dim = Number(attributes.dim);
  const shape = [...input.shape];
  shape.splice(dim < 0 ? input.shape.length + dim + 1 : dim, 0, 1);
  return reshape(graph, input, shape);
});

export function reshape(graph: Graph, x: Value, shape: readonly number[]): Value {
  if (sameShape(x.shape, shape)) return x;
  if (x.kind === 'uniform') return graph.uniform(x.uniform as number, shape, x.type);
  const symbolic = shape.filter(graph.isSymbolic).length;
  const target =
    symbolic === 1 ? graph.int64(shape.map((size) => (graph.isSymbolic(size) ? -1 : size))) : graph.shapeOf(shape);
  return graph.node('Reshape', [x, target], { shape, type: x.type });
}
