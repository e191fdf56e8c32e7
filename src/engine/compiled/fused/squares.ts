/** Sums of squares, one pass. */
import type { Part } from '../bank.js';
import { PAGE, type Range, within } from '../layout.js';
import { assemble, OP } from './wasm.js';

/** Elements that are summed up in float32, four by four; the sums of blocks are added in float64. */
const BLOCK = 1 << 12;

/** Locals of the loop: bytes, start; the offset; four vectors of partial sums, one to load into. */
const [BYTES, START, OFFSET, SUMS, LOADED] = [0, 1, 2, 3, 7];
const UNROLLED = 4;

function compile(): WebAssembly.Module {
  const body: number[] = [...OP.loop];
  for (let i = 0; i < UNROLLED; i++) {
    body.push(...OP.localGet(START), ...OP.localGet(OFFSET), ...OP.i32Add, ...OP.v128Load, ...OP.localTee(LOADED));
    body.push(...OP.localGet(LOADED), ...OP.mul, ...OP.localGet(SUMS + i), ...OP.add, ...OP.localSet(SUMS + i));
    body.push(...OP.localGet(OFFSET), ...OP.i32Const(16), ...OP.i32Add, ...OP.localSet(OFFSET));
  }
  body.push(...OP.localGet(OFFSET), ...OP.localGet(BYTES), ...OP.i32LessUnsigned, ...OP.brIf(0), ...OP.end);
  body.push(...OP.localGet(SUMS));
  for (let i = 1; i < UNROLLED; i++) body.push(...OP.localGet(SUMS + i), ...OP.add);
  body.push(...OP.localTee(SUMS), ...OP.lane(0));
  for (let lane = 1; lane < 4; lane++) body.push(...OP.localGet(SUMS), ...OP.lane(lane), ...OP.f32Add);
  return new WebAssembly.Module(assemble({ integers: 2, floats: 0, vectors: UNROLLED + 1, body, result: true }));
}

/** Sum of the squares of the elements in `ranges`, whose ends are multiples of 16. */
export function createSumOfSquares(): (parts: readonly Part[], ranges: readonly Range[]) => number {
  const module = compile();
  type Run = (bytes: number, start: number) => number;
  const bound = new WeakMap<WebAssembly.Memory, Run>();
  const own = new WebAssembly.Memory({ initial: Math.ceil((4 * BLOCK) / PAGE) });
  const window = new Float32Array(own.buffer, 0, BLOCK);
  const bind = (memory: WebAssembly.Memory): Run => {
    const run = bound.get(memory) ?? (new WebAssembly.Instance(module, { env: { memory } }).exports.run as Run);
    bound.set(memory, run);
    return run;
  };
  return (parts, ranges) => {
    let total = 0;
    for (const { from, to, flat, memory } of parts) {
      const run = bind(memory ?? own);
      for (const [first, last] of within(ranges, { from, to })) {
        for (let at = first; at < last; at += BLOCK) {
          const count = Math.min(BLOCK, last - at);
          if (!memory) window.set(flat.subarray(at, at + count));
          total += run(4 * count, memory ? flat.byteOffset + 4 * at : 0);
        }
      }
    }
    return total;
  };
}
