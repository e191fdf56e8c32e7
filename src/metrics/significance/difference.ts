/** What resamples say of the difference between two arms. */
import { SpantuneError } from '../../errors.js';
import { stream } from '../../random.js';

/** With fewer seeds in common, resampling them would say more of chance in the resamples than of seeds. */
export const LEAST_SEEDS = 5;

/** Differences this close to 0 are sums of equal terms, up to rounding. */
const ROUNDING = 1e-12;

/** The task score of one run, and on each resample. */
export interface ResampledScore {
  score: number;
  resampled: Float64Array;
}

export interface PairedDifference {
  /** Mean over the seeds of what dev itself gives. */
  difference: number;
  /** 95 % percentile interval. */
  low: number;
  high: number;
  /** Two-sided. */
  p: number;
}

/**
 * Arm minus reference; one entry a seed on both sides, in the same order. From five seeds on each resample of dev takes a resample of the
 * seeds as well, the same for both sides. p is twice the smaller share of resampled differences that lie on one side of 0, or on it,
 * counting one more (Davison and Hinkley 1997, section 4.2): never 0, at most 1.
 */
export function pairedDifference(
  arm: readonly ResampledScore[],
  reference: readonly ResampledScore[],
  seed: number,
): PairedDifference {
  const seeds = arm.length;
  if (seeds === 0 || seeds !== reference.length) {
    throw new SpantuneError(`cannot pair ${seeds} with ${reference.length} runs`);
  }
  const resamples = arm[0].resampled.length;
  const differences = new Float64Array(resamples);
  const random = stream(seed, 'resample-seeds', seeds);
  let [notAbove, notBelow] = [0, 0];
  for (let draw = 0; draw < resamples; draw++) {
    let sum = 0;
    for (let i = 0; i < seeds; i++) {
      const at = seeds < LEAST_SEEDS ? i : random.integer(seeds);
      sum += arm[at].resampled[draw] - reference[at].resampled[draw];
    }
    const difference = withoutRounding(sum / seeds);
    differences[draw] = difference;
    if (difference <= 0) notAbove++;
    if (difference >= 0) notBelow++;
  }
  differences.sort();
  const sum = arm.reduce((total, { score }, i) => total + score - reference[i].score, 0);
  return {
    difference: withoutRounding(sum / seeds),
    low: quantile(differences, 0.025),
    high: quantile(differences, 0.975),
    p: Math.min(1, (2 * (Math.min(notAbove, notBelow) + 1)) / (resamples + 1)),
  };
}

/**
 * `better` or `worse` where the interval excludes 0, by however little; else `matches` where it lies above minus the margin; else
 * `undecided`. (Asked first, `matches` would swallow every `better`.)
 */
export function verdictOf(
  { low, high }: { low: number; high: number },
  margin: number,
): 'better' | 'matches' | 'worse' | 'undecided' {
  if (low > 0) return 'better';
  if (high < 0) return 'worse';
  return low > -margin ? 'matches' : 'undecided';
}

/** Of ascending values, linear between them. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

const withoutRounding = (difference: number) => (Math.abs(difference) < ROUNDING ? 0 : difference);
