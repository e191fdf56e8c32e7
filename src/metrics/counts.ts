/** Counts per class, which all scores of classes are made of. */

/** By class, in one order of classes; `total` is the number of examples, or their weight. */
export interface Tallies {
  /** How often each class is gold. */
  gold: ArrayLike<number>;
  /** How often each class is predicted. */
  predicted: ArrayLike<number>;
  /** How often it is both. */
  correct: ArrayLike<number>;
  total: number;
}

/** Counts the classes that occur in predictions or gold, in ascending order. Lengths are equal. */
export function tally(predictions: ArrayLike<number>, gold: ArrayLike<number>): Tallies {
  const classes = [...new Set([...Array.from(predictions), ...Array.from(gold)])].sort((a, b) => a - b);
  const position = new Map(classes.map((id, i) => [id, i]));
  const [actual, predicted, correct] = [0, 1, 2].map(() => new Array<number>(classes.length).fill(0));
  for (let i = 0; i < gold.length; i++) {
    const at = position.get(gold[i]) as number;
    actual[at]++;
    predicted[position.get(predictions[i]) as number]++;
    if (predictions[i] === gold[i]) correct[at]++;
  }
  return { gold: actual, predicted, correct, total: gold.length };
}
