/** A graph of ONNX operations as it is recorded: values, nodes, constants, and sizes that stay symbolic. */
import { EngineError } from '../../errors.js';

export type ValueType = 'float32' | 'int32' | 'int64' | 'bool';

export interface Value {
  readonly name: string;
  readonly type: ValueType;
  /** With stand-ins where a size is symbolic. */
  readonly shape: readonly number[];
  /** The constant that every element equals. */
  readonly uniform?: number;
  /** Gradient of a table, of which only the rows of `ids` differ from 0: the sum of `rows` [n, width] by `ids` [n]. */
  readonly scattered?: { rows: Value; ids: Value };
  readonly kind: 'input' | 'constant' | 'result' | 'uniform' | 'scattered';
}

export type Attribute = number | { float: number } | readonly number[] | string;

export interface Node {
  op: string;
  domain: '' | 'com.microsoft';
  inputs: (Value | undefined)[];
  outputs: Value[];
  attributes: Record<string, Attribute>;
}

export interface Constant {
  value: Value;
  data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** Large primes that stand for sizes while recording; a dimension that is a product of them is symbolic. */
const PRIMES = [10007, 10009, 10037, 10039];

export interface OutputSpec {
  shape: readonly number[];
  type?: ValueType;
}

export type Graph = ReturnType<typeof createGraph>;

/** `standard`: nodes of ONNX's own operator set alone. */
export function createGraph(symbols: readonly string[] = [], { standard = false } = {}) {
  const standIns = symbols.map((name, i) => ({ name, size: PRIMES[i] }));
  const inputs: Value[] = [];
  const nodes: Node[] = [];
  const constants: Constant[] = [];
  const shared = new Map<string, Value>();
  let count = 0;
  const fresh = (prefix: string) => `${prefix}${count++}`;

  /** A size as a fixed factor and the symbols that multiply it. */
  function factor(size: number): { fixed: number; symbols: string[] } {
    const found: string[] = [];
    let fixed = size;
    for (const { name, size: standIn } of standIns) {
      while (fixed > 0 && fixed % standIn === 0) {
        fixed /= standIn;
        found.push(name);
      }
    }
    return { fixed, symbols: found };
  }
  const isSymbolic = (size: number) => standIns.length > 0 && factor(size).symbols.length > 0;

  function input(name: string, type: ValueType, shape: readonly number[]): Value {
    const value: Value = { name: `in:${name}`, type, shape, kind: 'input' };
    inputs.push(value);
    return value;
  }

  function constant(data: Constant['data'], shape: readonly number[]): Value {
    const type: ValueType =
      data instanceof Float32Array
        ? 'float32'
        : data instanceof Int32Array
          ? 'int32'
          : data instanceof Uint8Array
            ? 'bool'
            : 'int64';
    const key = data.length <= 16 ? `${type}:${shape}:${Array.from(data as ArrayLike<number | bigint>).join()}` : '';
    const known = key && shared.get(key);
    if (known) return known;
    const value: Value = { name: fresh('c'), type, shape, kind: 'constant' };
    constants.push({ value, data });
    if (key) shared.set(key, value);
    return value;
  }

  /** Every element the same; written as a scalar, or not at all where an operation can do without it. */
  const uniform = (number: number, shape: readonly number[], type: ValueType = 'float32'): Value => ({
    name: '',
    type,
    shape,
    uniform: number,
    kind: 'uniform',
  });

  function scalar(number: number, type: ValueType): Value {
    if (type === 'float32') return constant(Float32Array.of(number), []);
    if (type === 'int32') return constant(Int32Array.of(number), []);
    if (type === 'bool') return constant(Uint8Array.of(number), []);
    return constant(BigInt64Array.of(BigInt(number)), []);
  }

  const int64 = (numbers: readonly number[]) => constant(BigInt64Array.from(numbers, BigInt), [numbers.length]);

  function nodeMany(
    op: string,
    operands: (Value | undefined)[],
    results: OutputSpec[],
    attributes: Node['attributes'] = {},
    domain: Node['domain'] = '',
  ): Value[] {
    const outputs = results.map(
      ({ shape, type = 'float32' }): Value => ({ name: fresh('v'), type, shape, kind: 'result' }),
    );
    nodes.push({ op, domain, inputs: operands.map((operand) => operand && concrete(operand)), outputs, attributes });
    return outputs;
  }

  function node(
    op: string,
    operands: (Value | undefined)[],
    result: OutputSpec,
    attributes: Node['attributes'] = {},
    domain: Node['domain'] = '',
  ): Value {
    return nodeMany(op, operands, [result], attributes, domain)[0];
  }

  /** A value that a node may read: uniform constants are spelt out in full, scattered gradients are summed up. */
  function concrete(value: Value): Value {
    if (value.kind === 'uniform') {
      const single = scalar(value.uniform as number, value.type);
      return value.shape.length === 0 ? single : node('Expand', [single, shapeOf(value.shape)], value);
    }
    if (value.scattered) {
      const { rows, ids } = value.scattered;
      const zeros = uniform(0, value.shape);
      const column = node('Unsqueeze', [ids, int64([1])], { shape: [ids.shape[0], 1], type: ids.type });
      const indices = node('Expand', [column, shapeOf(rows.shape)], { shape: rows.shape, type: ids.type });
      return node('ScatterElements', [zeros, indices, rows], value, { axis: 0, reduction: 'add' });
    }
    return value;
  }

  /** The one-element int64 tensor that holds a size at run time. */
  function sizeOf(size: number): Value {
    const { fixed, symbols: factors } = factor(size);
    let result: Value | undefined;
    for (const symbol of factors) {
      const one = symbolValue(symbol);
      result = result ? node('Mul', [result, one], { shape: [1], type: 'int64' }) : one;
    }
    if (!result) return int64([fixed]);
    return fixed === 1 ? result : node('Mul', [result, int64([fixed])], { shape: [1], type: 'int64' });
  }

  function symbolValue(symbol: string): Value {
    const key = `symbol:${symbol}`;
    const known = shared.get(key);
    if (known) return known;
    const size = standIns.find(({ name }) => name === symbol)?.size;
    for (const source of inputs) {
      const axis = source.shape.indexOf(size as number);
      if (axis < 0) continue;
      const shape = node('Shape', [source], { shape: [1], type: 'int64' }, { start: axis, end: axis + 1 });
      shared.set(key, shape);
      return shape;
    }
    throw new EngineError(`no input has a dimension that is ${symbol} alone`);
  }

  /** A shape as an int64 tensor, built at run time where it holds symbols. */
  function shapeOf(shape: readonly number[]): Value {
    if (!shape.some(isSymbolic)) return int64(shape);
    const key = `shape:${shape.join()}`;
    const known = shared.get(key);
    if (known) return known;
    const parts = shape.map(sizeOf);
    const value =
      parts.length === 1 ? parts[0] : node('Concat', parts, { shape: [shape.length], type: 'int64' }, { axis: 0 });
    shared.set(key, value);
    return value;
  }

  /** A size as it is in a call with these sizes. */
  function sizeAt(size: number, sizes: Readonly<Record<string, number>>): number {
    const { fixed, symbols: factors } = factor(size);
    return factors.reduce((product, symbol) => product * sizes[symbol], fixed);
  }

  /** How a size is written in a model: a number, or symbols such as `batch*length`. */
  function dimension(size: number): number | string {
    const { fixed, symbols: factors } = factor(size);
    if (factors.length === 0) return size;
    return fixed === 1 ? factors.join('*') : `${fixed}*${factors.join('*')}`;
  }

  return {
    standard,
    inputs,
    nodes,
    constants,
    standIns: Object.fromEntries(standIns.map(({ name, size }) => [name, size])),
    isSymbolic,
    sizeAt,
    dimension,
    input,
    constant,
    uniform,
    scalar,
    int64,
    node,
    nodeMany,
    concrete,
    shapeOf,
  };
}

/** The nodes that the outputs need, in order. */
export function liveNodes(nodes: readonly Node[], outputs: readonly Value[]): Node[] {
  const needed = new Set(outputs.map(({ name }) => name));
  const live: Node[] = [];
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node.outputs.some(({ name }) => needed.has(name))) continue;
    live.push(node);
    for (const operand of node.inputs) if (operand) needed.add(operand.name);
  }
  return live.reverse();
}
