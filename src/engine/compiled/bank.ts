/**
 * Banks in the host's memory: flat arrays, so that element-wise programs run over them whatever the tensors' shapes. Banks that are made
 * together lie side by side in WebAssembly memories, where the fused loops reach them without copies.
 */
import * as ort from 'onnxruntime-node';
import { EngineError } from '../../errors.js';
import type { Bank, BankEntry } from '../types.js';
import { type Layout, layOut, MOST_BYTES, merged, PAGE, type Range } from './layout.js';

/** A stretch of a bank that lies in one piece. */
export interface Part {
  /** Its elements, counted over all parts. */
  from: number;
  to: number;
  flat: Float32Array;
  /** What `flat` lies in, where banks were made together. */
  memory: WebAssembly.Memory | undefined;
}

/** What programs ask of a bank, wherever its tensors lie. */
export interface ProgramBank extends Bank {
  /** Equal numbers mean equal names and shapes in equal places. */
  readonly layout: number;
  /** Of a bank that is only read from now on: a number that no other has. */
  seal?: number;
  has(name: string): boolean;
  tensor(name: string): ort.Tensor | Promise<ort.Tensor>;
}

export interface CompiledBank extends ProgramBank {
  readonly parts: readonly Part[];
  /** First and last (exclusive) element of a group, or of all. */
  range(group?: string): Range;
  /** What of a group, or of all, may differ from 0 (`now`), or may ever have; ends are multiples of 16. */
  used(when: 'now' | 'ever', group?: string): Range[];
  tensor(name: string): ort.Tensor;
  view(name: string): Float32Array;
  /** Writes a tensor that is 0 but for rows: the sums of `rows` [n, width] by `ids`. */
  scatter(name: string, rows: Float32Array, ids: Int32Array, add: boolean): void;
  /** Says that a tensor, or any, was written by other means than `scatter`: all of it may differ from 0, padding included. */
  overwritten(name?: string): void;
}

/** `count` banks of the same entries, all 0, in parts of at most so many elements. */
export function compiledBanks(entries: readonly BankEntry[], count: number, most?: number): CompiledBank[] {
  const layout = layOut(entries, most);
  const parts = layout.parts.map(([from, to]) => ({ from, to, flats: allocate(to - from, count) }));
  return Array.from({ length: count }, (_, i) =>
    compiledBank(
      entries,
      layout,
      parts.map(({ from, to, flats }) => ({ from, to, ...flats[i] })),
    ),
  );
}

let seals = 0;

/** The same bank, which nothing is written into any more. */
export function sealed<T extends ProgramBank>(bank: T): T {
  bank.seal = seals++;
  return bank;
}

/** Throws an `EngineError` where the tensor is a constant. */
export function refuseSealed({ seal }: ProgramBank, name: string): void {
  if (seal !== undefined) throw new EngineError(`"${name}" is a constant, which cannot be written`);
}

/** `count` arrays of zeros, in one memory if there are several and they fit. */
function allocate(elements: number, count: number): Pick<Part, 'flat' | 'memory'>[] {
  const bytes = 4 * elements;
  const shared = count > 1 && count * bytes <= MOST_BYTES;
  const memory = shared ? new WebAssembly.Memory({ initial: Math.ceil((count * bytes) / PAGE) }) : undefined;
  return Array.from({ length: count }, (_, i) => ({
    flat: memory ? new Float32Array(memory.buffer, i * bytes, elements) : new Float32Array(elements),
    memory,
  }));
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

function compiledBank(
  entries: readonly BankEntry[],
  { id, groups, places }: Layout,
  made: readonly Part[],
): CompiledBank {
  let parts = made;
  const end = made.at(-1)?.to ?? 0;
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
  const writable = (name: string) => {
    refuseSealed(bank, name);
    return view(name);
  };
  const view = (name: string) => {
    const { part, offset, size } = place(name);
    if (parts.length === 0) throw new EngineError(`"${name}" is read from a bank that was given back`);
    const { flat, from } = parts[part];
    return flat.subarray(offset - from, offset - from + size);
  };
  const bank: CompiledBank = {
    names: entries.map(({ name }) => name),
    layout: id,
    size: entries.reduce((sum, { name }) => sum + place(name).size, 0),
    get parts() {
      return parts;
    },
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
      writable(name).set(data);
      wholly(name);
    },
    read: async (name) => view(name).slice(),
    scatter(name, rows, ids, add) {
      const target = writable(name);
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
      const used = parts.map(({ from }) => from);
      for (const [each, { part, offset, size }] of places) {
        wholly(each);
        const { flat, from } = parts[part];
        flat.fill(0, used[part] - from, offset - from);
        used[part] = offset + size;
      }
      parts.forEach(({ flat, from }, i) => {
        flat.fill(0, used[i] - from);
      });
    },
    dispose() {
      parts = [];
      tensors.clear();
    },
  };
  return bank;
}
