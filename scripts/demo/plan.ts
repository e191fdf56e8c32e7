/** What the demo runs: its tasks, the arms that follow from a measurement, and how much work each is. */
import type { Arm, SelectResult, TrainResult } from '../../src/pipeline/types.js';
import type { ArmRow } from '../../src/report/arms.js';
import { type ArmContext, parseArm, resolveArm, sameTriple } from '../../src/selection/arms.js';

/**
 * Epochs of every arm, and training sentences; fewer than the shipped configurations have, so that the demo ends within 90 seconds on
 * slow cores. ν is measured on all sentences.
 */
export const EPOCHS = 2;
export const ROWS = 1000;

export const TASKS = [
  { name: 'period', question: 'Is the sentence from an address before 1860 or after 1960?' },
  { name: 'source', question: 'Is the sentence from Moby Dick, or from an address before 1900 or after 1960?' },
];

export interface PlannedArm {
  arm: Arm;
  /** The arm of the same task that trains the same layers; this one then does not run. */
  sameAs?: string;
  /** Layer passes for each training example, forward and backward; the frozen layers below the span run once. */
  work: number;
}

/** full, top-2 and selected-2, placed by the ν that was measured. */
export function planArms({ shape: { layers }, layers: curve, range }: SelectResult): PlannedArm[] {
  const context: ArmContext = { layers, nu: curve.map(({ nu }) => nu ?? Number.POSITIVE_INFINITY), range };
  const planned: PlannedArm[] = [];
  for (const name of ['full', 'top-2', 'selected-2']) {
    const { note: _, ...arm } = resolveArm(parseArm(name), context);
    const twin = planned.find((other) => other.sameAs === undefined && sameTriple(other.arm, arm));
    planned.push({ arm, ...(twin ? { sameAs: twin.arm.name } : {}), work: layerPasses(arm) });
  }
  return planned;
}

function layerPasses({ bottom, top, head }: Arm): number {
  if (bottom === null || top === null) return head;
  return bottom - 1 + EPOCHS * (3 * (top - bottom + 1) + 2 * (head - top));
}

/** The arm as `--set arm=…` takes it: explicit, so that a run measures nothing again. */
export function armText({ name, bottom, top, head }: Arm): string {
  return `{ name: ${name}, bottom: ${bottom}, top: ${top}, head: ${head} }`;
}

/** The comparison's rows, in the plan's order; an arm that did not run has its twin's figures and says so. */
export function comparisonRows(planned: readonly PlannedArm[], results: ReadonlyMap<string, TrainResult>): ArmRow[] {
  return planned.flatMap(({ arm, sameAs }) => {
    const result = results.get(sameAs ?? arm.name);
    if (!result) return [];
    const { layers, metrics, trainableParameters, peakMemory, seconds } = result;
    return {
      arm,
      layers,
      scores: [metrics.score],
      trainableParameters,
      seconds: (seconds.cache ?? 0) + seconds.tune,
      peakMemory,
      ...(sameAs === undefined ? {} : { note: `same as ${sameAs}` }),
    };
  });
}
