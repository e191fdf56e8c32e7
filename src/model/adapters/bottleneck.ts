/**
 * The adapters of the paper's code (after Houlsby et al. 2019): one after the attention's output projection and one after the feed-forward
 * output, each before its residual and LayerNorm, with a residual of its own around down, ReLU, dropout and up.
 */
import * as tf from '@tensorflow/tfjs';
import type { BottleneckOptions } from '../tuning.js';
import type { AdapterMethod } from './adapter.js';
import { downUp, downUpParameters } from './down-up.js';

const PLACES = ['attention', 'output'] as const;

export const bottleneck: AdapterMethod<BottleneckOptions> = {
  added: (n, config, { size }) =>
    new Map(PLACES.flatMap((place) => downUpParameters(`layers.${n}.bottleneck.${place}`, config, size))),

  hooks(n, parameters, _config, { dropout: rate }, chance) {
    const adapt = (place: (typeof PLACES)[number]) => (x: tf.Tensor) =>
      tf.add(x, downUp(`layers.${n}.bottleneck.${place}`, x, parameters, { rate, chance }));
    return { afterAttention: adapt('attention'), afterOutput: adapt('output') };
  },
};
