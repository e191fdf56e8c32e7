/** From a recorded graph to the bytes of an ONNX model. */
import { create, toBinary } from '@bufbuild/protobuf';
import { type Attribute, type Graph, liveNodes, type Node, type Value, type ValueType } from './graph.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_SequenceSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.js';

/** IR version and operator set are fixed, so that a model does not change under a newer library. */
const IR_VERSION = 9n;
const OPSET = 20n;

const TYPES: Record<ValueType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

const encoder = new TextEncoder();

function toAttribute(name: string, value: Attribute): AttributeProto {
  const attribute = create(AttributeProtoSchema, { name });
  if (typeof value === 'number') {
    attribute.type = AttributeProto_AttributeType.INT;
    attribute.i = BigInt(value);
  } else if (typeof value === 'string') {
    attribute.type = AttributeProto_AttributeType.STRING;
    attribute.s = encoder.encode(value);
  } else if ('float' in value) {
    attribute.type = AttributeProto_AttributeType.FLOAT;
    attribute.f = value.float;
  } else {
    attribute.type = AttributeProto_AttributeType.INTS;
    attribute.ints = value.map(BigInt);
  }
  return attribute;
}

function valueInfo(graph: Graph, value: Value, name: string): ValueInfoProto {
  const dim = value.shape.map((size) => {
    const dimension = graph.dimension(size);
    return create(TensorShapeProto_DimensionSchema, {
      value:
        typeof dimension === 'number'
          ? { case: 'dimValue', value: BigInt(dimension) }
          : { case: 'dimParam', value: dimension },
    });
  });
  const shape = create(TensorShapeProtoSchema, { dim });
  const tensor = create(TypeProto_TensorSchema, { elemType: TYPES[value.type], shape });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}

export interface SerializedModel {
  bytes: Uint8Array;
  /** Names of the inputs that the outputs depend on, without their prefix. */
  inputs: string[];
  /** Names of those that are constants, without their prefix. */
  constants: string[];
  nodes: Node[];
}

/** Name of the output that `ends` adds. */
export const END = 'end';

/**
 * Writes the part of a graph that `outputs` (name → value) need. Results are named `out:NAME`. Inputs that `isConstant` says never change
 * become constants where they are a product's second factor, which ONNX Runtime then lays out once instead of in every call; their data is
 * left out and given to the session beside the model. `ends`: before the others comes an output that is an empty sequence (`runInto` says why).
 */
export function serialize(
  graph: Graph,
  name: string,
  outputs: ReadonlyMap<string, Value>,
  { isConstant = () => false, ends = false }: { isConstant?: (name: string) => boolean; ends?: boolean } = {},
): SerializedModel {
  const { proto, inputs, nodes } = graphProto(graph, name, outputs);
  const factors = new Set(nodes.flatMap(({ op, inputs: [, second] }) => (PRODUCTS.has(op) ? [second?.name] : [])));
  const [constants, others] = partition(inputs, (value) => factors.has(value.name) && isConstant(keyOf(value)));
  proto.input = others.map((value) => valueInfo(graph, value, value.name));
  proto.initializer.push(...constants.map(external));
  if (ends) {
    proto.node.push(create(NodeProtoSchema, { opType: 'SequenceEmpty', output: [END] }));
    proto.output.unshift(create(ValueInfoProtoSchema, { name: END, type: SEQUENCE }));
  }
  return { bytes: modelBytes(proto), inputs: others.map(keyOf), constants: constants.map(keyOf), nodes };
}

const FLOAT = create(TypeProto_TensorSchema, { elemType: TensorProto_DataType.FLOAT });
const SEQUENCE = create(TypeProtoSchema, {
  value: {
    case: 'sequenceType',
    value: create(TypeProto_SequenceSchema, {
      elemType: create(TypeProtoSchema, { value: { case: 'tensorType', value: FLOAT } }),
    }),
  },
});

const PRODUCTS = new Set(['Gemm', 'MatMul', 'FusedMatMul']);

const keyOf = (input: Value) => input.name.slice(3);

function partition<T>(values: readonly T[], belongs: (value: T) => boolean): [T[], T[]] {
  return [values.filter(belongs), values.filter((value) => !belongs(value))];
}

/** A constant whose data lies in a file of its key's name, which need not exist. */
function external(value: Value) {
  return create(TensorProtoSchema, {
    name: value.name,
    dims: value.shape.map(BigInt),
    dataType: TYPES[value.type],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: keyOf(value) })],
  });
}

function modelBytes(graph: GraphProto): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'spantune',
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: '', version: OPSET }),
      create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }),
    ],
    graph,
  });
  return toBinary(ModelProtoSchema, model);
}

function graphProto(graph: Graph, name: string, outputs: ReadonlyMap<string, Value>) {
  const results = new Map<string, Value>();
  for (const [key, value] of outputs) {
    // A node of its own per output: an output may not be an input, a constant or another output.
    results.set(`out:${key}`, graph.node('Identity', [value], value));
  }
  const nodes = liveNodes(graph.nodes, [...results.values()]);
  const rename = new Map([...results].map(([key, value]) => [value.name, key]));
  foldIdentities(nodes, rename);
  const used = new Set(nodes.flatMap((node) => node.inputs.map((operand) => operand?.name ?? '')));
  const inputs = graph.inputs.filter((value) => used.has(value.name));
  const label = (value: Value | undefined) => (value ? (rename.get(value.name) ?? value.name) : '');
  const proto = create(GraphProtoSchema, {
    name,
    node: nodes.map((node) =>
      create(NodeProtoSchema, {
        opType: node.op,
        domain: node.domain,
        input: node.inputs.map(label),
        output: node.outputs.map(label),
        attribute: Object.entries(node.attributes).map(([key, value]) => toAttribute(key, value)),
      }),
    ),
    initializer: graph.constants
      .filter(({ value }) => used.has(value.name))
      .map(({ value, data }) =>
        create(TensorProtoSchema, {
          name: value.name,
          dims: value.shape.map(BigInt),
          dataType: TYPES[value.type],
          rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        }),
      ),
    output: [...results].map(([key, value]) => valueInfo(graph, value, key)),
  });
  return { proto, inputs, nodes };
}

/** Where an output is simply what one node yields, that node bears its name and the copy goes. */
function foldIdentities(nodes: Node[], rename: Map<string, string>): void {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output.name, node] as const)));
  const taken = new Set<string>();
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { op, inputs, outputs } = nodes[i];
    const source = inputs[0];
    const key = op === 'Identity' ? rename.get(outputs[0].name) : undefined;
    if (!key || !source || !producers.has(source.name) || taken.has(source.name)) continue;
    taken.add(source.name);
    rename.delete(outputs[0].name);
    rename.set(source.name, key);
    nodes.splice(i, 1);
  }
}
