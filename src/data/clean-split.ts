/** A split held out of the training split such that no text of one side stands in a text of the other. */
import { UserError } from '../errors.js';
import { stream } from '../random.js';
import { containment, SHORT } from './containment.js';

export interface CleanSplit {
  /** Indices to train on, ascending. */
  rest: number[];
  /** Indices held out, ascending. */
  held: number[];
  /** Indices in neither, ascending: their short texts stand in texts of both sides. */
  dropped: number[];
  /** Texts of fewer words than this tie no rows together; 1 where all texts do. */
  minimumWords: number;
}

/**
 * Holds out about `share` of the rows, cut by group: rows that share a text, or of which one text contains the other as a
 * contiguous sequence of words (case and punctuation aside), stay on one side.
 *
 * Where single words are rows of their own (SST-2), such groups grow into one that holds nearly everything. Then texts of fewer
 * than 2, 3, … words (as few as will do) no longer tie rows together; a row with such a text goes to the side on which the text
 * occurs, and is dropped where it occurs on both. So the two sides are clean whatever the data. A pure function of its arguments.
 * Throws a `UserError` where all rows form one group even so.
 */
export function cleanSplit(
  examples: { text: string; pair?: string }[],
  { share, seed }: { share: number; seed: number },
): CleanSplit {
  const { rowTexts, texts } = distinctTexts(examples);
  const { words, inner, outer } = containment(texts);
  const target = Math.max(1, Math.round(share * examples.length));
  const owner = owners(rowTexts, texts.length);
  for (let minimum = 1; minimum <= SHORT; minimum++) {
    const long = (text: number) => words[text] >= minimum || words[text] === 0;
    const groups = groupRows({ rowTexts, inner, outer, owner, long });
    const anchored = new Uint8Array(examples.length);
    rowTexts.forEach((of, row) => {
      if (of.some(long)) anchored[groups.find(row)] = 1;
    });
    const sides = drawSides(groups, anchored, target, seed);
    if (!sides) continue;
    settleShortTexts({ rowTexts, words, inner, outer, owner, groups, anchored, sides, long });
    const side = (row: number) => sides[groups.find(row)];
    const split = collect(examples.length, minimum, side, { rowTexts, inner, outer, owner, long });
    // Where short texts are many, all rows of a side may be dropped.
    if (split.held.length > 0 && split.rest.length > 0) return split;
  }
  throw new UserError('the training split cannot be cut by group: nearly all rows share texts', {
    hint: 'use the dev split to choose the epoch, or name a split of your own',
  });
}

/**
 * Group of each row, such that rows of different groups share no text: as in `cleanSplit`, with the texts that tie rows together no
 * shorter than it takes for no group to hold more than `most` rows; where none will do, rows of equal texts alone are one group.
 * Groups are numbered from 0 in the order of their first rows.
 */
export function textGroups(examples: readonly { text: string; pair?: string }[], most: number): Int32Array {
  const { rowTexts, texts } = distinctTexts(examples);
  const { words, inner, outer } = containment(texts);
  const owner = owners(rowTexts, texts.length);
  for (let minimum = 1; minimum <= SHORT; minimum++) {
    const long = (text: number) => words[text] >= minimum || words[text] === 0;
    const groups = numbered(groupRows({ rowTexts, inner, outer, owner, long }), examples.length);
    if (groups.sizes.every((size) => size <= most)) return groups.of;
  }
  const same = new Map<string, number>();
  return Int32Array.from(rowTexts, (of) => {
    const key = of.join(' ');
    const group = same.get(key) ?? same.size;
    same.set(key, group);
    return group;
  });
}

function numbered(groups: Sets, rows: number): { of: Int32Array; sizes: number[] } {
  const numbers = new Map<number, number>();
  const sizes: number[] = [];
  const of = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const root = groups.find(row);
    const group = numbers.get(root) ?? numbers.size;
    numbers.set(root, group);
    of[row] = group;
    sizes[group] = (sizes[group] ?? 0) + 1;
  }
  return { of, sizes };
}

/** A row that has each text. */
function owners(rowTexts: number[][], texts: number): Int32Array {
  const owner = new Int32Array(texts).fill(-1);
  rowTexts.forEach((of, row) => {
    for (const text of of) if (owner[text] < 0) owner[text] = row;
  });
  return owner;
}

