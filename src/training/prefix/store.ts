/** Where a split's states wait: their layout, and the store in memory. Padding is not kept. */
import { fromFloat16, toFloat16 } from '../../checkpoint/half.js';
import type { Batch, Encoded } from '../../data/types.js';
import type { Precision } from './key.js';
import type { Start } from './start.js';

export interface Layout {
  precision: Precision;
  /** Numbers in a vector. */
  width: number;
  /** [examples + 1]: how many vectors stand before each example's own. */
  offsets: Float64Array;
  /** Of all vectors. */
  bytes: number;
}

/** The layout of a split: one vector a token, or one an example. */
export function layoutOf(split: readonly Encoded[], start: Start, width: number, precision: Precision): Layout {
  const offsets = new Float64Array(split.length + 1);
  split.forEach(({ ids }, i) => {
    offsets[i + 1] = offsets[i] + (start.kind === 'pooled' ? 1 : ids.length);
  });
  return { precision, width, offsets, bytes: offsets[split.length] * width * bytesPerNumber(precision) };
}

export function bytesPerNumber(precision: Precision): number {
  return precision === 'float16' ? 2 : 4;
}

/** First byte of an example's vectors, and how many bytes they are. */
export function placeOf({ precision, width, offsets }: Layout, example: number): { at: number; bytes: number } {
  const size = width * bytesPerNumber(precision);
  return { at: offsets[example] * size, bytes: (offsets[example + 1] - offsets[example]) * size };
}

/** An example's vectors among those of a batch, [rows · length, width] or pooled [rows, width]: [tokens, width] or [1, width]. */
export function rowOf(
  states: Float32Array,
  { length }: Batch,
  row: number,
  { kind, width, tokens }: { kind: Start['kind']; width: number; tokens: number },
): Float32Array {
  if (kind === 'pooled') return states.subarray(row * width, (row + 1) * width);
  return states.subarray(row * length * width, (row * length + tokens) * width);
}

export interface PrefixStore {
  readonly place: 'memory' | 'disk';
  /** Takes an example's vectors, [rows, width]. Throws what the disk throws. */
  write(example: number, states: Float32Array): void;
  /** Fills `out` [rows, width] with an example's vectors. False where they can no longer be read as they were written. */
  read(example: number, out: Float32Array): boolean;
  close(): void;
}

export interface MemoryStore extends PrefixStore {
  /** The stored form of an example's vectors, in place. */
  bytesOf(example: number): Uint8Array;
}

/** Throws a `RangeError` where the memory cannot be had. */
export function memoryStore(layout: Layout): MemoryStore {
  let stored = new Uint8Array(layout.bytes);
  const bytesOf = (example: number) => {
    const { at, bytes } = placeOf(layout, example);
    return stored.subarray(at, at + bytes);
  };
  return {
    place: 'memory',
    bytesOf,
    write: (example, states) => encode(states, bytesOf(example), layout.precision),
    read(example, out) {
      decode(bytesOf(example), out, layout.precision);
      return true;
    },
    close() {
      stored = new Uint8Array(0);
    },
  };
}

/** Numbers to their stored form. `bytes` begins at a multiple of the number's size. */
export function encode(states: Float32Array, bytes: Uint8Array, precision: Precision): void {
  if (precision === 'float16') toFloat16(states, new Uint16Array(bytes.buffer, bytes.byteOffset, states.length));
  else new Float32Array(bytes.buffer, bytes.byteOffset, states.length).set(states);
}

/** The stored form back to numbers. */
export function decode(bytes: Uint8Array, out: Float32Array, precision: Precision): void {
  if (precision === 'float16') fromFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, out.length), out);
  else out.set(new Float32Array(bytes.buffer, bytes.byteOffset, out.length));
}
