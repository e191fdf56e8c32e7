/**
 * Ridge probe: a linear model with a squared penalty on standardised states, fitted to the classes as numbers (or to the score), on four
 * fifths of the rows and tried on the fifth, for each of five folds; rows that share a text stay in one fold. The score is that of
 * the best penalty: the share of right answers, or R² for regression.
 */
import { type Moments, total } from './moments.js';
import type { LayerInput } from './score.js';
import { solveShifted, tridiagonalise } from './symmetric.js';

/** The penalties that are tried. */
export const PENALTIES: readonly number[] = [1, 10, 100, 1e3, 1e4, 1e5];

/** A linear model on states as they are. */
export interface LinearModel {
  /** [columns, width] */
  weights: Float64Array;
  /** [columns] */
  biases: Float64Array;
}

/** Null with a single fold, that is, where all rows share texts. */
export function ridge(input: LayerInput): number | null {
  if (input.foldCount < 2) return null;
  const moments = input.moments();
  const { width, columns } = moments;
  const models = moments.folds.map((_, fold) => fitRidge(moments, PENALTIES, { without: fold }));
  const { states, kind, targets, folds } = input;
  const right = new Float64Array(PENALTIES.length);
  const errors = new Float64Array(PENALTIES.length);
  for (const piece of states.pieces(input.layer - 1)) {
    for (let i = 0; i * width < piece.states.length; i++) {
      const row = piece.from + i;
      const x = piece.states.subarray(i * width, (i + 1) * width);
      models[folds[row]].forEach((model, p) => {
        let [best, answer] = [Number.NEGATIVE_INFINITY, 0];
        for (let c = 0; c < columns; c++) {
          const output = predict(model, c, x);
          if (output > best) [best, answer] = [output, c];
        }
        if (kind === 'regression') errors[p] += (best - targets[row]) ** 2;
        else if (answer === states.classOf[row]) right[p]++;
      });
    }
  }
  if (kind === 'classification') return Math.max(...right) / states.rows;
  const { targetSum, targetSquares } = total(moments);
  const spread = targetSquares[0] - targetSum[0] ** 2 / states.rows;
  return spread > 0 ? 1 - Math.min(...errors) / spread : null;
}

function predict({ weights, biases }: LinearModel, column: number, x: Float32Array): number {
  let output = biases[column];
  const at = column * x.length;
  for (let j = 0; j < x.length; j++) output += weights[at + j] * x[j];
  return output;
}

/** Rounding of float32 states; a smaller spread, relative to the mean, is none. */
const ROUNDING = 1e-6;

/**
 * Deviations that standardise states, from variances and means by dimension: `each` dimension by its own (1 where it has no spread), or
 * all by one, so that a dimension of little spread weighs little.
 */
export function deviationsOf(variances: Float64Array, mean: Float64Array, scale: 'each' | 'common'): Float64Array {
  if (scale === 'common') {
    const variance = variances.reduce((sum, value) => sum + Math.max(0, value), 0) / variances.length;
    return variances.map(() => (variance > 0 ? Math.sqrt(variance) : 1));
  }
  return variances.map((variance, j) => (variance > (ROUNDING * mean[j]) ** 2 ? Math.sqrt(variance) : 1));
}

/**
 * Ridge models, one for each penalty, on all rows but those of fold `without`: of ‖y − b − W z‖² + penalty ‖W‖² with z the states
 * standardised by those rows.
 */
export function fitRidge(
  moments: Moments,
  penalties: readonly number[],
  { without = -1, scale = 'each' as 'each' | 'common' } = {},
): LinearModel[] {
  const { width, columns, mean, folds } = moments;
  const scatter = new Float64Array(width * width);
  const products = new Float64Array(columns * width);
  const sum = new Float64Array(width);
  const targetSum = new Float64Array(columns);
  let rows = 0;
  folds.forEach((fold, index) => {
    if (index === without) return;
    rows += fold.rows;
    const own = fold.scatter();
    for (let i = 0; i < scatter.length; i++) scatter[i] += own[i];
    for (let i = 0; i < products.length; i++) products[i] += fold.products[i];
    for (let j = 0; j < width; j++) sum[j] += fold.sum[j];
    for (let c = 0; c < columns; c++) targetSum[c] += fold.targetSum[c];
  });
  const variances = sum.map((value, j) => scatter[j * width + j] / rows - (value / rows) ** 2);
  const deviations = deviationsOf(variances, mean, scale);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      const centred = scatter[i * width + j] - (sum[i] * sum[j]) / rows;
      scatter[i * width + j] = centred / (deviations[i] * deviations[j]);
    }
  }
  for (let c = 0; c < columns; c++) {
    for (let j = 0; j < width; j++) {
      const at = c * width + j;
      products[at] = (products[at] - (sum[j] * targetSum[c]) / rows) / deviations[j];
    }
  }
  const tridiagonal = tridiagonalise(scatter, width);
  tridiagonal.toBasis(products);
  return penalties.map((penalty) => {
    const weights = products.slice();
    solveShifted(tridiagonal, penalty, weights);
    tridiagonal.fromBasis(weights);
    const biases = new Float64Array(columns);
    for (let c = 0; c < columns; c++) {
      biases[c] = targetSum[c] / rows;
      for (let j = 0; j < width; j++) {
        const at = c * width + j;
        weights[at] /= deviations[j];
        biases[c] -= weights[at] * (mean[j] + sum[j] / rows);
      }
    }
    return { weights, biases };
  });
}
