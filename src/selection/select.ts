/** From measured ν to what `spantune select` reports: the curve, ℓ*, the proposed arm, and how sure the choice is. */
import type { Arm, LayerVariability } from '../pipeline/types.js';
import { parseArm, type ResolvedArm, resolveArm } from './arms.js';
import { bestLayer, type SelectionRange } from './strategies.js';
import type { VariabilityResult } from './variability.js';

export interface SelectionSummary {
  samples: number;
  layers: LayerVariability[];
  /** ℓ*, the plain argmin over all layers. */
  selected: number;
  /** The proposal, selected-k. */
  arm: Arm;
  /** What the range of the proposal's argmin changed, where it did. */
  note?: string;
  k: number;
  range: SelectionRange;
  /** Half-samples behind the shares; 0 where there are none. */
  halfSamples: number;
  leftOut: string[];
  /** True where no layer is chosen in half of the half-samples. */
  undecided: boolean;
  warnings: string[];
}

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
