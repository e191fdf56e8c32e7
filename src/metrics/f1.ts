/** F1, the harmonic mean of precision and recall: 2 · true positives / (predicted positives + gold positives). */
import { type Tallies, tally } from './counts.js';

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
  return macroF1Of(tally(predictions, gold));
}

/** F1 of the class at a position of the tallies. */
export function f1Of({ gold, predicted, correct }: Tallies, at: number): number {
  const either = gold[at] + predicted[at];
  return either === 0 ? 0 : (2 * correct[at]) / either;
}

/** As `macroF1`; classes that do not occur count for nothing. */
export function macroF1Of(tallies: Tallies): number {
  const { gold, predicted } = tallies;
  let sum = 0;
  let classes = 0;
  for (let at = 0; at < gold.length; at++) {
    if (gold[at] + predicted[at] === 0) continue;
    sum += f1Of(tallies, at);
    classes++;
  }
  return sum / classes;
}
