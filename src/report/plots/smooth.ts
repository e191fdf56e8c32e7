/** Curves of several seeds as one. */

type Curve = [x: number, y: number][];

/** Mean of the curves at each place where any has a point; places are the same where they differ by less than a hundredth. */
export function meanCurve(curves: Curve[]): Curve {
  const sums = new Map<number, { x: number; sum: number; count: number }>();
  for (const [x, y] of curves.flat()) {
    const place = Math.round(x * 100);
    const cell = sums.get(place) ?? { x, sum: 0, count: 0 };
    sums.set(place, { ...cell, sum: cell.sum + y, count: cell.count + 1 });
  }
  return [...sums.values()].sort((a, b) => a.x - b.x).map(({ x, sum, count }) => [x, sum / count]);
}

/** Mean over seeds and over windows of `1 / windows` of the range, each at its middle: a curve of at most so many points. */
export function smoothLosses(curves: Curve[], windows = 25): Curve {
  const points = curves.flat();
  let end = 0;
  for (const [x] of points) end = Math.max(end, x);
  if (end === 0) return [];
  const sums = Array.from({ length: windows }, () => ({ sum: 0, count: 0 }));
  for (const [x, y] of points) {
    const window = sums[Math.max(0, Math.min(windows - 1, Math.ceil((x / end) * windows) - 1))];
    window.sum += y;
    window.count++;
  }
  return sums.flatMap(
    ({ sum, count }, index): Curve => (count > 0 ? [[((index + 0.5) / windows) * end, sum / count]] : []),
  );
}
