/** Matthews correlation for any number of classes (Gorodkin 2004, "Comparing two K-category assignments"). */
import { type Tallies, tally } from './counts.js';

/** −1 to 1; 0 where predictions or gold are all of one class. */
export function matthews(predictions: ArrayLike<number>, gold: ArrayLike<number>): number {
  return matthewsOf(tally(predictions, gold));
}

/** As `matthews`. */
export function matthewsOf({ gold, predicted, correct, total }: Tallies): number {
  let right = 0;
  let chance = 0;
  let goldSquares = 0;
  let predictedSquares = 0;
  for (let at = 0; at < gold.length; at++) {
    right += correct[at];
    chance += gold[at] * predicted[at];
    goldSquares += gold[at] * gold[at];
    predictedSquares += predicted[at] * predicted[at];
  }
  const spread = (total * total - predictedSquares) * (total * total - goldSquares);
  return spread === 0 ? 0 : (total * right - chance) / Math.sqrt(spread);
}
