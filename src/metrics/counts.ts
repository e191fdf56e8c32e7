/** Confusion counts, which all scores of classes are made of. */

export interface Confusion {
  /** Class ids that occur in predictions or gold, ascending. */
  classes: number[];
  /** [gold class position, predicted class position] → count. */
  counts: number[][];
  total: number;
}

/** Counts how often each class was predicted for each gold class. Lengths are equal. */
export function confusion(predictions: ArrayLike<number>, gold: ArrayLike<number>): Confusion {
  const classes = [...new Set([...Array.from(predictions), ...Array.from(gold)])].sort((a, b) => a - b);
  const position = new Map(classes.map((id, i) => [id, i]));
  const counts = classes.map(() => new Array<number>(classes.length).fill(0));
  for (let i = 0; i < gold.length; i++) {
    counts[position.get(gold[i]) as number][position.get(predictions[i]) as number]++;
  }
  return { classes, counts, total: gold.length };
}

/** How often each class is gold, and how often it is predicted. */
export function marginals({ counts }: Confusion): { gold: number[]; predicted: number[]; correct: number[] } {
  const gold = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const predicted = counts.map((_, i) => counts.reduce((sum, row) => sum + row[i], 0));
  return { gold, predicted, correct: counts.map((row, i) => row[i]) };
}
