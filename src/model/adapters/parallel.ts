/**
 * The parallel adapter (He et al. 2022), as AdapterHub's `par_bn` computes it: beside the feed-forward part, of whose input it reads, its
 * output scaled and added to that of the feed-forward part. The upward projection begins with zeros.
 */
import * as tf from '@tensorflow/tfjs';
import type { ParallelOptions } from '../tuning.js';
import type { AdapterMethod } from './adapter.js';
import { downUp, downUpParameters, reduced } from './down-up.js';

const STARTS = { down: 'kaiming', up: 'zeros' } as const;

export const parallel: AdapterMethod<ParallelOptions> = {
  added: (n, config, { reductionFactor }) =>
    new Map(downUpParameters(`layers.${n}.parallel`, config, reduced(config, reductionFactor), STARTS)),

  hooks: (n, parameters, _config, { scale }) => ({
    afterOutput: (output, residual) =>
      tf.add(output, tf.mul(downUp(`layers.${n}.parallel`, residual, parameters), scale)),
  }),
};
