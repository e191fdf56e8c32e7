/** Where a bank's tensors lie: in groups, and in parts that a WebAssembly memory can hold, four banks of them side by side. */
import type { BankEntry } from '../types.js';

/** Elements from the first to before the last. */
export type Range = [from: number, to: number];

/** Tensors start at multiples of 64 bytes; what lies between stays 0. */
const ALIGN = 16;

/** Elements of a block of element-wise programs: what they hold of it fits in a core's cache. Groups and parts are whole numbers of blocks. */
export const BLOCK = 1 << 14;

/** Bytes of a page of a WebAssembly memory, and the most pages that it has. */
export const PAGE = 65536;
const MOST_PAGES = 65535;

/** Elements of a part, unless one tensor alone is larger: parameters, gradients and two moments of it fill a memory. */
const PART = (Math.floor(MOST_PAGES / 4) * PAGE) / 4;

/** Bytes that a WebAssembly memory may have. */
export const MOST_BYTES = MOST_PAGES * PAGE;

export interface Place {
  part: number;
  /** First element, counted over all parts. */
  offset: number;
  shape: number[];
  size: number;
}

export interface Layout {
  /** Equal numbers mean equal names and shapes in equal places. */
  id: number;
  groups: Map<string, Range>;
  places: Map<string, Place>;
  /** What each part holds; together they cover the bank. */
  parts: Range[];
}

const ids = new Map<string, number>();

/** Lays entries out group by group, in their order. No tensor lies in two parts of at most `most` elements. */
export function layOut(entries: readonly BankEntry[], most = PART): Layout {
  const groups: Layout['groups'] = new Map();
  const places: Layout['places'] = new Map();
  const parts: Range[] = [];
  const blocks = (elements: number) => Math.ceil(elements / BLOCK) * BLOCK;
  let end = 0;
  let begin = 0;
  const close = () => {
    end = blocks(end);
    if (end > begin) parts.push([begin, end]);
    begin = end;
  };
  for (const group of new Set(entries.map((entry) => entry.group ?? ''))) {
    const start = end;
    for (const entry of entries) {
      if ((entry.group ?? '') !== group) continue;
      const size = entry.shape.reduce((product, dimension) => product * dimension, 1);
      if (blocks(end + size) - begin > most) close();
      places.set(entry.name, { part: parts.length, offset: end, shape: entry.shape, size });
      end += Math.ceil(size / ALIGN) * ALIGN;
    }
    end = blocks(end);
    groups.set(group, [start, end]);
  }
  close();
  const key = JSON.stringify([most, entries.map(({ name, shape, group = '' }) => [name, shape, group])]);
  const id = ids.get(key) ?? ids.size;
  ids.set(key, id);
  return { id, groups, places, parts };
}

/** Ranges in order, widened to multiples of 16 (padding is 0, and so is what lies between used rows), those that meet joined. */
export function merged(ranges: Range[]): Range[] {
  const result: Range[] = [];
  for (const [from, to] of ranges.sort(([a], [b]) => a - b)) {
    const wide: Range = [Math.floor(from / ALIGN) * ALIGN, Math.ceil(to / ALIGN) * ALIGN];
    const last = result[result.length - 1];
    if (last && wide[0] <= last[1]) last[1] = Math.max(last[1], wide[1]);
    else result.push(wide);
  }
  return result;
}

/** What of the ranges lies in a part, counted from its start. */
export function within(ranges: readonly Range[], { from, to }: { from: number; to: number }): Range[] {
  return ranges.flatMap(([first, last]): Range[] => {
    const [begin, end] = [Math.max(first, from), Math.min(last, to)];
    return end > begin ? [[begin - from, end - from]] : [];
  });
}
