/** What is written of a recording: only what its outputs need, as an ONNX model that reads back as it was meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import '../../src/engine/compiled/engine.js';
import type { ValueType } from '../../src/engine/compiled/graph.js';
import { serialize } from '../../src/engine/compiled/onnx.js';
import { type ModelProto, ModelProtoSchema, TensorProto_DataType } from '../../src/engine/compiled/onnx_pb.js';
import { type InputSpec, record } from '../../src/engine/compiled/recorder.js';
import { dropout, embedding, gelu, layerNorm, linear } from '../../src/engine/ops.js';
import type { Recordable, Sizes } from '../../src/engine/types.js';

type Shapes = Record<string, number[] | { ids: number[] }>;

interface Options {
  symbols?: string[];
  chance?: boolean;
}

function recorded(body: Recordable, shapes: (sizes: Sizes) => Shapes, { symbols, chance = false }: Options = {}) {
  const inputs = (sizes: Sizes) =>
    Object.entries(shapes(sizes)).map(([name, shape]) => ({
      name,
      shape: Array.isArray(shape) ? shape : shape.ids,
      type: (Array.isArray(shape) ? 'float32' : 'int32') as ValueType,
    }));
  const { graph, outputs } = record(body, { inputs, symbols, chance });
  const { bytes, inputs: used, nodes } = serialize(graph, 'a program', outputs);
  return { bytes, used, nodes, model: fromBinary(ModelProtoSchema, bytes) };
}

const operations = (model: ModelProto) => (model.graph?.node ?? []).map(({ opType }) => opType);

test('nodes and inputs that no output needs are not in the model', () => {
  const shapes = () => ({ x: [4, 3], unused: [4, 3] });
  const needed: Recordable = ({ x }) => ({ y: tf.tanh(x) });
  const more: Recordable = ({ x, unused }, { chance }) => {
    tf.exp(tf.matMul(x as tf.Tensor2D, unused as tf.Tensor2D, false, true));
    tf.grad((v) => tf.sum(tf.square(v)))(x);
    dropout(unused, 0.5, 'unused', chance);
    return { y: tf.tanh(x) };
  };
  const { model, used } = recorded(more, shapes, { chance: true });
  assert.deepEqual(operations(model), ['Tanh']);
  assert.deepEqual(used, ['x']);
  assert.deepEqual(model.graph?.initializer, []);
  assert.deepEqual(operations(model), operations(recorded(needed, shapes).model));
});

test('the tape’s ones, zeros and casts leave no nodes', () => {
  const shapes = () => ({ x: [4, 3] });
  const body: Recordable = ({ x }) => ({
    y: tf.cast(tf.add(tf.mul(x, tf.onesLike(x)), tf.zerosLike(x)), 'float32'),
    z: tf.sub(tf.div(tf.neg(x), tf.ones([4, 3])), 0),
  });
  assert.deepEqual(operations(recorded(body, shapes).model).sort(), ['Identity', 'Neg']);
});

test('a constant of one value is written as a scalar, however large', () => {
  const { model, bytes } = recorded(
    ({ x }) => ({ y: tf.mul(tf.add(x, tf.fill([500, 400], 0.5)), tf.fill([500, 400], 3)) }),
    () => ({ x: [500, 400] }),
  );
  assert.deepEqual(operations(model), ['Add', 'Mul']);
  assert.ok(bytes.length < 1000, `${bytes.length} bytes`);
});

/** Layers of LayerNorm, linear and GELU; the loss's gradients by the parameters of some layers. */
function stack(layers: number, trained: readonly number[]): { body: Recordable; shapes: () => Shapes } {
  const names = Array.from({ length: layers }, (_, i) => [`weight${i}`, `bias${i}`]).flat();
  const of = trained.flatMap((i) => [`weight${i}`, `bias${i}`]);
  const loss = (inputs: Record<string, Tensor>) => {
    let x = inputs.x;
    for (let i = 0; i < layers; i++) {
      x = gelu(linear(layerNorm(x, inputs.scale, inputs.shift, 1e-5), inputs[`weight${i}`], inputs[`bias${i}`]));
    }
    return tf.mean(tf.square(x)) as tf.Scalar;
  };
  return {
    shapes: () => ({
      x: [5, 8],
      scale: [8],
      shift: [8],
      ...Object.fromEntries(names.map((name) => [name, name.startsWith('weight') ? [8, 8] : [8]])),
    }),
    body: (inputs) => {
      if (of.length === 0) return { loss: loss(inputs) };
      const { value, grads } = tf.valueAndGrads((...values: Tensor[]) =>
        loss({ ...inputs, ...Object.fromEntries(of.map((name, i) => [name, values[i]])) }),
      )(of.map((name) => inputs[name]));
      return { loss: value, ...Object.fromEntries(of.map((name, i) => [`d/d${name}`, grads[i]])) };
    },
  };
}

