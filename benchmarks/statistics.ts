/** What figures are summed up by. */

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const geometricMean = (values: readonly number[]): number => Math.exp(mean(values.map(Math.log)));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median and range: `1.16 (1.10 – 1.20)`; a dash of nothing. */
export function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–';
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} (${low} – ${high})`;
}

/** Mean and, from two on, sample standard deviation of scores, in points. */
export function formatScores(scores: readonly number[]): string {
  const centre = mean(scores);
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - centre) ** 2, 0) / (scores.length - 1));
  return (100 * centre).toFixed(1) + (scores.length > 1 ? ` ± ${(100 * deviation).toFixed(1)}` : '');
}
