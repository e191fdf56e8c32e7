/**
 * Correlations on a weighted sample in which example i stands `weights[i]` times: moments for Pearson's, and for Spearman's the
 * ranks that the repeated sample would have, by one pass over values sorted once.
 */
import type { Task } from '../../data/types.js';
import { SpantuneError } from '../../errors.js';
import { allFinite } from '../correlation.js';
import type { WeightedScorer } from './types.js';

/** Which of the variance is rounding where all that was drawn is equal; far above it, and far below any spread of real scores. */
const ROUNDING = 1e-9;

/** A run with a prediction that is not finite scores 0, whether that one is drawn or not. */
export function correlationScorer(task: Task, gold: ArrayLike<number>, predicted: ArrayLike<number>[]): WeightedScorer {
  const metrics = task.metrics.map((name) => {
    if (name === 'pearson') return pearsonScorer(gold, predicted);
    if (name === 'spearman') return spearmanScorer(gold, predicted);
    throw new SpantuneError(`${name} is no metric of scores`);
  });
  const finite = predicted.map(allFinite);
  return {
    weigh(weights) {
      for (const { weigh } of metrics) weigh(weights);
    },
    score(run) {
      if (!finite[run]) return 0;
      return metrics.reduce((sum, { score }) => sum + score(run), 0) / metrics.length;
    },
  };
}

function pearsonScorer(gold: ArrayLike<number>, predicted: ArrayLike<number>[]): WeightedScorer {
  const y = centred(gold);
  const runs = predicted.map(centred);
  let drawn: Int32Array = new Int32Array(0);
  let total = 0;
  let sumY = 0;
  let squaresY = 0;
  return {
    weigh(weights) {
      drawn = weights;
      total = 0;
      sumY = 0;
      squaresY = 0;
      for (let i = 0; i < y.length; i++) {
        const weighted = weights[i] * y[i];
        total += weights[i];
        sumY += weighted;
        squaresY += weighted * y[i];
      }
    },
    score(run) {
      const x = runs[run];
      let sumX = 0;
      let squaresX = 0;
      let products = 0;
      for (let i = 0; i < x.length; i++) {
        const weighted = drawn[i] * x[i];
        sumX += weighted;
        squaresX += weighted * x[i];
        products += weighted * y[i];
      }
      const spreadX = squaresX - (sumX * sumX) / total;
      const spreadY = squaresY - (sumY * sumY) / total;
      if (spreadX <= ROUNDING * squaresX && isConstantIn(x, drawn)) return 0;
      if (spreadY <= ROUNDING * squaresY && isConstantIn(y, drawn)) return 0;
      const spread = Math.sqrt(spreadX) * Math.sqrt(spreadY);
      return spread > 0 ? clamp((products - (sumX * sumY) / total) / spread) : 0;
    },
  };
}

function spearmanScorer(gold: ArrayLike<number>, predicted: ArrayLike<number>[]): WeightedScorer {
  const goldTies = sortedTies(gold);
  const runs = predicted.map(sortedTies);
  // Rank of each example's label, less the mean rank.
  const goldRank = new Float64Array(gold.length);
  let drawn: Int32Array = new Int32Array(0);
  let total = 0;
  let squaresY = 0;

  return {
    weigh(weights) {
      drawn = weights;
      total = weights.reduce((sum, weight) => sum + weight, 0);
      squaresY = 0;
      let before = 0;
      const { order, ends } = goldTies;
      for (let tie = 0, start = 0; tie < ends.length; start = ends[tie++]) {
        const end = ends[tie];
        let here = 0;
        for (let at = start; at < end; at++) here += weights[order[at]];
        const rank = before + (here - total) / 2;
        for (let at = start; at < end; at++) goldRank[order[at]] = rank;
        squaresY += here * rank * rank;
        before += here;
      }
    },
    score(run) {
      const { order, ends } = runs[run];
      let before = 0;
      let squaresX = 0;
      let products = 0;
      for (let tie = 0, start = 0; tie < ends.length; start = ends[tie++]) {
        const end = ends[tie];
        let here = 0;
        let ranks = 0;
        for (let at = start; at < end; at++) {
          const example = order[at];
          here += drawn[example];
          ranks += drawn[example] * goldRank[example];
        }
        const rank = before + (here - total) / 2;
        squaresX += here * rank * rank;
        products += rank * ranks;
        before += here;
      }
      // Ranks are halves of whole numbers: both sums are exact, and zero where all that was drawn is equal.
      const spread = Math.sqrt(squaresX) * Math.sqrt(squaresY);
      return spread > 0 ? clamp(products / spread) : 0;
    },
  };
}

/** Examples by ascending value, and where each run of equal values ends in that order. */
function sortedTies(values: ArrayLike<number>): { order: Int32Array; ends: Int32Array } {
  const order = Int32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const ends: number[] = [];
  for (let at = 1; at <= order.length; at++) {
    if (at === order.length || values[order[at]] !== values[order[at - 1]]) ends.push(at);
  }
  return { order, ends: Int32Array.from(ends) };
}

/** Less the mean, so that sums of squares lose no digits. */
function centred(values: ArrayLike<number>): Float64Array {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return Float64Array.from(values, (value) => value - sum / values.length);
}

function isConstantIn(values: Float64Array, weights: Int32Array): boolean {
  let first: number | undefined;
  for (let i = 0; i < values.length; i++) {
    if (weights[i] === 0) continue;
    first ??= values[i];
    if (values[i] !== first) return false;
  }
  return true;
}

const clamp = (correlation: number) => Math.max(-1, Math.min(1, correlation));
