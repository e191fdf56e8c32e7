/**
 * ν less what sampling adds to it, negated (our own estimate, by arithmetic from ν's definition). With D the centred class means
 * [C, width], G = D Dᵀ / C and A = D Σ_w Dᵀ / C, ν is tr(G†² A) / C. A class mean of N_y rows carries noise of covariance S_y / N_y, so
 * that G and A are too large by H diag(tr S_y / N_y) H / C and H diag(tr(Σ_w S_y) / N_y) H / C, H the centring matrix; both are taken off,
 * S_y divides by N_y − 1, and tr(Σ_w S_y) is freed of the noise that Σ_w shares with S_y.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { createScatter } from '../scatter.js';
import type { PooledStates } from '../states.js';
import { columnMeans } from './moments.js';
import type { LayerInput } from './score.js';

/** Null where the class means don't stand out of their noise, so that nothing is left of G or A in some direction. */
export function debiasedNu({ states, layer }: LayerInput): number | null {
  const { classes } = states;
  const { sizes, means, traces, overlap, within } = spread(states, layer);
  const [gram, spreads] = [Matrix.zeros(classes, classes), Matrix.zeros(classes, classes)];
  for (let y = 0; y < classes; y++) {
    for (let z = 0; z < classes; z++) {
      gram.set(y, z, dot(means[y], means[z]) / classes);
      spreads.set(y, z, dot(within[y], means[z]) / classes);
    }
  }
  gram.sub(centredDiagonal(traces.map((trace, y) => trace / sizes[y] / classes)));
  spreads.sub(centredDiagonal(overlap.map((value, y) => value / sizes[y] / classes)));

  const largest = Math.max(...gram.diagonal());
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  // The vector of ones is the one direction in which both are zero.
  const kept = [...realEigenvalues.keys()].filter((k) => {
    const along = eigenvectorMatrix.getColumn(k).reduce((sum, value) => sum + value, 0);
    return along ** 2 / classes < 0.5;
  });
  let total = 0;
  for (const k of kept) {
    const value = realEigenvalues[k];
    if (!(value > 1e-10 * largest)) return null;
    const vector = eigenvectorMatrix.getColumnVector(k);
    total += vector.transpose().mmul(spreads).mmul(vector).get(0, 0) / value ** 2;
  }
  return total > 0 && kept.length > 0 ? -total / classes : null;
}

/** What the three sums over the rows give: the class sizes, D, tr S_y, tr(Σ_w S_y), and Σ_w m for each row m of D. */
function spread(states: PooledStates, layer: number) {
  const { width, classes, classOf } = states;
  const centre = columnMeans(states, layer);
  const sizes = new Array<number>(classes).fill(0);
  const means = sizes.map(() => new Float64Array(width));
  const x = new Float64Array(width);
  const eachRow = (visit: (y: number) => void) => {
    for (const piece of states.pieces(layer - 1)) {
      for (let i = 0; i * width < piece.states.length; i++) {
        const y = classOf[piece.from + i];
        for (let j = 0; j < width; j++) x[j] = piece.states[i * width + j] - centre[j];
        visit(y);
      }
    }
  };
  eachRow((y) => {
    sizes[y]++;
    for (let j = 0; j < width; j++) means[y][j] += x[j];
  });
  means.forEach((mean, y) => {
    for (let j = 0; j < width; j++) mean[j] /= sizes[y];
  });

  const scatter = createScatter(width);
  const traces = new Array<number>(classes).fill(0);
  eachRow((y) => {
    for (let j = 0; j < width; j++) x[j] -= means[y][j];
    traces[y] += dot(x, x) / (sizes[y] - 1);
    scatter.add(x, 1 / ((sizes[y] - 1) * classes));
  });
  const sigma = scatter.matrix();
  const product = (v: Float64Array) => {
    const result = new Float64Array(width);
    for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) result[i] += sigma[i * width + j] * v[j];
    return result;
  };
  const overlap = new Array<number>(classes).fill(0);
  eachRow((y) => {
    for (let j = 0; j < width; j++) x[j] -= means[y][j];
    overlap[y] += quadratic(sigma, x) / (sizes[y] - 1);
  });
  for (let y = 0; y < classes; y++) overlap[y] -= traces[y] ** 2 / (classes * (sizes[y] - 1));

  for (let j = 0; j < width; j++) {
    const mean = means.reduce((sum, row) => sum + row[j], 0) / classes;
    for (const row of means) row[j] -= mean;
  }
  return { sizes, means, traces, overlap, within: means.map(product) };
}

/** xᵀ S x, from the lower triangle. */
function quadratic(matrix: Float64Array, x: Float64Array): number {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let off = 0;
    for (let j = 0; j < i; j++) off += matrix[i * n + j] * x[j];
    sum += x[i] * (2 * off + matrix[i * n + i] * x[i]);
  }
  return sum;
}

/** H diag(values) H with H = I − 1 1ᵀ / C. */
function centredDiagonal(values: number[]): Matrix {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n ** 2;
  const result = Matrix.zeros(n, n);
  for (let y = 0; y < n; y++) {
    for (let z = 0; z < n; z++) {
      result.set(y, z, (y === z ? values[y] : 0) - values[y] / n - values[z] / n + mean);
    }
  }
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}
