/** Kernels that move, join, repeat and pick elements. */

import type { TensorInfo } from '@tensorflow/tfjs';
import { slice_util, util } from '@tensorflow/tfjs';
import { EngineError } from '../../../errors.js';
import { register } from '../recorder.js';
import { reshape } from './elementwise.js';

register('Transpose', ({ graph, inputs: { x }, attributes }) => {
  const perm = attributes.perm as number[];
  const shape = perm.map((axis) => x.shape[axis]);
  if (x.kind === 'uniform') return graph.uniform(x.uniform as number, shape, x.type);
  return graph.node('Transpose', [x], { shape, type: x.type }, { perm });
});

register('Slice', ({ graph, inputs: { x }, attributes }) => {
  const [begin, size] = slice_util.parseSliceParams(
    { dataId: {}, shape: [...x.shape], dtype: 'float32' } satisfies TensorInfo,
    attributes.begin as number[],
    attributes.size as number[],
  );
  if (x.kind === 'uniform') return graph.uniform(x.uniform as number, size, x.type);
  const axes = begin.map((_, axis) => axis).filter((axis) => begin[axis] !== 0 || size[axis] !== x.shape[axis]);
  if (axes.length === 0) return x;
  // Such numbers are those of the stand-ins: they would be frozen.
  const frozen = (axis: number) =>
    graph.isSymbolic(begin[axis]) ||
    (graph.isSymbolic(x.shape[axis]) &&
      !graph.isSymbolic(size[axis]) &&
      2 * (begin[axis] + size[axis]) > x.shape[axis]);
  if (axes.some(frozen)) throw new EngineError('Slice cannot count from the end of an axis whose size is symbolic');
  const starts = graph.int64(axes.map((axis) => begin[axis]));
  const symbolicLengths = axes.some((axis) => graph.isSymbolic(size[axis]));
  let ends = graph.int64(axes.map((axis) => begin[axis] + size[axis]));
  if (symbolicLengths) {
    ends = graph.node('Add', [starts, graph.shapeOf(axes.map((axis) => size[axis]))], {
      shape: [axes.length],
      type: 'int64',
    });
  }
  return graph.node('Slice', [x, starts, ends, graph.int64(axes)], { shape: size, type: x.type });
});

register('PadV2', ({ graph, inputs: { x }, attributes }) => {
  const paddings = attributes.paddings as [number, number][];
  const shape = x.shape.map((size, axis) => size + paddings[axis][0] + paddings[axis][1]);
  const before = paddings.map(([count]) => count);
  let pads = graph.int64([...before, ...paddings.map(([, after]) => after)]);
  if ([...x.shape, ...shape].some(graph.isSymbolic)) {
    // A fixed result, such as a table of positions, is smaller than any stand-in; one that is larger counts from a symbolic size.
    if (
      shape.some((size, axis) => graph.isSymbolic(x.shape[axis]) && size > x.shape[axis] && !graph.isSymbolic(size))
    ) {
      throw new EngineError('PadV2 cannot add a fixed number to an axis whose size is symbolic');
    }
    // What is added after an axis follows from the sizes at run time.
    const rank = { shape: [shape.length], type: 'int64' } as const;
    const room = graph.node('Sub', [graph.shapeOf(shape), graph.int64(before)], rank);
    const after = graph.node('Sub', [room, graph.shapeOf(x.shape)], rank);
    pads = graph.node(
      'Concat',
      [graph.int64(before), after],
      { shape: [2 * shape.length], type: 'int64' },
      { axis: 0 },
    );
  }
  const fill = graph.scalar(Number(attributes.constantValue), x.type);
  return graph.node('Pad', [x, pads, fill], { shape, type: x.type }, { mode: 'constant' });
});

register('Concat', ({ graph, inputs, attributes }) => {
  const values = Object.values(inputs).filter((value) => value.shape.every((size) => size > 0));
  const axis = Number(attributes.axis);
  const at = axis < 0 ? values[0].shape.length + axis : axis;
  const shape = [...values[0].shape];
  shape[at] = values.reduce((sum, value) => sum + value.shape[at], 0);
  return values.length === 1 ? values[0] : graph.node('Concat', values, { shape, type: values[0].type }, { axis: at });
});

register('Pack', ({ graph, inputs, attributes }) => {
  const rank = inputs['0'].shape.length;
  const axis = Number(attributes.axis) < 0 ? Number(attributes.axis) + rank + 1 : Number(attributes.axis);
  const parts = Object.values(inputs).map((value) => {
    const shape = [...value.shape];
    shape.splice(axis, 0, 1);
    return reshape(graph, value, shape);
  });
  const shape = [...parts[0].shape];
  shape[axis] = parts.length;
  return graph.node('Concat', parts, { shape, type: parts[0].type }, { axis });
});

register('Tile', ({ graph, inputs: { x }, attributes }) => {
  const reps = attributes.reps as number[];
  const shape = x.shape.map((size, axis) => size * reps[axis]);
  if (x.kind === 'uniform') return graph.uniform(x.uniform as number, shape, x.type);
  if (reps.every((count) => count === 1)) return x;
  // Axes of size 1 are the rule (gradients of sums): a broadcast, which costs less than a Tile.
  if (x.shape.every((size, axis) => size === 1 || reps[axis] === 1)) {
    return graph.node('Expand', [x, graph.shapeOf(shape)], { shape, type: x.type });
  }
  return graph.node('Tile', [x, graph.shapeOf(reps)], { shape, type: x.type });
});

register('GatherV2', ({ graph, inputs: { x, indices }, attributes }) => {
  if (Number(attributes.batchDims ?? 0) !== 0)
    throw new EngineError('GatherV2 with batch dimensions cannot be recorded');
  const [axis] = util.parseAxisParam(Number(attributes.axis ?? 0), [...x.shape]);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return graph.node('Gather', [x, indices], { shape, type: x.type }, { axis });
});

/** Gradient of rows picked from a table: kept as (rows, ids), and summed up only where something reads it. */
register('EmbeddingGradient', ({ inputs: { dy, ids }, attributes }) => ({
  name: '',
  type: 'float32',
  shape: [Number(attributes.rows), ...dy.shape.slice(1)],
  scattered: { rows: dy, ids },
  kind: 'scattered',
}));

register('OneHot', ({ graph, inputs: { indices }, attributes }) => {
  const depth = Number(attributes.depth);
  const values = graph.constant(Float32Array.of(Number(attributes.offValue), Number(attributes.onValue)), [2]);
  const shape = [...indices.shape, depth];
  // ONNX Runtime has this operation for some combinations of types alone.
  const result = graph.node('OneHot', [indices, graph.scalar(depth, 'int32'), values], { shape }, { axis: -1 });
  return attributes.dtype === 'float32' ? result : graph.node('Cast', [result], { shape, type: 'int32' }, { to: 6 });
});