test('the gradient of a frozen parameter costs no nodes', () => {
  const count = (layers: number, trained: number[]) => {
    const { body, shapes } = stack(layers, trained);
    return operations(recorded(body, shapes).model);
  };
  /** Nodes beyond the forward pass. */
  const backward = (layers: number, trained: number[]) => count(layers, trained).length - count(layers, []).length;
  assert.equal(backward(6, [5]), backward(2, [1]), 'layers below the trained one add nothing');
  assert.equal(backward(6, [4, 5]), backward(3, [1, 2]));
  const products = (layers: number, trained: number[]) => count(layers, trained).filter((op) => op === 'Gemm').length;
  // Row means in LayerNorm's gradient are products too: counted as the difference that one more layer makes.
  const perLayer = products(3, [0, 1, 2]) - products(2, [0, 1]);
  assert.ok(perLayer >= 3);
  assert.equal(products(6, [5]), 6 + 1, 'forward, and the last weight’s gradient');
  assert.ok(backward(6, [5]) < backward(6, [0, 1, 2, 3, 4, 5]) / 4);
  // A frozen layer between passes the gradient on, but has none of its own.
  assert.equal(products(3, [0, 1, 2]) - products(3, [0, 2]), 1);
});

const words: Recordable = (inputs) => ({
  states: linear(layerNorm(embedding(inputs.table, inputs.ids), inputs.scale, inputs.shift, 1e-12), inputs.w, inputs.b),
  shifted: tf.add(inputs.ids, tf.scalar(1, 'int32')),
});
const wordShapes = ({ batch = 2, length = 3 }: Sizes) => ({
  table: [7, 4],
  ids: { ids: [batch * length] },
  scale: [4],
  shift: [4],
  w: [6, 4],
  b: [6],
  mask: [batch, length],
});

test('a model reads back: versions, names, types, shapes, attributes', () => {
  const { model, bytes, used, nodes } = recorded(words, wordShapes);
  assert.equal(model.irVersion, 9n);
  assert.deepEqual(
    model.opsetImport.map(({ domain, version }) => [domain, version]),
    [
      ['', 20n],
      ['com.microsoft', 1n],
    ],
  );
  assert.equal(model.producerName, 'spantune');
  const graph = model.graph;
  assert.ok(graph);
  assert.equal(graph.name, 'a program');
  assert.deepEqual(used, ['table', 'ids', 'scale', 'shift', 'w', 'b']);
  const described = (values: typeof graph.input) =>
    Object.fromEntries(
      values.map(({ name, type }) => {
        assert.ok(type?.value.case === 'tensorType');
        const { elemType, shape } = type.value.value;
        return [name, [TensorProto_DataType[elemType], ...(shape?.dim ?? []).map(({ value }) => value.value)]];
      }),
    );
  assert.deepEqual(described(graph.input), {
    'in:table': ['FLOAT', 7n, 4n],
    'in:ids': ['INT32', 6n],
    'in:scale': ['FLOAT', 4n],
    'in:shift': ['FLOAT', 4n],
    'in:w': ['FLOAT', 6n, 4n],
    'in:b': ['FLOAT', 6n],
  });
  assert.deepEqual(described(graph.output), { 'out:states': ['FLOAT', 6n, 6n], 'out:shifted': ['INT32', 6n] });
  assert.deepEqual(operations(model), ['Gather', 'LayerNormalization', 'Gemm', 'Add']);
  assert.equal(graph.node.length, nodes.length);
  const attributes = Object.fromEntries(
    graph.node[1].attribute.map(({ name, i, f }) => [name, name === 'axis' ? i : f]),
  );
  assert.deepEqual(attributes, { axis: -1n, epsilon: Math.fround(1e-12) });
  // Ids stay int32: no node casts them.
  assert.deepEqual(
    graph.initializer.map(({ dataType }) => dataType),
    [TensorProto_DataType.INT32],
  );
  assert.deepEqual(new Int32Array(graph.initializer[0].rawData.slice().buffer), Int32Array.of(1));
  assert.ok(bytes.length < 2000);
});

