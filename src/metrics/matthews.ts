/** Matthews correlation for any number of classes (Gorodkin 2004, "Comparing two K-category assignments"). */
import { confusion, marginals } from './counts.js';

/** −1 to 1; 0 where predictions or gold are all of one class. */
export function matthews(predictions: ArrayLike<number>, gold: ArrayLike<number>): number {
  const table = confusion(predictions, gold);
  const { gold: actual, predicted, correct } = marginals(table);
  const n = table.total;
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const covariance = n * correct.reduce((sum, count) => sum + count, 0) - dot(actual, predicted);
  const spread = (n * n - dot(predicted, predicted)) * (n * n - dot(actual, actual));
  return spread === 0 ? 0 : covariance / Math.sqrt(spread);
}