/** Rows that share a text are one group, and so are rows of which one holds a long text of the other. */
function groupRows({ rowTexts, inner, outer, owner, long }: Texts): Sets {
  const groups = disjointSets(rowTexts.length);
  rowTexts.forEach((of, row) => {
    for (const text of of) groups.union(owner[text], row);
  });
  inner.forEach((text, i) => {
    if (long(text)) groups.union(owner[text], owner[outer[i]]);
  });
  return groups;
}

const REST = 1;
const HELD = 2;
const BOTH = 3;

/** Sides of groups with a long text, by their root; undefined where less than nine tenths of the target can be held out. */
function drawSides(groups: Sets, anchored: Uint8Array, target: number, seed: number): Uint8Array | undefined {
  const sizes = new Int32Array(anchored.length);
  for (let row = 0; row < sizes.length; row++) sizes[groups.find(row)]++;
  const roots: number[] = [];
  for (let row = 0; row < sizes.length; row++) if (sizes[row] > 0 && anchored[row]) roots.push(row);
  const sides = new Uint8Array(anchored.length);
  let held = 0;
  for (const root of stream(seed, 'clean split').shuffle(roots)) {
    const fits = held + sizes[root] <= target;
    sides[root] = fits ? HELD : REST;
    if (fits) held += sizes[root];
  }
  return held >= 0.9 * target && roots.some((root) => sides[root] === REST) ? sides : undefined;
}

interface Texts {
  rowTexts: number[][];
  inner: Int32Array;
  outer: Int32Array;
  /** A row that has the text. */
  owner: Int32Array;
  long: (text: number) => boolean;
}

/** Gives groups of short texts alone the side, or sides, of the texts that hold them; longer ones first, as they hold shorter. */
function settleShortTexts(
  context: Texts & { words: Int32Array; groups: Sets; anchored: Uint8Array; sides: Uint8Array },
): void {
  const { inner, outer, owner, words, groups, anchored, sides, long } = context;
  const order = Array.from(inner.keys()).filter((i) => !long(inner[i]));
  order.sort((a, b) => words[inner[b]] - words[inner[a]]);
  for (const i of order) {
    const root = groups.find(owner[inner[i]]);
    if (!anchored[root]) sides[root] |= sides[groups.find(owner[outer[i]])];
  }
  for (let row = 0; row < sides.length; row++) if (sides[row] === 0) sides[row] = REST;
}

/** Sorts rows into sides and drops those whose short texts stand on the other side too. */
function collect(rows: number, minimumWords: number, side: (row: number) => number, texts: Texts): CleanSplit {
  const { rowTexts, inner, outer, owner, long } = texts;
  const crossing = new Set<number>();
  inner.forEach((text, i) => {
    if (!long(text) && side(owner[text]) !== side(owner[outer[i]]) && side(owner[outer[i]]) !== BOTH)
      crossing.add(text);
  });
  const split: CleanSplit = { rest: [], held: [], dropped: [], minimumWords };
  for (let row = 0; row < rows; row++) {
    const dropped = side(row) === BOTH || rowTexts[row].some((text) => crossing.has(text));
    (dropped ? split.dropped : side(row) === HELD ? split.held : split.rest).push(row);
  }
  return split;
}

/** Distinct texts as words, and which of them each row has. An empty text ties nothing together. */
function distinctTexts(examples: readonly { text: string; pair?: string }[]): {
  rowTexts: number[][];
  texts: string[][];
} {
  const known = new Map<string, number>();
  const texts: string[][] = [];
  const rowTexts = examples.map(({ text, pair }) => {
    const of: number[] = [];
    for (const part of [text, pair ?? '']) {
      const words = part.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
      // A text of signs alone stands for itself; the line feed keeps it apart from words.
      const key = words.length > 0 ? words.join(' ') : `\n${part.trim()}`;
      if (key === '\n') continue;
      let id = known.get(key);
      if (id === undefined) {
        id = texts.length;
        known.set(key, id);
        texts.push(words);
      }
      of.push(id);
    }
    return of;
  });
  return { rowTexts, texts };
}

interface Sets {
  find(item: number): number;
  union(a: number, b: number): void;
}

function disjointSets(size: number): Sets {
  const parent = Int32Array.from({ length: size }, (_, i) => i);
  const find = (item: number): number => {
    let at = item;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  };
  return {
    find,
    union(a, b) {
      const [x, y] = [find(a), find(b)];
      // The smaller index becomes the root, so that groups do not depend on the order of unions.
      if (x < y) parent[y] = x;
      else parent[x] = y;
    },
  };
}