test('every name that a node reads is an input, an initializer or an earlier result; every output is made once', () => {
  for (const { body, shapes } of [{ body: words, shapes: () => wordShapes({}) }, stack(3, [0, 1, 2])]) {
    const { model } = recorded(body, shapes);
    const graph = model.graph;
    assert.ok(graph);
    const known = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
    for (const { input, output } of graph.node) {
      for (const name of input) assert.ok(name === '' || known.has(name), name);
      for (const name of output) {
        assert.ok(!known.has(name), name);
        known.add(name);
      }
    }
    for (const { name } of graph.output) assert.ok(known.has(name), name);
  }
});

test('an output may be an input, a constant, or the same as another', () => {
  const { model } = recorded(
    ({ x }) => {
      const y = tf.neg(x);
      return { same: x, y, again: y, constant: tf.ones([2, 2]), sum: tf.sum(y) };
    },
    () => ({ x: [3] }),
  );
  assert.deepEqual((model.graph?.output ?? []).map(({ name }) => name).sort(), [
    'out:again',
    'out:constant',
    'out:same',
    'out:sum',
    'out:y',
  ]);
  assert.equal(operations(model).filter((op) => op === 'Neg').length, 1);
});

test('symbolic sizes are written by name, and products of them too', () => {
  const { model } = recorded(
    (inputs, context) => ({ ...words(inputs, context), mask: tf.neg(inputs.mask) }),
    wordShapes,
    { symbols: ['batch', 'length'] },
  );
  const dims = Object.fromEntries(
    [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])].map(({ name, type }) => [
      name,
      type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []).map(({ value }) => value.value) : [],
    ]),
  );
  assert.deepEqual(dims['in:ids'], ['batch*length']);
  assert.deepEqual(dims['in:mask'], ['batch', 'length']);
  assert.deepEqual(dims['out:states'], ['batch*length', 6n]);
  assert.deepEqual(dims['in:table'], [7n, 4n]);
});

test('one recording gives the same bytes twice', () => {
  const { body, shapes } = stack(2, [0, 1]);
  assert.deepEqual(recorded(body, shapes).bytes, recorded(body, shapes).bytes);
});

test('constants that a product multiplies by are told by name, without their data; others stay inputs', () => {
  const { graph, outputs } = record(
    ({ x, weight, shift, table, ids }) => ({ y: tf.add(linear(x, weight, shift), embedding(table, ids)) }),
    {
      inputs: () =>
        Object.entries({ x: [2, 4], weight: [3, 4], shift: [3], table: [7, 3] })
          .map(([name, shape]): InputSpec => ({ name, shape, type: 'float32' }))
          .concat({ name: 'ids', shape: [2], type: 'int32' }),
      chance: false,
    },
  );
  const isConstant = (name: string) => ['weight', 'shift', 'table'].includes(name);
  const { bytes, inputs, constants } = serialize(graph, 'a program', outputs, { isConstant });
  assert.deepEqual([inputs, constants], [['x', 'shift', 'table', 'ids'], ['weight']]);
  const { graph: model } = fromBinary(ModelProtoSchema, bytes);
  assert.ok(!model?.input.some(({ name }) => name === 'in:weight'));
  const [weight] = model?.initializer.filter(({ name }) => name === 'in:weight') ?? [];
  assert.deepEqual([weight.dims, weight.rawData.length], [[3n, 4n], 0]);
  assert.deepEqual(
    weight.externalData.map(({ key, value }) => [key, value]),
    [['location', 'weight']],
  );
});
