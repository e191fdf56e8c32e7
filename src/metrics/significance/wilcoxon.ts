/** Wilcoxon's signed-rank test, exact: whether paired differences lie around 0 (Wilcoxon 1945). */
import { ranks } from '../correlation.js';

/** With fewer differences no outcome is significant at 5 %: five of one sign have p = 0.0625. */
export const LEAST_PAIRS = 6;

/**
 * Two-sided p; null below six differences. Differences of 0 are left out (scipy's `zero_method='wilcox'`), equal sizes share their mean
 * rank, and p counts the sign patterns of these very ranks, ties and all (scipy's `method=PermutationMethod()`, which without ties is
 * its `method='exact'`). All of them 0: 1.
 */
export function wilcoxon(differences: readonly number[]): number | null {
  if (differences.length < LEAST_PAIRS) return null;
  const kept = differences.filter((difference) => difference !== 0);
  // Mean ranks may be halves; doubled, all are whole.
  const doubled = Array.from(ranks(kept.map(Math.abs)), (rank) => 2 * rank);
  const largest = doubled.reduce((sum, rank) => sum + rank, 0);
  const positive = doubled.reduce((sum, rank, i) => sum + (kept[i] > 0 ? rank : 0), 0);
  // Share of sign patterns by the sum of the ranks that are positive.
  const share = new Float64Array(largest + 1);
  share[0] = 1;
  for (const rank of doubled) {
    for (let sum = largest; sum >= 0; sum--) share[sum] = (share[sum] + (sum >= rank ? share[sum - rank] : 0)) / 2;
  }
  const smaller = Math.min(positive, largest - positive);
  let tail = 0;
  for (let sum = 0; sum <= smaller; sum++) tail += share[sum];
  return Math.min(1, 2 * tail);
}
