/** Pooling: from the states of an input's tokens to one vector. */

import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { batchShape, firstTokens } from './encoder.js';
import type { Pooling } from './inputs.js';
import { type Inputs, take } from './tensors.js';

/**
 * States [batch · length, hidden] → [batch, hidden]: the first token's, or the sum over tokens weighted by the input
 * `poolingWeights` [batch, length] (the mean over content tokens, or the closing special token).
 */
export function pool(pooling: Pooling, states: Tensor, inputs: Inputs): Tensor {
  const [batch, length] = batchShape(inputs);
  if (pooling === 'first') return firstTokens(states, batch, length);
  const hidden = states.shape[1] as number;
  const byRow = tf.reshape(states, [batch, length, hidden]);
  // Not a batched product: that would have a single row, whose bits may depend on the length.
  const weights = tf.reshape(take(inputs, 'poolingWeights'), [batch, length, 1]);
  return tf.sum(tf.mul(byRow, weights), 1);
}
