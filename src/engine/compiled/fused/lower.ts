/**
 * From a recorded element-wise graph to one loop: every intermediate result stays in a register, where ONNX Runtime would pass
 * over memory once per operation. AdamW takes a quarter of the time so. Four floats at a time (WebAssembly SIMD), one thread.
 */
import { EngineError } from '../../../errors.js';
import { type Graph, liveNodes, type Node, type Value } from '../graph.js';
import { assemble, OP } from './wasm.js';

const BINARY: Record<string, readonly number[]> = {
  Add: OP.add,
  Sub: OP.sub,
  Mul: OP.mul,
  Div: OP.div,
  Max: OP.max,
  Min: OP.min,
};
const UNARY: Record<string, readonly number[]> = { Sqrt: OP.sqrt, Neg: OP.neg, Abs: OP.abs };

/** The smallest normal float32: what is smaller is written as 0, since arithmetic on it is a hundred times slower. */
const SMALLEST_NORMAL = 2 ** -126;

/** A compiled loop. Arrays are given by where they start, in bytes, in the memory that the loop is bound to. */
export interface FusedLoop {
  /** Binds the loop to a memory; the same memory twice gives the same function. */
  in(memory: WebAssembly.Memory): (count: number, starts: readonly number[], scalars: readonly number[]) => void;
}

/**
 * `reads`: names of the graph's array inputs; `scalars`: of its scalar inputs; `outputs` are arrays. At run time `starts` lists
 * the arrays that are read, then those that are written, which may be the same; `count` is a multiple of 4. Throws an
 * `EngineError` that names an operation which has no vector form.
 */
export function lower(
  name: string,
  graph: Graph,
  reads: readonly string[],
  scalars: readonly string[],
  outputs: readonly Value[],
): FusedLoop {
  const results = outputs.map((value) => graph.concrete(value));
  const nodes = liveNodes(graph.nodes, results);
  const constants = graph.constants.filter(({ value }) => value.shape.length === 0);

  // Locals: bytes, starts, scalars; then the i32 offset and the vectors.
  const integers = 1 + reads.length + results.length;
  const offset = integers + scalars.length;
  const smallest = offset + 1;
  const locals = new Map<string, number>();
  let next = smallest + 1;
  const local = (name: string) => {
    const known = locals.get(name);
    if (known !== undefined) return known;
    locals.set(name, next);
    return next++;
  };
  const address = (array: number) => [...OP.localGet(1 + array), ...OP.localGet(offset), ...OP.i32Add];

  const body: number[] = [...OP.f32Const(SMALLEST_NORMAL), ...OP.splat, ...OP.localSet(smallest)];
  scalars.forEach((key, i) => {
    body.push(...OP.localGet(integers + i), ...OP.splat, ...OP.localSet(local(`in:${key}`)));
  });
  for (const { value, data } of constants) {
    body.push(...OP.f32Const(Number(data[0])), ...OP.splat, ...OP.localSet(local(value.name)));
  }
  body.push(...OP.loop);
  reads.forEach((key, i) => {
    body.push(...address(i), ...OP.v128Load, ...OP.localSet(local(`in:${key}`)));
  });
  for (const node of nodes) {
    const code = instruction(node, local);
    if (!code) throw new EngineError(`the operation ${node.op} cannot stand in the element-wise program "${name}"`);
    body.push(...code);
  }
  results.forEach((value, i) => {
    const result = OP.localGet(local(value.name));
    body.push(...address(reads.length + i), ...result);
    body.push(...result, ...OP.abs, ...OP.localGet(smallest), ...OP.greaterEqual, ...OP.v128And);
    body.push(...OP.v128Store);
  });
  body.push(...OP.localGet(offset), ...OP.i32Const(16), ...OP.i32Add, ...OP.localTee(offset));
  body.push(...OP.localGet(0), ...OP.i32LessUnsigned, ...OP.brIf(0), ...OP.end);

  const spec = { integers, floats: scalars.length, vectors: next - smallest, body };
  const module = new WebAssembly.Module(assemble(spec));
  const bound = new WeakMap<WebAssembly.Memory, ReturnType<FusedLoop['in']>>();
  return {
    in(memory) {
      let loop = bound.get(memory);
      if (!loop) {
        const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports as {
          run: (...arguments_: number[]) => void;
        };
        loop = (count, starts, values) => run(count * 4, ...starts, ...values);
        bound.set(memory, loop);
      }
      return loop;
    },
  };
}

function instruction({ op, inputs, outputs }: Node, local: (name: string) => number): number[] | undefined {
  const operands = inputs.flatMap((value) => (value ? OP.localGet(local(value.name)) : []));
  const code = (inputs.length === 2 ? BINARY : UNARY)[op];
  return code && [...operands, ...code, ...OP.localSet(local(outputs[0].name))];
}
