/** Multinomial logistic regression with a squared penalty on standardised states, by L-BFGS (Nocedal and Wright, algorithm 7.4). */
import { deviationsOf, type LinearModel } from './ridge.js';

/** Inverse strength of the penalty, as scikit-learn's C: C Σ loss + ½ ‖W‖². */
export const INVERSE_PENALTY = 0.01;

const MEMORY = 10;
const MOST_STEPS = 200;
/** Ends where no entry of the mean loss' gradient is larger. */
const FLAT = 1e-5;

export interface LogisticOptions {
  width: number;
  classes: number;
  inversePenalty?: number;
  /** Standardise each dimension by its own deviation (the default), or all by one. */
  scale?: 'each' | 'common';
}

/**
 * Fits the rows `train` of [n, width] to their labels; biases go without penalty. For two classes the penalty is on the
 * difference of their weights, as for a single logit. The model reads states as they are.
 */
export function fitLogistic(
  rows: Float32Array,
  labels: ArrayLike<number>,
  train: readonly number[],
  { width, classes, inversePenalty = INVERSE_PENALTY, scale = 'each' }: LogisticOptions,
): LinearModel {
  const { mean, variances } = spreads(rows, train, width);
  const deviations = deviationsOf(variances, mean, scale);
  const z = new Float64Array(train.length * width);
  train.forEach((row, i) => {
    for (let j = 0; j < width; j++) z[i * width + j] = (rows[row * width + j] - mean[j]) / deviations[j];
  });
  // One logit stands for two classes, that of the second; its weights come first, biases last.
  const logits = classes === 2 ? 1 : classes;
  const penalty = 1 / (inversePenalty * train.length);
  const output = new Float64Array(classes);

  const loss = (parameters: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let sum = 0;
    for (let i = 0; i < train.length; i++) {
      const at = i * width;
      output.fill(0);
      for (let c = 0; c < logits; c++) {
        let value = parameters[logits * width + c];
        for (let j = 0; j < width; j++) value += parameters[c * width + j] * z[at + j];
        output[classes - logits + c] = value;
      }
      const label = labels[train[i]];
      const highest = Math.max(...output);
      let normaliser = 0;
      for (const value of output) normaliser += Math.exp(value - highest);
      sum += highest + Math.log(normaliser) - output[label];
      for (let c = 0; c < logits; c++) {
        const own = classes - logits + c;
        const slope = Math.exp(output[own] - highest) / normaliser - (own === label ? 1 : 0);
        gradient[logits * width + c] += slope;
        for (let j = 0; j < width; j++) gradient[c * width + j] += slope * z[at + j];
      }
    }
    let square = 0;
    for (let k = 0; k < gradient.length; k++) {
      gradient[k] /= train.length;
      if (k >= logits * width) continue;
      gradient[k] += penalty * parameters[k];
      square += parameters[k] ** 2;
    }
    return sum / train.length + 0.5 * penalty * square;
  };
  const fitted = minimise(loss, logits * (width + 1));

  const weights = new Float64Array(classes * width);
  const biases = new Float64Array(classes);
  for (let c = 0; c < logits; c++) {
    const own = classes - logits + c;
    biases[own] = fitted[logits * width + c];
    for (let j = 0; j < width; j++) {
      weights[own * width + j] = fitted[c * width + j] / deviations[j];
      biases[own] -= weights[own * width + j] * mean[j];
    }
  }
  return { weights, biases };
}

function spreads(rows: Float32Array, train: readonly number[], width: number) {
  const mean = new Float64Array(width);
  const variances = new Float64Array(width);
  for (const row of train) for (let j = 0; j < width; j++) mean[j] += rows[row * width + j] / train.length;
  for (const row of train) {
    for (let j = 0; j < width; j++) variances[j] += (rows[row * width + j] - mean[j]) ** 2 / train.length;
  }
  return { mean, variances };
}

/** Minimum of a convex function from 0 on; `loss` fills the gradient. */
function minimise(loss: (x: Float64Array, gradient: Float64Array) => number, size: number): Float64Array {
  let x = new Float64Array(size);
  let gradient = new Float64Array(size);
  let value = loss(x, gradient);
  const history: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let step = 0; step < MOST_STEPS && gradient.some((entry) => Math.abs(entry) > FLAT); step++) {
    const direction = descent(gradient, history);
    const slope = dot(direction, gradient);
    let length = history.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    const next = new Float64Array(size);
    const nextGradient = new Float64Array(size);
    let nextValue = value;
    // Halving until the value falls enough (Armijo); on a convex function the curvature y·s then is not negative.
    for (let tries = 0; tries < 40; tries++, length /= 2) {
      for (let k = 0; k < size; k++) next[k] = x[k] + length * direction[k];
      nextValue = loss(next, nextGradient);
      if (nextValue <= value + 1e-4 * length * slope) break;
    }
    if (!(nextValue < value)) break;
    const s = next.map((entry, k) => entry - x[k]);
    const y = nextGradient.map((entry, k) => entry - gradient[k]);
    const curvature = dot(s, y);
    if (curvature > 0) history.push({ s, y, rho: 1 / curvature });
    if (history.length > MEMORY) history.shift();
    [x, gradient, value] = [next, nextGradient, nextValue];
  }
  return x;
}

/** −H gradient, with H the inverse curvature that the last steps showed (two-loop recursion). */
function descent(
  gradient: Float64Array,
  history: readonly { s: Float64Array; y: Float64Array; rho: number }[],
): Float64Array {
  const q = gradient.map((entry) => -entry);
  const factors: number[] = [];
  for (const { s, y, rho } of history.toReversed()) {
    const factor = rho * dot(s, q);
    factors.push(factor);
    for (let k = 0; k < q.length; k++) q[k] -= factor * y[k];
  }
  const last = history.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let k = 0; k < q.length; k++) q[k] *= scale;
  }
  for (const { s, y, rho } of history) {
    const factor = (factors.pop() ?? 0) - rho * dot(y, q);
    for (let k = 0; k < q.length; k++) q[k] += factor * s[k];
  }
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
