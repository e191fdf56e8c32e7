/**
 * Where the pooled states of a split wait for resampling: in memory, else in a temporary file, each within a budget in bytes.
 * Without room for either there is no store, and ν comes without its interval.
 */
import { closeSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { SpantuneError } from '../errors.js';

export interface StoreBudget {
  /** Most bytes of pooled states kept in memory. Default: 1 GiB, or a quarter of the machine's memory if that is less. */
  memoryBytes?: number;
  /** Most bytes of pooled states in a temporary file. Default: 16 GiB; never more than the disk has free. */
  diskBytes?: number;
  /** Where the temporary file goes. Default: the system's folder for such files. */
  folder?: string;
}

export interface StateStore {
  readonly kind: 'memory' | 'file';
  /** Appends `rows` [rows, width] of one layer (0-based) from row `from` on. Throws what the disk throws. */
  write(layer: number, from: number, states: Float32Array): void;
  /** Fills `out` [rows, width] with one layer's rows from row `from` on. */
  read(layer: number, from: number, out: Float32Array): void;
  close(): void;
}

const GIB = 2 ** 30;

/** A store for [layers, rows, width] float32 states, or what hindered it. */
export function openStore(
  shape: { layers: number; rows: number; width: number },
  budget: StoreBudget = {},
): StateStore | string {
  const bytes = shape.layers * shape.rows * shape.width * 4;
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const { memoryBytes = Math.min(GIB, memory / 4), diskBytes = 16 * GIB, folder = tmpdir() } = budget;
  if (bytes <= memoryBytes) return memoryStore(shape);
  if (bytes > diskBytes)
    return `the states take ${inWords(bytes)}, more than the ${inWords(diskBytes)} allowed on disk`;
  try {
    const { bavail, bsize } = statfsSync(folder);
    if (bytes > bavail * bsize)
      return `the states take ${inWords(bytes)}, and ${folder} has ${inWords(bavail * bsize)} free`;
    return fileStore(shape, folder);
  } catch (cause) {
    return `no temporary file in ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

function memoryStore({ layers, rows, width }: { layers: number; rows: number; width: number }): StateStore {
  const states = Array.from({ length: layers }, () => new Float32Array(rows * width));
  return {
    kind: 'memory',
    write: (layer, from, block) => states[layer].set(block, from * width),
    read: (layer, from, out) => out.set(states[layer].subarray(from * width, from * width + out.length)),
    close: () => {
      states.length = 0;
    },
  };
}

/** `readSync` or `writeSync`: bytes from a place in the array to or from a position in the file → bytes moved. */
type Step = (file: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;

/** Layer after layer in one file. Its name is removed at once, so that the system frees the space however the process ends. */
function fileStore({ rows, width }: { rows: number; width: number }, folder: string): StateStore {
  const path = join(folder, `spantune-states-${process.pid}-${process.hrtime.bigint()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  let open = true;
  const move = (layer: number, from: number, states: Float32Array, step: Step) => {
    const bytes = new Uint8Array(states.buffer, states.byteOffset, states.byteLength);
    const position = (layer * rows + from) * width * 4;
    for (let done = 0; done < bytes.length; ) {
      const moved = step(file, bytes, done, Math.min(bytes.length - done, GIB), position + done);
      if (moved === 0) throw new SpantuneError('the temporary file of pooled states ended early');
      done += moved;
    }
  };
  return {
    kind: 'file',
    write: (layer, from, states) => move(layer, from, states, writeSync),
    read: (layer, from, out) => move(layer, from, out, readSync),
    close: () => {
      if (open) closeSync(file);
      open = false;
    },
  };
}

/** One layer of a store, piece by piece: rows [from, from + n) in `states` [n, width], which the next piece overwrites. */
export function* pieces(store: StateStore, layer: number, rows: number, width: number) {
  const most = Math.max(1, Math.min(rows, Math.floor(2 ** 22 / width)));
  const buffer = new Float32Array(most * width);
  for (let from = 0; from < rows; from += most) {
    const states = buffer.subarray(0, Math.min(most, rows - from) * width);
    store.read(layer, from, states);
    yield { from, states };
  }
}

function inWords(bytes: number): string {
  return bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** Pooled states of all layers as ν's pass left them: float32, in memory or in a file, read piece by piece. */
export interface PooledStates {
  layers: number;
  rows: number;
  width: number;
  /** [rows]: which input each row is. */
  inputs: Int32Array;
  /** [rows]: class of each row, an index into the classes that ν kept; bins for regression. */
  classOf: Int32Array;
  /** Classes that ν kept. */
  classes: number;
  /** The rows of a layer (0-based); `states` [n, width] is overwritten by the next piece. */
  pieces(layer: number): Iterable<{ from: number; states: Float32Array }>;
}
