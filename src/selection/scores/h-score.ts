/**
 * H-score with shrinkage: tr(Σ_α⁻¹ (1 − α) Σ_z), Σ_z the covariance of the class means over inputs, Σ_α = (1 − α) Σ + α (tr Σ / d) I
 * and α by Ledoit and Wolf (2004) (Ibrahim, Ponomareva and Mazumder, "Newer is not always better: Rethinking transferability metrics",
 * ECML 2022, arXiv 2110.06893; the H-score is Bao et al.'s, ICIP 2019).
 */
import { total } from './moments.js';
import type { LayerInput } from './score.js';
import { choleskySolve } from './symmetric.js';

/** Null where all states are one. */
export function hScore(input: LayerInput): number | null {
  const moments = input.moments();
  const { rows, width, columns, fourth } = moments;
  const { scatter, products, targetSum } = total(moments);
  let trace = 0;
  let square = 0;
  for (let i = 0; i < width; i++) trace += scatter[i * width + i] / rows;
  for (const value of scatter) square += (value / rows) ** 2;
  if (!(trace > 0)) return null;
  const mu = trace / width;
  const distance = (square - 2 * mu * trace + width * mu * mu) / width;
  const noise = Math.min((fourth / rows - square) / (width * rows), distance);
  const alpha = noise <= 0 ? 0 : noise / distance;

  for (let i = 0; i < scatter.length; i++) scatter[i] *= (1 - alpha) / rows;
  for (let i = 0; i < width; i++) scatter[i * width + i] += alpha * mu;
  // Rows √N_y (m_y − m), whose outer products sum to (N − 1) Σ_z.
  for (let c = 0; c < columns; c++) {
    const scale = 1 / Math.sqrt(targetSum[c]);
    for (let j = 0; j < width; j++) products[c * width + j] *= scale;
  }
  const solved = products.slice();
  choleskySolve(scatter, width, solved);
  let score = 0;
  for (let i = 0; i < products.length; i++) score += products[i] * solved[i];
  return ((1 - alpha) * score) / (rows - 1);
}
