/** Share of predictions that are right. */
export function accuracy(predictions: ArrayLike<number>, gold: ArrayLike<number>): number {
  let right = 0;
  for (let i = 0; i < gold.length; i++) if (predictions[i] === gold[i]) right++;
  return right / gold.length;
}
