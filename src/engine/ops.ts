/**
 * The operations that models are written in, beyond TensorFlow.js' own. Each is given here in its composite form, plain
 * TensorFlow.js, which eager backends run and tests compare with; while a step is recorded, kernels of the recording backend
 * stand in (`compiled/`). Tokens are flattened: states are [batch · length, hidden].
 */

import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { recordedOps } from './recording.js';

/** x [n, in] · weight [out, in]ᵀ + bias [out] → [n, out]. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return (
    recordedOps()?.linear(x, weight, bias) ??
    tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), bias)
  );
}

/** Layer normalisation over the last axis: (x − mean) / √(variance + ε) · weight + bias, population variance. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  const recorded = recordedOps()?.layerNorm(x, weight, bias, epsilon);
  if (recorded) return recorded;
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon))), weight), bias);
}

/** x · Φ(x), Φ the normal distribution function (the error-function form that BERT uses). */
export function gelu(x: Tensor): Tensor {
  const recorded = recordedOps()?.gelu(x);
  if (recorded) return recorded;
  return tf.mul(x, tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5));
}

/** The tanh approximation of `gelu` (`gelu_new`, `gelu_pytorch_tanh`). */
export function geluTanh(x: Tensor): Tensor {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}

/** Rows of a table [rows, width] by ids [n] (int32) → [n, width]. */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  return recordedOps()?.embedding(table, ids) ?? tf.gather(table, ids as tf.Tensor1D);
}

/**
 * Chance while a function runs: a dropout mask for a named place in it. Absent in evaluation.
 * The mask holds 0 with probability `rate`, else 1 / (1 − rate), and is a pure function of (seed, step, micro-batch, site).
 */
export interface Chance {
  mask(site: string, shape: number[], rate: number): Tensor;
}

/** Inverted dropout at a named site; the identity without chance or at rate 0. Site names are unique within a function. */
export function dropout(x: Tensor, rate: number, site: string, chance: Chance | undefined): Tensor {
  return chance && rate > 0 ? tf.mul(x, chance.mask(site, x.shape, rate)) : x;
}

/** factor · a [.., n, d] · b [.., m, d]ᵀ → [.., n, m]. */
function scaledScores(a: Tensor, b: Tensor, factor: number): Tensor {
  return recordedOps()?.scores(a, b, factor) ?? tf.matMul(tf.mul(a, factor), b, false, true);
}

export interface AttentionOptions {
  batch: number;
  length: number;
  heads: number;
  /** Dropout of the attention probabilities. */
  rate: number;
  site: string;
  chance: Chance | undefined;
}

/**
 * Scaled dot-product attention. query, key, value: [batch · length, hidden]; bias is added to the scores and broadcasts to
 * [batch, heads, length, length] (padding mask, relative positions) → [batch · length, hidden].
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, options: AttentionOptions): Tensor {
  const { batch, length, heads, rate, site, chance } = options;
  const hidden = query.shape[1] as number;
  const split = (x: Tensor) => tf.transpose(tf.reshape(x, [batch, length, heads, hidden / heads]), [0, 2, 1, 3]);
  const scores = tf.add(scaledScores(split(query), split(key), 1 / Math.sqrt(hidden / heads)), bias);
  const probabilities = dropout(tf.softmax(scores), rate, site, chance);
  const context = tf.matMul(probabilities, split(value));
  return tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [batch * length, hidden]);
}

/**
 * The same for one query an input. query: [batch, hidden]; key, value: [batch · length, hidden]; bias broadcasts to
 * [batch, heads, 1, length] → [batch, hidden]. Sums in place of products: those of a single row would have bits that depend on the
 * length, and need keys and values transposed.
 */
export function singleQueryAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  bias: Tensor,
  options: AttentionOptions,
): Tensor {
  const { batch, length, heads, rate, site, chance } = options;
  const hidden = query.shape[1] as number;
  const size = hidden / heads;
  const scaled = tf.reshape(tf.mul(query, 1 / Math.sqrt(size)), [batch, 1, heads, size]);
  // [batch, length, heads, size] → [batch, length, heads]
  const products = tf.sum(tf.mul(tf.reshape(key, [batch, length, heads, size]), scaled), -1);
  const [rows, columns] = bias.shape;
  const scores = tf.add(tf.transpose(products, [0, 2, 1]), tf.reshape(bias, [rows, columns as number, length]));
  const probabilities = dropout(tf.softmax(scores), rate, site, chance);
  const shares = tf.reshape(tf.transpose(probabilities, [0, 2, 1]), [batch, length, heads, 1]);
  const context = tf.sum(tf.mul(tf.reshape(value, [batch, length, heads, size]), shares), 1);
  return tf.reshape(context, [batch, hidden]);
}
