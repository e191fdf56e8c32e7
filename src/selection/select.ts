/** From measured ν to what `spantune select` reports: the curve, ℓ*, the proposed arm, and how sure the choice is. */
import type { SelectResult } from '../pipeline/types.js';
import { parseArm, type ResolvedArm, resolveArm } from './arms.js';
import { bestLayer, type SelectionRange } from './strategies.js';
import type { VariabilityResult } from './variability.js';

/** What selection knows of a `SelectResult`; the pipeline adds the task, the model and the cost. */
export type SelectionSummary = Omit<
  SelectResult,
  'task' | 'model' | 'shape' | 'pair' | 'seconds' | 'padding' | 'truncated'
> & {
  /** What the range of the proposal's argmin changed, where it did. */
  note?: string;
};

/** Throws a `UserError` where k exceeds the number of layers. */
export function summariseSelection(
  variability: VariabilityResult,
  { k, range }: { k: number; range: SelectionRange },
): SelectionSummary {
  const { nu, intervals, shares, samples, halfSamples, leftOut, warnings } = variability;
  const { note, ...arm }: ResolvedArm = resolveArm(parseArm(`selected-${k}`), { layers: nu.length, nu, range });
  return {
    samples,
    layers: nu.map((value, index) => ({
      layer: index + 1,
      nu: value,
      low: intervals?.[index]?.low ?? null,
      high: intervals?.[index]?.high ?? null,
      share: shares?.[index] ?? null,
    })),
    selected: bestLayer(nu),
    arm,
    ...(note === undefined ? {} : { note }),
    k,
    range,
    halfSamples,
    leftOut,
    undecided: shares !== null && Math.max(...shares) < 0.5,
    warnings,
  };
}
