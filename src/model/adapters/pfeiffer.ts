/**
 * Pfeiffer's adapter (Pfeiffer et al. 2021), as AdapterHub's `seq_bn` computes it: after the feed-forward part. It reads what the layer
 * would give, LayerNorm(output + residual); its own residual is the output before that, and the layer's residual and LayerNorm follow.
 */
import * as tf from '@tensorflow/tfjs';
import type { PfeifferOptions } from '../tuning.js';
import type { AdapterMethod } from './adapter.js';
import { downUp, downUpParameters, reduced } from './down-up.js';

export const pfeiffer: AdapterMethod<PfeifferOptions> = {
  added: (n, config, { reductionFactor }) =>
    new Map(downUpParameters(`layers.${n}.pfeiffer`, config, reduced(config, reductionFactor))),

  hooks: (n, parameters) => ({
    afterOutput: (output, residual, normalise) =>
      tf.add(output, downUp(`layers.${n}.pfeiffer`, normalise(tf.add(output, residual)), parameters)),
  }),
};
