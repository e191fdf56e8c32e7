/** A part of a split on which ν is measured when the whole is more than wanted. */
import { stream } from '../random.js';

/**
 * A stratified sample without replacement: indices into `labels`, ascending. Each class gets its proportional share (largest
 * remainders first), but two examples at least where it has them and `size` allows, since ν leaves out a class of one.
 * A `size` at or above the number of inputs gives all of them.
 */
export function stratifiedSample(labels: ArrayLike<number>, size: number, seed: number): Int32Array {
  if (size >= labels.length) return Int32Array.from(labels, (_, index) => index);
  const members = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const group = members.get(labels[i]);
    if (group) group.push(i);
    else members.set(labels[i], [i]);
  }
  const groups = [...members.entries()].sort(([a], [b]) => a - b);
  const least = groups.map(([, group]) => Math.min(2, group.length));
  const reserve = sum(least) <= size;
  const exact = groups.map(([, group]) => (group.length * size) / labels.length);
  const quota = exact.map((share, i) => Math.max(Math.floor(share), reserve ? least[i] : 0));
  // The class furthest below its exact share gains, the one furthest above gives, until the sum is right.
  for (let missing = size - sum(quota); missing !== 0; missing = size - sum(quota)) {
    const step = Math.sign(missing);
    let best = -1;
    for (let i = 0; i < quota.length; i++) {
      const possible = step > 0 ? quota[i] < groups[i][1].length : quota[i] > (reserve ? least[i] : 0);
      if (possible && (best < 0 || step * (exact[i] - quota[i]) > step * (exact[best] - quota[best]))) best = i;
    }
    quota[best] += step;
  }
  const chosen = groups.flatMap(([label, group], i) => stream(seed, 'sample', label).shuffle(group).slice(0, quota[i]));
  return Int32Array.from(chosen).sort();
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
