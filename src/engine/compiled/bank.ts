/** Banks in the host's memory: one flat array, so that element-wise programs run over blocks whatever the tensors' shapes. */
import * as ort from 'onnxruntime-node';
import { EngineError } from '../../errors.js';
import type { Bank, BankEntry } from '../types.js';

export interface CompiledBank extends Bank {
  readonly flat: Float32Array;
  /** First and last (exclusive) element of a group, or of all. */
  range(group?: string): [number, number];
  tensor(name: string): ort.Tensor;
  view(name: string): Float32Array;
  has(name: string): boolean;
  /** Writes a tensor that is 0 but for rows: the sums of `rows` [n, width] by `ids`. */
  scatter(name: string, rows: Float32Array, ids: Int32Array, add: boolean): void;
}

/** Tensors start at multiples of 64 bytes; what lies between stays 0. */
const ALIGN = 16;

export function compiledBank(entries: readonly BankEntry[]): CompiledBank {
  const groups = [...new Set(entries.map(({ group = '' }) => group))];
  const ranges = new Map<string, [number, number]>();
  const places = new Map<string, { offset: number; shape: number[]; size: number }>();
  let end = 0;
  for (const group of groups) {
    const start = end;
    for (const entry of entries) {
      if ((entry.group ?? '') !== group) continue;
      const size = entry.shape.reduce((product, dimension) => product * dimension, 1);
      places.set(entry.name, { offset: end, shape: entry.shape, size });
      end += Math.ceil(size / ALIGN) * ALIGN;
    }
    ranges.set(group, [start, end]);
  }
  let flat = new Float32Array(end);
  const tensors = new Map<string, ort.Tensor>();
  const touched = new Map<string, Int32Array[]>();
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
    size: entries.reduce((sum, { name }) => sum + place(name).size, 0),
    get flat() {
      return flat;
    },
    has: (name) => places.has(name),
    shape: (name) => place(name).shape,
    range: (group) => (group === undefined ? [0, end] : (ranges.get(group) ?? [0, 0])),
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
    },
    read: (name) => view(name).slice(),
    scatter(name, rows, ids, add) {
      const target = view(name);
      const width = place(name).size / place(name).shape[0];
      const before = touched.get(name) ?? [];
      if (!add) {
        for (const list of before) for (const id of list) target.fill(0, id * width, (id + 1) * width);
        before.length = 0;
      }
      before.push(ids.slice());
      touched.set(name, before);
      for (let i = 0; i < ids.length; i++) {
        const to = ids[i] * width;
        const from = i * width;
        for (let j = 0; j < width; j++) target[to + j] += rows[from + j];
      }
    },
    dispose() {
      flat = new Float32Array(0);
      tensors.clear();
    },
  };
}
