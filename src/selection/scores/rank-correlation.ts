/** How alike two scores rank the layers. */
import { spearman } from '../../metrics/correlation.js';

/** Spearman's rank correlation of two scores over the layers that both have; null with fewer than two, or where either is constant. */
export function rankCorrelation(a: readonly (number | null)[], b: readonly (number | null)[]): number | null {
  const both = a.flatMap((value, layer): [number, number][] => {
    const other = b[layer];
    return value === null || other === null ? [] : [[value, other]];
  });
  const [left, right] = [0, 1].map((side) => both.map((pair) => pair[side]));
  const varied = (values: number[]) => values.some((value) => value !== values[0]);
  return varied(left) && varied(right) ? spearman(left, right) : null;
}
