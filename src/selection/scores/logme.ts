/**
 * LogME: the log evidence per input of a Bayesian linear model from the states to each class (or to the score), its two precisions
 * maximised (You et al., "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", ICML 2021, arXiv 2102.11005; the
 * fixed point of arXiv 2110.10545). All directions count in the determinant, also where there are fewer inputs than dimensions.
 */
import { type Moments, total } from './moments.js';
import type { LayerInput } from './score.js';
import { eigenvalues, tridiagonalise } from './symmetric.js';

/** Most rounds of the fixed point, and the relative change of the ratio of precisions at which it ends. */
const ROUNDS = 11;
const CHANGE = 1e-3;
/** Keeps precisions finite, as in the authors' code. */
const EPSILON = 1e-5;

export function logme(input: LayerInput): number {
  return evidence(input.moments());
}

/** Mean over the columns of y of log p(y | states) / rows. */
export function evidence(moments: Moments): number {
  const { rows, width, columns, mean } = moments;
  const { scatter, products, targetSum, targetSquares } = total(moments);
  // FᵀF and Fᵀy of the states F as they are, from sums around their mean.
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) scatter[i * width + j] += rows * mean[i] * mean[j];
  }
  for (let c = 0; c < columns; c++) {
    for (let j = 0; j < width; j++) products[c * width + j] += mean[j] * targetSum[c];
  }
  const tridiagonal = tridiagonalise(scatter, width);
  tridiagonal.toBasis(products);
  const spectrum = eigenvalues(tridiagonal, products);
  const zero = spectrum.reduce((most, value) => Math.max(most, value), 0) * width * Number.EPSILON;
  const sigma = spectrum.map((value) => (value > zero ? value : 0));
  let sum = 0;
  for (let c = 0; c < columns; c++) {
    const x2 = sigma.map((value, k) => (value > 0 ? products[c * width + k] ** 2 / value : 0));
    sum += columnEvidence(sigma, x2, targetSquares[c], rows);
  }
  return sum / columns;
}

/** `sigma`: squared singular values of F; `x2`: squared coefficients of y along the left singular vectors. */
function columnEvidence(sigma: Float64Array, x2: Float64Array, square: number, rows: number): number {
  const width = sigma.length;
  const rank = sigma.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
  // With as many directions as inputs nothing of y is left beside them, and what a difference shows is rounding.
  const rest = rank < rows ? Math.max(0, square - x2.reduce((sum, value) => sum + value, 0)) : 0;
  let [alpha, beta, m2, res2] = [1, 1, 0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const t = alpha / beta;
    // γ, and rows − γ summed by itself: where the model can fit every input, their difference would be rounding.
    let gamma = 0;
    let free = rows - rank;
    m2 = 0;
    res2 = rest;
    for (let k = 0; k < width; k++) {
      const s = sigma[k];
      gamma += s / (s + t);
      if (s > 0) free += t / (s + t);
      m2 += (s * x2[k]) / (t + s) ** 2;
      res2 += x2[k] / (1 + s / t) ** 2;
    }
    alpha = gamma / (m2 + EPSILON);
    beta = free / (res2 + EPSILON);
    if (Math.abs(alpha / beta - t) / t <= CHANGE) break;
  }
  let determinant = 0;
  for (const s of sigma) determinant += Math.log(alpha + beta * s);
  const logEvidence =
    (width * Math.log(alpha) + rows * Math.log(beta) - determinant - beta * res2 - alpha * m2) / 2 -
    (rows / 2) * Math.log(2 * Math.PI);
  return logEvidence / rows;
}
