/** Parts of a split with other shares of the classes, or fewer inputs, and ν on them from states that are pooled already. */
import { UserError } from '../errors.js';
import type { Random } from '../random.js';
import { createClassSums } from './class-sums.js';

/**
 * Inputs of each class where one is `ratio` times rarer than each of the others and all together are `size`: [classes]. Of what does not
 * divide, the first of the others get one more.
 */
export function imbalancedCounts(classes: number, size: number, ratio: number, rare: number): number[] {
  const few = Math.round(size / (1 + ratio * (classes - 1)));
  const rest = size - few;
  const each = Math.floor(rest / (classes - 1));
  let over = rest - each * (classes - 1);
  return Array.from({ length: classes }, (_, label) => (label === rare ? few : each + (over-- > 0 ? 1 : 0)));
}

/** Whether there is any number of inputs that can be drawn at every ratio. */
export function allowsRatios(sizes: readonly number[], ratios: readonly number[]): boolean {
  return largestSize(sizes, ratios) !== undefined;
}

/**
 * The largest number of inputs that can be drawn at every ratio whichever class is the rare one, with two inputs of it at least.
 * `sizes`: inputs of each class. Throws a `UserError` where there is none.
 */
export function imbalanceSize(sizes: readonly number[], ratios: readonly number[]): number {
  const size = largestSize(sizes, ratios);
  if (size !== undefined) return size;
  const worst = Math.max(...ratios);
  throw new UserError(
    `no number of inputs allows every class to be ${worst} times rarer than the others: the smallest has ${Math.min(...sizes)}`,
    { hint: 'state smaller ratios, such as --ratios 1,2,5' },
  );
}

function largestSize(sizes: readonly number[], ratios: readonly number[]): number | undefined {
  const classes = sizes.length;
  const fits = (size: number) =>
    ratios.every((ratio) =>
      sizes.every((_, rare) => {
        const counts = imbalancedCounts(classes, size, ratio, rare);
        return counts[rare] >= 2 && counts.every((count, label) => count <= sizes[label]);
      }),
    );
  for (let size = classes * Math.min(...sizes); size >= 2 * classes; size--) if (fits(size)) return size;
  return undefined;
}

/** So many rows of each class, without replacement: rows in ascending order. `members`: rows of each class. */
export function drawCounts(members: readonly Int32Array[], counts: readonly number[], random: Random): Int32Array {
  const drawn = members.flatMap((rows, label) => Array.from(random.shuffle(rows.slice()).subarray(0, counts[label])));
  return Int32Array.from(drawn).sort();
}

/**
 * ν of one layer on some of its rows. `states`: the whole layer, [all rows, width]; `classOf`: the class of each row. A class with a single
 * row is left out; NaN where fewer than two are left, infinite where the class means coincide.
 */
export function variabilityOfRows(
  states: Float32Array,
  width: number,
  classOf: Int32Array,
  classes: number,
  rows: Int32Array,
): number {
  const counts = new Array<number>(classes).fill(0);
  for (const row of rows) counts[classOf[row]]++;
  const kept = counts.flatMap((count, label) => (count > 1 ? [label] : []));
  if (kept.length < 2) return Number.NaN;
  const position = counts.map((_, label) => kept.indexOf(label));
  const used = rows.filter((row) => position[classOf[row]] >= 0);
  const ids = Int32Array.from(used, (row) => position[classOf[row]]);
  const block = new Float32Array(used.length * width);
  used.forEach((row, i) => {
    block.set(states.subarray(row * width, (row + 1) * width), i * width);
  });
  const sums = createClassSums(
    kept.map((label) => counts[label]),
    width,
  );
  sums.add(block, ids);
  return sums.spread(() => [{ from: 0, states: block }], ids).nu;
}
