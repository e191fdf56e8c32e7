/** The classifier, as in RoBERTa: dropout, dense, tanh, dropout, linear; or dropout and one linear layer. */

import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { type Chance, dropout, linear } from '../engine/ops.js';
import type { ClassifierKind } from './shapes.js';
import { type Parameters, take } from './tensors.js';

export interface ClassifyOptions {
  classifier: ClassifierKind;
  /** Dropout rate; 0 unless told. */
  rate?: number;
  chance?: Chance;
}

/** Pooled states [batch, hidden] → logits [batch, classes], or scores [batch, 1] for regression. */
export function classify(parameters: Parameters, pooled: Tensor, options: ClassifyOptions): Tensor {
  const { classifier, rate = 0, chance } = options;
  let x = dropout(pooled, rate, 'classifier.input', chance);
  if (classifier === 'mlp') {
    x = tf.tanh(linear(x, take(parameters, 'classifier.dense.weight'), take(parameters, 'classifier.dense.bias')));
    x = dropout(x, rate, 'classifier.dense', chance);
  }
  return linear(x, take(parameters, 'classifier.output.weight'), take(parameters, 'classifier.output.bias'));
}
