/**
 * Banks in the host's memory: one flat array each, so that element-wise programs run over it whatever the tensors' shapes. Banks of
 * one layout lie side by side in a WebAssembly memory, where the fused loops reach them without copies.
 */
import * as ort from 'onnxruntime-node';
import { EngineError } from '../../errors.js';
import type { Bank, BankEntry } from '../types.js';

export interface CompiledBank extends Bank {
  readonly flat: Float32Array;
  /** What `flat` lies in, where banks were made together. */
  readonly memory: WebAssembly.Memory | undefined;
  /** Equal numbers mean equal names and shapes in equal places. */
  readonly layout: number;
  /** First and last (exclusive) element of a group, or of all. */
  range(group?: string): Range;
  /** What of a group, or of all, may differ from 0 (`now`), or may ever have; ends are multiples of 16. */
  used(when: 'now' | 'ever', group?: string): Range[];
  tensor(name: string): ort.Tensor;
  view(name: string): Float32Array;
  has(name: string): boolean;
  /** Writes a tensor that is 0 but for rows: the sums of `rows` [n, width] by `ids`. */
  scatter(name: string, rows: Float32Array, ids: Int32Array, add: boolean): void;
  /** Says that a tensor, or any, was written by other means than `scatter`: all of it may differ from 0, padding included. */
  overwritten(name?: string): void;
}

/** Elements from the first to before the last. */
export type Range = [from: number, to: number];

/** Tensors start at multiples of 64 bytes; what lies between stays 0. */
const ALIGN = 16;

/** Elements of a block of element-wise programs: what they hold of it fits in a core's cache. Groups are whole numbers of blocks. */
export const BLOCK = 1 << 14;

const layouts = new Map<string, number>();

function layoutOf(entries: readonly BankEntry[]): number {
  const key = JSON.stringify(entries.map(({ name, shape, group = '' }) => [name, shape, group]));
  const known = layouts.get(key) ?? layouts.size;
  layouts.set(key, known);
  return known;
}

/** Bytes of a page, and the most that a WebAssembly memory holds. */
export const PAGE = 65536;
const MOST_BYTES = 65535 * PAGE;

/** `count` banks of the same entries, all 0. */
export function compiledBanks(entries: readonly BankEntry[], count: number): CompiledBank[] {
  const layout = layOut(entries);
  const bytes = 4 * layout.end;
  const shared = count > 1 && count * bytes <= MOST_BYTES;
  const memory = shared ? new WebAssembly.Memory({ initial: Math.ceil((count * bytes) / PAGE) }) : undefined;
  return Array.from({ length: count }, (_, i) => {
    const flat = memory ? new Float32Array(memory.buffer, i * bytes, layout.end) : new Float32Array(layout.end);
    return compiledBank(entries, layout, flat, memory);
  });
}

/** Rows of a list of lists, marked. */
function marked(lists: Int32Array[] | 'all' | undefined, rows: number): Uint8Array | 'all' | undefined {
  if (lists === 'all' || lists === undefined) return lists;
  const marks = new Uint8Array(rows);
  for (const list of lists) for (const id of list) marks[id] = 1;
  return marks;
}

/** Ranges of the marked rows of a table that begins at `offset`. */
function rangesOf(rows: Uint8Array, width: number, offset: number): Range[] {
  const ranges: Range[] = [];
  for (let row = 0; row < rows.length; row++) {
    if (!rows[row]) continue;
    const first = row;
    while (row + 1 < rows.length && rows[row + 1]) row++;
    ranges.push([offset + first * width, offset + (row + 1) * width]);
  }
  return ranges;
}

/** Ranges in order, widened to multiples of 16 (padding is 0, and so is what lies between used rows), those that meet joined. */
function merged(ranges: Range[]): Range[] {
  const result: Range[] = [];
  for (const [from, to] of ranges.sort(([a], [b]) => a - b)) {
    const wide: Range = [Math.floor(from / ALIGN) * ALIGN, Math.ceil(to / ALIGN) * ALIGN];
    const last = result[result.length - 1];
    if (last && wide[0] <= last[1]) last[1] = Math.max(last[1], wide[1]);
    else result.push(wide);
  }
  return result;
}

interface Layout {
  groups: Map<string, [number, number]>;
  places: Map<string, { offset: number; shape: number[]; size: number }>;
  end: number;
}

