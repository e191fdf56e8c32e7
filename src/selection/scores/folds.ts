/** Folds of rows such that each group of rows stays in one. */

/** Folds of the probes. */
export const FOLDS = 5;

/**
 * [rows]: fold of each row, given its group: the largest group first, each to the fold with the fewest rows (as scikit-learn's
 * GroupKFold). Fewer groups than `count` make as many folds as there are groups.
 */
export function groupFolds(groups: ArrayLike<number>, count = FOLDS): { folds: Int32Array; foldCount: number } {
  const sizes = new Map<number, number>();
  for (let row = 0; row < groups.length; row++) sizes.set(groups[row], (sizes.get(groups[row]) ?? 0) + 1);
  const foldCount = Math.max(1, Math.min(count, sizes.size));
  const loads = new Array<number>(foldCount).fill(0);
  const foldOf = new Map<number, number>();
  for (const [group, size] of [...sizes].sort(([, a], [, b]) => b - a)) {
    const lightest = loads.indexOf(Math.min(...loads));
    foldOf.set(group, lightest);
    loads[lightest] += size;
  }
  return { folds: Int32Array.from({ length: groups.length }, (_, row) => foldOf.get(groups[row]) ?? 0), foldCount };
}
