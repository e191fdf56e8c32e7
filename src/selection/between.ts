/** The between-class part of ν: the non-zero eigenpairs of Σ_b, by the small Gram matrix of the class means. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/**
 * Eigenvalues of Σ_b below this share of the largest count as zero. Rounding leaves some 1e-16 of the largest on every
 * eigenvalue, so one at the threshold is known to 1e-6, which is the accuracy promised for ν.
 */
const ZERO_EIGENVALUE = 1e-10;

export interface BetweenClass {
  /** Non-zero eigenvalues of Σ_b, largest first; empty where all class means coincide. */
  values: number[];
  /** Their eigenvectors, of length one: [values.length, width]. */
  directions: Float64Array;
}

/**
 * Eigenpairs of Σ_b = (1/C) Σ_y (m_y − m)(m_y − m)ᵀ with m = (1/C) Σ_y m_y (every class counts the same), for class means
 * m_y [classes, width]. The rank is at most C − 1, so that the C × C Gram matrix holds all of it: with D the centred means and
 * D Dᵀ / C = V Λ Vᵀ, the eigenvectors are u_k = Dᵀ v_k / √(C λ_k).
 */
export function betweenClass(means: Float64Array, classes: number, width: number): BetweenClass {
  const centred = new Float64Array(means);
  for (let j = 0; j < width; j++) {
    let mean = 0;
    for (let y = 0; y < classes; y++) mean += means[y * width + j];
    mean /= classes;
    for (let y = 0; y < classes; y++) centred[y * width + j] -= mean;
  }
  const gram = Matrix.zeros(classes, classes);
  for (let y = 0; y < classes; y++) {
    for (let z = y; z < classes; z++) {
      let product = 0;
      for (let j = 0; j < width; j++) product += centred[y * width + j] * centred[z * width + j];
      gram.set(y, z, product / classes);
      gram.set(z, y, product / classes);
    }
  }
  const decomposition = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const eigenvalues = decomposition.realEigenvalues;
  const vectors = decomposition.eigenvectorMatrix;
  const largest = Math.max(...eigenvalues);
  const kept = eigenvalues
    .map((value, k) => ({ value, k }))
    .filter(({ value }) => value > 0 && value > ZERO_EIGENVALUE * largest)
    .sort((a, b) => b.value - a.value);
  const directions = new Float64Array(kept.length * width);
  kept.forEach(({ value, k }, row) => {
    const scale = 1 / Math.sqrt(classes * value);
    for (let y = 0; y < classes; y++) {
      const weight = vectors.get(y, k) * scale;
      for (let j = 0; j < width; j++) directions[row * width + j] += weight * centred[y * width + j];
    }
  });
  return { values: kept.map(({ value }) => value), directions };
}