function layOut(entries: readonly BankEntry[]): Layout {
  const groups: Layout['groups'] = new Map();
  const places: Layout['places'] = new Map();
  let end = 0;
  for (const group of new Set(entries.map((entry) => entry.group ?? ''))) {
    const start = end;
    for (const entry of entries) {
      if ((entry.group ?? '') !== group) continue;
      const size = entry.shape.reduce((product, dimension) => product * dimension, 1);
      places.set(entry.name, { offset: end, shape: entry.shape, size });
      end += Math.ceil(size / ALIGN) * ALIGN;
    }
    end = Math.ceil(end / BLOCK) * BLOCK;
    groups.set(group, [start, end]);
  }
  return { groups, places, end };
}

function compiledBank(
  entries: readonly BankEntry[],
  { groups, places, end }: Layout,
  memoryView: Float32Array,
  memory: WebAssembly.Memory | undefined,
): CompiledBank {
  let flat = memoryView;
  const tensors = new Map<string, ort.Tensor>();
  /** Rows that `scatter` wrote since the tensor was 0 everywhere; 'all' after other writes. */
  const touched = new Map<string, Int32Array[] | 'all'>();
  /** Rows that were ever written, by `scatter` alone; 'all' after other writes. */
  const ever = new Map<string, Uint8Array | 'all'>();
  const wholly = (name: string) => {
    touched.set(name, 'all');
    ever.set(name, 'all');
  };
  const place = (name: string) => {
    const found = places.get(name);
    if (!found) throw new EngineError(`the bank holds no tensor "${name}"`);
    return found;
  };
  const view = (name: string) => {
    const { offset, size } = place(name);
    return flat.subarray(offset, offset + size);
  };
  return {
    names: entries.map(({ name }) => name),
    layout: layoutOf(entries),
    size: entries.reduce((sum, { name }) => sum + place(name).size, 0),
    get flat() {
      return flat;
    },
    memory,
    has: (name) => places.has(name),
    shape: (name) => place(name).shape,
    range: (group) => (group === undefined ? [0, end] : (groups.get(group) ?? [0, 0])),
    used(when, group) {
      const ranges: Range[] = [];
      for (const entry of entries) {
        if (group !== undefined && (entry.group ?? '') !== group) continue;
        const { offset, size, shape } = place(entry.name);
        const rows = when === 'ever' ? ever.get(entry.name) : marked(touched.get(entry.name), shape[0]);
        if (rows === 'all') ranges.push([offset, offset + size]);
        else if (rows) ranges.push(...rangesOf(rows, size / shape[0], offset));
      }
      return merged(ranges);
    },
    view,
    tensor(name) {
      let tensor = tensors.get(name);
      if (!tensor) {
        tensor = new ort.Tensor('float32', view(name), place(name).shape);
        tensors.set(name, tensor);
      }
      return tensor;
    },
    write(name, data) {
      if (data.length !== place(name).size) {
        throw new EngineError(`"${name}" has ${place(name).size} elements, not ${data.length}`);
      }
      view(name).set(data);
      wholly(name);
    },
    read: (name) => view(name).slice(),
    scatter(name, rows, ids, add) {
      const target = view(name);
      const width = place(name).size / place(name).shape[0];
      const before = touched.get(name) ?? [];
      const known = ever.get(name) ?? new Uint8Array(place(name).shape[0]);
      if (known !== 'all') for (const id of ids) known[id] = 1;
      ever.set(name, known);
      if (!add) {
        if (before === 'all') target.fill(0);
        else for (const list of before) for (const id of list) target.fill(0, id * width, (id + 1) * width);
        touched.set(name, [ids.slice()]);
      } else if (before !== 'all') {
        touched.set(name, [...before, ids.slice()]);
      }
      for (let i = 0; i < ids.length; i++) {
        const to = ids[i] * width;
        const from = i * width;
        for (let j = 0; j < width; j++) target[to + j] += rows[from + j];
      }
    },
    overwritten(name) {
      if (name !== undefined) {
        wholly(name);
        return;
      }
      let used = 0;
      for (const [each, { offset, size }] of places) {
        wholly(each);
        flat.fill(0, used, offset);
        used = offset + size;
      }
      flat.fill(0, used);
    },
    dispose() {
      flat = new Float32Array(0);
      tensors.clear();
    },
  };
}
