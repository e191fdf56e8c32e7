/**
 * Losses. Each row has a weight (0 for filler rows), and the sum is divided by a given denominator, the true number of rows of
 * the whole accumulated batch, so that accumulation equals one large batch.
 */

import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';

/** Softmax cross-entropy: −Σ w · targets · log softmax(logits) / denominator. logits, targets (one-hot): [batch, classes]. */
export function crossEntropy(logits: Tensor, targets: Tensor, rowWeights: Tensor, denominator: Tensor): Scalar {
  const likelihood = tf.sum(tf.mul(tf.logSoftmax(logits), targets), -1);
  return tf.div(tf.neg(tf.sum(tf.mul(likelihood, rowWeights))), denominator) as Scalar;
}

/** Mean squared error: Σ w · (outputs − targets)² / denominator. outputs, targets: [batch, 1]. */
export function meanSquaredError(outputs: Tensor, targets: Tensor, rowWeights: Tensor, denominator: Tensor): Scalar {
  const difference = tf.sub(outputs, targets);
  const error = tf.sum(tf.mul(difference, difference), -1);
  return tf.div(tf.sum(tf.mul(error, rowWeights)), denominator) as Scalar;
}
