/** Which rows each resample holds: stratified half-samples for "chosen in", and leave-one-block-out sets for the jackknife. */
import { stream } from '../random.js';

export interface SubsetOptions {
  seed: number;
  /** Half-samples to draw. */
  halfSamples: number;
  /** Blocks of the jackknife. */
  blocks: number;
}

/** Half-samples first, then the jackknife's sets, each of which lacks one block. */
export interface Subsets {
  count: number;
  halfSamples: number;
  blocks: number;
  /** [rows, stride]: bit s of a row is set where subset s holds the row. */
  bits: Uint8Array;
  stride: number;
  /** [count, classes]: examples of each class in each subset. */
  sizes: Int32Array;
}

/** Whether subset s holds the row. */
export function holds({ bits, stride }: Subsets, row: number, s: number): boolean {
  return (bits[row * stride + (s >> 3)] & (1 << (s & 7))) !== 0;
}

/** Examples that a half-sample takes of a class: half of them, rounded up, and two at least. */
export function halfOf(size: number): number {
  return Math.max(2, Math.ceil(size / 2));
}

/**
 * Draws the subsets. `members` holds the rows of each class, in an order that does not depend on how the rows arrived.
 * A half-sample takes `halfOf` of every class without replacement. The jackknife deals each class, shuffled, over the blocks, going
 * on where the class before ended, so that blocks are of equal size and no class ever loses all its rows; fewer rows than
 * blocks make as many blocks as there are rows.
 */
export function drawSubsets(members: readonly Int32Array[], options: SubsetOptions): Subsets {
  const rows = members.reduce((sum, group) => sum + group.length, 0);
  const { seed, halfSamples } = options;
  const blocks = Math.min(options.blocks, rows);
  const count = halfSamples + blocks;
  const stride = Math.ceil(count / 8);
  const subsets: Subsets = {
    count,
    halfSamples,
    blocks,
    stride,
    bits: new Uint8Array(rows * stride),
    sizes: new Int32Array(count * members.length),
  };
  const put = (row: number, s: number, label: number) => {
    subsets.bits[row * stride + (s >> 3)] |= 1 << (s & 7);
    subsets.sizes[s * members.length + label]++;
  };

  for (let s = 0; s < halfSamples; s++) {
    const random = stream(seed, 'half-sample', s);
    members.forEach((group, label) => {
      // Selection sampling (Knuth, algorithm S): each row in turn, with probability wanted / left.
      let wanted = halfOf(group.length);
      for (let i = 0; i < group.length && wanted > 0; i++) {
        if (random.uniform() * (group.length - i) < wanted) {
          put(group[i], s, label);
          wanted--;
        }
      }
    });
  }

  const random = stream(seed, 'jackknife');
  let dealt = 0;
  members.forEach((group, label) => {
    for (const row of random.shuffle(group.slice())) {
      const block = dealt++ % blocks;
      for (let b = 0; b < blocks; b++) if (b !== block) put(row, halfSamples + b, label);
    }
  });
  return subsets;
}
