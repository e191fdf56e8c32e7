/** From measured ν to what `spantune select` reports: the curve, ℓ*, the proposed arm, and how sure the choice is. */
import { parseArm, type ResolvedArm, resolveArm } from './arms.js';
import type { ScoreName } from './scores/catalogue.js';
import { curveOf, type ScoreCurve } from './scores/choose.js';
import { bestLayer, type SelectionRange } from './strategies.js';
import type { LayerScoreResult, LayerVariability, SelectionSummary } from './types.js';
import type { VariabilityResult } from './variability.js';

/** `curve`: the score that chooses, where it is not ν; `unmeasured`: the pass had no classes for ν. Throws a `UserError` where k exceeds the number of layers. */
export function summariseSelection(
  variability: VariabilityResult,
  { k, range, curve, unmeasured }: { k: number; range: SelectionRange; curve?: ScoreCurve; unmeasured?: boolean },
): SelectionSummary {
  const { nu, intervals, shares, samples, halfSamples, leftOut, warnings } = variability;
  const { note, ...arm }: ResolvedArm = resolveArm(parseArm(`selected-${k}`), {
    layers: nu.length,
    nu,
    ...curve,
    range,
  });
  return {
    samples,
    layers: nu.map((value, index) => ({
      layer: index + 1,
      nu: unmeasured ? null : value,
      low: intervals?.[index]?.low ?? null,
      high: intervals?.[index]?.high ?? null,
      share: shares?.[index] ?? null,
    })),
    selected: bestLayer(curve?.nu ?? nu),
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

/** What places the arms of a run: the curve of the score that chose. */
export function curveOfSelection({
  score,
  scores,
  layers,
}: {
  score: ScoreName;
  scores: readonly LayerScoreResult[];
  layers: readonly LayerVariability[];
}): ScoreCurve {
  const chosen = scores.find(({ name }) => name === score);
  if (score === 'nu' || !chosen) return { nu: layers.map(({ nu }) => nu ?? Number.POSITIVE_INFINITY) };
  return curveOf(
    score,
    chosen.layers.map(({ value }) => value),
  );
}
