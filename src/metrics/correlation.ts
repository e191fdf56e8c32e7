/** Correlations of scores: Pearson's, and Spearman's, which is Pearson's of ranks. */

/** −1 to 1; 0 where either side is constant or not finite. */
export function pearson(predictions: ArrayLike<number>, gold: ArrayLike<number>): number {
  const n = gold.length;
  if (isConstant(predictions) || isConstant(gold) || !allFinite(predictions)) return 0;
  const [meanX, meanY] = [mean(predictions), mean(gold)];
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < n; i++) {
    const x = predictions[i] - meanX;
    const y = gold[i] - meanY;
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  const spread = Math.sqrt(xx) * Math.sqrt(yy);
  return spread === 0 ? 0 : Math.max(-1, Math.min(1, xy / spread));
}

/** Pearson's correlation of ranks; ties share their mean rank. */
export function spearman(predictions: ArrayLike<number>, gold: ArrayLike<number>): number {
  return allFinite(predictions) ? pearson(ranks(predictions), ranks(gold)) : 0;
}

/** 1-based ranks; equal values get the mean of theirs. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) result[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return result;
}

/** True where all values are one. */
export function isConstant(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false;
  return true;
}

export function allFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
