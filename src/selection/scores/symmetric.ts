/**
 * Symmetric matrices [n, n], row-major in float64, of which the lower triangle is read: Cholesky solving, and Householder's
 * tridiagonal form, after which a ridge solution costs n² for each penalty and a spectrum needs no eigenvectors (Golub and Van
 * Loan, "Matrix Computations", §4.2, §8.3).
 */
import { SpantuneError } from '../../errors.js';

/** Solves A x = b for each row b of `right` [count, n], in place. Destroys the lower triangle of A, which is positive definite. */
export function choleskySolve(matrix: Float64Array, n: number, right: Float64Array): void {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let value = matrix[row + j];
      for (let k = 0; k < j; k++) value -= matrix[row + k] * matrix[other + k];
      if (j < i) matrix[row + j] = value / matrix[other + j];
      else if (value > 0) matrix[row + i] = Math.sqrt(value);
      else throw new SpantuneError('a covariance matrix is not positive definite');
    }
  }
  for (let from = 0; from < right.length; from += n) {
    for (let i = 0; i < n; i++) {
      let value = right[from + i];
      for (let k = 0; k < i; k++) value -= matrix[i * n + k] * right[from + k];
      right[from + i] = value / matrix[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      const value = right[from + i] / matrix[i * n + i];
      right[from + i] = value;
      for (let k = 0; k < i; k++) right[from + k] -= matrix[i * n + k] * value;
    }
  }
}

/** A = Q T Qᵀ with T tridiagonal. */
export interface Tridiagonal {
  /** [n]: T's diagonal. */
  diagonal: Float64Array;
  /** [n − 1]: beside it. */
  beside: Float64Array;
  /** Qᵀ b for each row b of [count, n], in place. */
  toBasis(rows: Float64Array): void;
  /** Q b likewise. */
  fromBasis(rows: Float64Array): void;
}

/** Householder's reduction; destroys the lower triangle of the matrix and keeps the array. */
export function tridiagonalise(matrix: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(Math.max(0, n - 1));
  const factors = new Float64Array(n);
  // Reflector k works on the entries from k + 1 on; it is kept as row k of `reflectors`.
  const reflectors = new Float64Array(n * n);
  const product = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    const v = reflectors.subarray(k * n, (k + 1) * n);
    let square = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = matrix[i * n + k];
      if (i > k + 1) square += v[i] * v[i];
    }
    const first = v[k + 1];
    if (square === 0) {
      beside[k] = first;
      v.fill(0);
      continue;
    }
    const length = Math.sqrt(first * first + square);
    beside[k] = first > 0 ? -length : length;
    v[k + 1] = first - beside[k];
    const factor = 2 / (v[k + 1] * v[k + 1] + square);
    factors[k] = factor;
    reflect(matrix, n, k + 1, v, factor, product);
  }
  for (let i = 0; i < n; i++) diagonal[i] = matrix[i * n + i];

  const apply = (rows: Float64Array, order: (step: number) => number) => {
    for (let from = 0; from < rows.length; from += n) {
      for (let step = 0; step < n - 1; step++) {
        const k = order(step);
        if (factors[k] === 0) continue;
        let dot = 0;
        for (let i = k + 1; i < n; i++) dot += reflectors[k * n + i] * rows[from + i];
        dot *= factors[k];
        for (let i = k + 1; i < n; i++) rows[from + i] -= dot * reflectors[k * n + i];
      }
    }
  };
  return {
    diagonal,
    beside,
    toBasis: (rows) => apply(rows, (step) => step),
    fromBasis: (rows) => apply(rows, (step) => n - 2 - step),
  };
}

/** A ← H A H on the rows and columns from `start` on, with H = I − factor · v vᵀ. */
function reflect(matrix: Float64Array, n: number, start: number, v: Float64Array, factor: number, p: Float64Array) {
  p.fill(0, start);
  for (let i = start; i < n; i++) {
    const row = i * n;
    const vi = v[i];
    let sum = 0;
    for (let j = start; j < i; j++) {
      sum += matrix[row + j] * v[j];
      p[j] += matrix[row + j] * vi;
    }
    p[i] += sum + matrix[row + i] * vi;
  }
  let dot = 0;
  for (let i = start; i < n; i++) {
    p[i] *= factor;
    dot += p[i] * v[i];
  }
  for (let i = start; i < n; i++) p[i] -= 0.5 * factor * dot * v[i];
  for (let i = start; i < n; i++) {
    const row = i * n;
    const vi = v[i];
    const pi = p[i];
    for (let j = start; j <= i; j++) matrix[row + j] -= vi * p[j] + pi * v[j];
  }
}

/** Solves (T + shift · I) x = b, positive definite, for each row b of `right` [count, n], in place. */
export function solveShifted({ diagonal, beside }: Tridiagonal, shift: number, right: Float64Array): void {
  const n = diagonal.length;
  const pivots = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    pivots[i] = diagonal[i] + shift - (i > 0 ? (beside[i - 1] * beside[i - 1]) / pivots[i - 1] : 0);
  }
  for (let from = 0; from < right.length; from += n) {
    for (let i = 1; i < n; i++) right[from + i] -= (beside[i - 1] / pivots[i - 1]) * right[from + i - 1];
    for (let i = n - 1; i >= 0; i--) {
      right[from + i] = (right[from + i] - (i < n - 1 ? beside[i] * right[from + i + 1] : 0)) / pivots[i];
    }
  }
}

/** Sweeps of the QL iteration for one eigenvalue; a handful is usual. */
const MOST_SWEEPS = 60;

/**
 * Eigenvalues of T [n], in no order, by the implicit QL iteration; `rows` [count, n], given in T's basis, become each row's
 * coefficients along the eigenvectors, in place. Destroys T.
 */
export function eigenvalues({ diagonal: d, beside }: Tridiagonal, rows: Float64Array): Float64Array {
  const n = d.length;
  const e = new Float64Array(n);
  e.set(beside);
  // What is small beside the whole matrix counts as zero: among the null directions of a matrix of low rank, entries are rounding
  // alone, and none is small beside its neighbours.
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i]) + Math.abs(e[i]) + (i > 0 ? Math.abs(e[i - 1]) : 0));
  const least = Number.EPSILON * norm;
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > least) m++;
      if (m === l) break;
      if (sweep === MOST_SWEEPS) throw new SpantuneError('the eigenvalues of a covariance matrix were not found');
      let g = (d[l + 1] - d[l]) / (2 * e[l]);
      let r = Math.hypot(g, 1);
      g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        for (let at = 0; at < rows.length; at += n) {
          const high = rows[at + i + 1];
          rows[at + i + 1] = s * rows[at + i] + c * high;
          rows[at + i] = c * rows[at + i] - s * high;
        }
      }
      if (r === 0 && i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return d;
}
