/** F1, the harmonic mean of precision and recall: 2 · true positives / (predicted positives + gold positives). */
import { confusion, marginals } from './counts.js';

/** F1 of one class; 0 where it is neither predicted nor gold, as scikit-learn's `zero_division=0`. */
export function f1(predictions: ArrayLike<number>, gold: ArrayLike<number>, positive: number): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < gold.length; i++) {
    const predicted = predictions[i] === positive;
    const actual = gold[i] === positive;
    if (predicted && actual) both++;
    either += Number(predicted) + Number(actual);
  }
  return either === 0 ? 0 : (2 * both) / either;
}

/** Unweighted mean of the F1 of every class that occurs in predictions or gold, as scikit-learn's `average='macro'`. */
export function macroF1(predictions: ArrayLike<number>, gold: ArrayLike<number>): number {
  const table = confusion(predictions, gold);
  const { gold: actual, predicted, correct } = marginals(table);
  const scores = table.classes.map((_, i) => (2 * correct[i]) / (actual[i] + predicted[i]));
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
