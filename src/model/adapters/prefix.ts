/**
 * Prefix tuning (Li and Liang 2021): trained keys and values stand before each layer's own. Every token attends to them; they have no
 * position and are never padding. Without reparameterisation; N(0, 0.02) at the start.
 *
 * Attention over prefix and tokens is the mean of the attentions over each, weighted by the sums of their exponentials. So no axis is as
 * long as both together, and recordings stay free of lengths.
 */
import type { Tensor, Tensor3D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { type AttentionOptions, dropout } from '../../engine/ops.js';
import { take } from '../tensors.js';
import type { PrefixOptions } from '../tuning.js';
import type { AdapterMethod } from './adapter.js';

export const prefix: AdapterMethod<PrefixOptions> = {
  added: (n, { hidden }, { length }) =>
    new Map(
      ['key', 'value'].map((part) => [`layers.${n}.prefix.${part}`, { shape: [length, hidden], start: 'normal' }]),
    ),

  hooks: (n, parameters) => ({
    attention: (query, key, value, bias, options) =>
      prefixedAttention(query, key, value, bias, options, {
        key: take(parameters, `layers.${n}.prefix.key`),
        value: take(parameters, `layers.${n}.prefix.value`),
      }),
  }),
};

/** As `attention`, with prefix keys and values [prefix, hidden] → [batch · length, hidden]. */
function prefixedAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  bias: Tensor,
  { batch, length, heads, rate, site, chance }: AttentionOptions,
  prefixed: { key: Tensor; value: Tensor },
): Tensor {
  const [, hidden] = query.shape as [number, number];
  const size = hidden / heads;
  const rows = batch * length;
  const byRow = (x: Tensor) => tf.transpose(tf.reshape(x, [batch, length, heads, size]), [0, 2, 1, 3]);
  // By head alone [heads, rows, size], so that the prefix is read by all rows at once and never copied.
  const byHead = (x: Tensor, count: number) =>
    tf.transpose(tf.reshape(x, [count, heads, size]), [1, 0, 2]) as unknown as Tensor3D;
  const scaled = tf.mul(query, 1 / Math.sqrt(size));

  const scores = tf.add(tf.matMul(byRow(scaled), byRow(key), false, true), bias);
  const own = tf.matMul(dropout(tf.softmax(scores), rate, site, chance), byRow(value));

  const count = prefixed.key.shape[0];
  const prefixScores = tf.matMul(byHead(scaled, rows), byHead(prefixed.key, count), false, true);
  const probabilities = dropout(tf.softmax(prefixScores), rate, `${site}.prefix`, chance);
  const before = tf.matMul(probabilities, byHead(prefixed.value, count));

  /** [heads, rows, width] → [batch, heads, length, width] */
  const arrange = (x: Tensor, width: number) =>
    tf.transpose(tf.reshape(x, [heads, batch, length, width]), [1, 0, 2, 3]);
  const share = tf.sigmoid(tf.sub(arrange(logSumExp(prefixScores), 1), logSumExp(scores)));
  // own + share · (before − own)
  const mixed = tf.add(own, tf.mul(share, tf.sub(arrange(before, size), own)));
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows, hidden]);
}

/** log Σ exp over the last axis, which is kept as one. Its gradient is the softmax. */
function logSumExp(x: Tensor): Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [Tensor, (saved: Tensor[]) => void];
    const probabilities = tf.softmax(input);
    save([probabilities]);
    // The largest probability is exp(max − log Σ exp), and never small.
    const value = tf.sub(tf.max(input, -1, true), tf.log(tf.max(probabilities, -1, true)));
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, saved[0]) };
  });
  return op(x);
}
