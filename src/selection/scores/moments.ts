/** First and second moments of one layer's pooled states, in float64 around their mean: what the linear scores are made of. */
import { createScatter } from '../scatter.js';
import type { PooledStates } from '../states.js';

/** Sums over the rows of one fold; x̃ is a row less the mean of all rows. */
export interface FoldMoments {
  rows: number;
  /** Σ x̃ [width]. */
  sum: Float64Array;
  /** Σ x̃ x̃ᵀ [width, width]. */
  scatter(): Float64Array;
  /** Σ y x̃ [columns, width]. */
  products: Float64Array;
  /** Σ y and Σ y² [columns]. */
  targetSum: Float64Array;
  targetSquares: Float64Array;
}

export interface Moments {
  rows: number;
  width: number;
  /** Columns of y: one-hot classes, or one score. */
  columns: number;
  mean: Float64Array;
  folds: FoldMoments[];
  /** Σ ‖x̃‖⁴ over all rows. */
  fourth: number;
}

export interface MomentsOptions {
  kind: 'classification' | 'regression';
  targets: Float64Array;
  folds: Int32Array;
  foldCount: number;
}

/** Reads the layer (1-based) twice. Room: half a width × width matrix a fold. */
export function computeMoments(states: PooledStates, layer: number, options: MomentsOptions): Moments {
  const { rows, width, classes } = states;
  const { kind, targets, foldCount } = options;
  const columns = kind === 'regression' ? 1 : classes;
  const mean = columnMeans(states, layer);
  const scatters = Array.from({ length: foldCount }, () => createScatter(width));
  const folds: FoldMoments[] = scatters.map((scatter) => ({
    rows: 0,
    sum: new Float64Array(width),
    scatter: () => scatter.matrix(),
    products: new Float64Array(columns * width),
    targetSum: new Float64Array(columns),
    targetSquares: new Float64Array(columns),
  }));
  const x = new Float64Array(width);
  let fourth = 0;
  for (const piece of states.pieces(layer - 1)) {
    for (let i = 0; i * width < piece.states.length; i++) {
      const row = piece.from + i;
      const fold = folds[options.folds[row]];
      const column = kind === 'regression' ? 0 : states.classOf[row];
      const y = kind === 'regression' ? targets[row] : 1;
      let square = 0;
      for (let j = 0; j < width; j++) {
        const value = piece.states[i * width + j] - mean[j];
        x[j] = value;
        square += value * value;
        fold.sum[j] += value;
        fold.products[column * width + j] += y * value;
      }
      fourth += square * square;
      fold.rows++;
      fold.targetSum[column] += y;
      fold.targetSquares[column] += y * y;
      scatters[options.folds[row]].add(x, 1);
    }
  }
  return { rows, width, columns, mean, folds, fourth };
}

/** Mean of a layer's rows (1-based layer), summed around the first row: [width]. */
export function columnMeans(states: PooledStates, layer: number): Float64Array {
  const { rows, width } = states;
  const sums = new Float64Array(width);
  let centre: Float64Array | undefined;
  for (const piece of states.pieces(layer - 1)) {
    centre ??= Float64Array.from(piece.states.subarray(0, width));
    for (let at = 0; at < piece.states.length; at += width) {
      for (let j = 0; j < width; j++) sums[j] += piece.states[at + j] - centre[j];
    }
  }
  return sums.map((sum, j) => sum / rows + (centre?.[j] ?? 0));
}

/** Sums over all folds: Σ x̃ x̃ᵀ, Σ y x̃, Σ y, Σ y². */
export function total({ folds, width, columns }: Moments) {
  const scatter = new Float64Array(width * width);
  const products = new Float64Array(columns * width);
  const targetSum = new Float64Array(columns);
  const targetSquares = new Float64Array(columns);
  for (const fold of folds) {
    addTo(scatter, fold.scatter());
    addTo(products, fold.products);
    addTo(targetSum, fold.targetSum);
    addTo(targetSquares, fold.targetSquares);
  }
  return { scatter, products, targetSum, targetSquares };
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}
