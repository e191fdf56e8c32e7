/** Just enough of WebAssembly's binary format for one function that loops over vectors of four floats. */

/** Instructions, by their names in the specification. */
export const OP = {
  loop: [0x03, 0x40],
  end: [0x0b],
  brIf: (depth: number) => [0x0d, ...unsigned(depth)],
  localGet: (index: number) => [0x20, ...unsigned(index)],
  localSet: (index: number) => [0x21, ...unsigned(index)],
  localTee: (index: number) => [0x22, ...unsigned(index)],
  i32Const: (value: number) => [0x41, ...signed(value)],
  f32Const: (value: number) => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
  i32Add: [0x6a],
  i32LessUnsigned: [0x49],
  v128Load: [0xfd, 0x00, 4, 0],
  v128Store: [0xfd, 0x0b, 4, 0],
  v128And: [0xfd, 0x4e],
  splat: [0xfd, 0x13],
  lane: (index: number) => [0xfd, 0x1f, index],
  f32Add: [0x92],
  greaterEqual: [0xfd, 0x46],
  abs: vector(0xe0),
  neg: vector(0xe1),
  sqrt: vector(0xe3),
  add: vector(0xe4),
  sub: vector(0xe5),
  mul: vector(0xe6),
  div: vector(0xe7),
  min: vector(0xe8),
  max: vector(0xe9),
} as const;

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;

/** Instructions of f32x4 whose code takes two bytes. */
function vector(code: number): number[] {
  return [0xfd, code, 0x01];
}

export interface FunctionSpec {
  /** Arguments: integers first, then floats. */
  integers: number;
  floats: number;
  /** Local variables of type v128; their indices follow on one i32, which follows on the arguments. */
  vectors: number;
  body: number[];
  /** Whether it leaves one float as its result. */
  result?: boolean;
}

/** A module that imports the memory `env.memory` and exports the function `run`. */
export function assemble({ integers, floats, vectors, body, result = false }: FunctionSpec): Uint8Array<ArrayBuffer> {
  const text = (value: string) => [...unsigned(value.length), ...Buffer.from(value)];
  const locals = [2, 1, I32, ...unsigned(vectors), V128];
  const types = [...new Array<number>(integers).fill(I32), ...new Array<number>(floats).fill(F32)];
  const code = [...locals, ...body, ...OP.end];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, ...unsigned(types.length), ...types, ...(result ? [1, F32] : [0])]),
    ...section(2, [1, ...text('env'), ...text('memory'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('run'), 0x00, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? byte | 0x80 : byte);
  } while (rest);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}
