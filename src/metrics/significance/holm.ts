/** Holm's correction for many tests (Holm 1979, "A simple sequentially rejective multiple test procedure"). */

/** Adjusted p values, in the order given: rejecting those at most α keeps the chance of any false rejection at most α. */
export function holm(p: readonly number[]): number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a] - p[b]);
  const adjusted = new Array<number>(p.length);
  let highest = 0;
  order.forEach((test, rank) => {
    highest = Math.max(highest, Math.min(1, (p.length - rank) * p[test]));
    adjusted[test] = highest;
  });
  return adjusted;
}
