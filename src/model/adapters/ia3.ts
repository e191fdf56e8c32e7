/**
 * (IA)³ (Liu et al. 2022): learned factors on the keys, the values and the input of the feed-forward output, one for each channel; all
 * begin with 1.
 */
import * as tf from '@tensorflow/tfjs';
import { take } from '../tensors.js';
import type { Ia3Options } from '../tuning.js';
import type { HostTensor } from '../types.js';
import type { AdapterMethod } from './adapter.js';

/** Factors [hidden] on what these parts give; on what `output` reads [intermediate]. */
const SCALED = ['key', 'value'];
const nameOf = (n: number, part: string) => `layers.${n}.ia3.${part}`;

export const ia3: AdapterMethod<Ia3Options> = {
  added: (n, { hidden, intermediate }) =>
    new Map([
      [nameOf(n, 'key'), { shape: [hidden], start: 'ones' }],
      [nameOf(n, 'value'), { shape: [hidden], start: 'ones' }],
      [nameOf(n, 'output'), { shape: [intermediate], start: 'ones' }],
    ]),

  hooks: (n, parameters) => ({
    input: (part, x) => (part === 'output' ? tf.mul(x, take(parameters, nameOf(n, part))) : x),
    linear: (part, _x, y) => (SCALED.includes(part) ? tf.mul(y, take(parameters, nameOf(n, part))) : y),
  }),

  merge(n, parameters) {
    const dataOf = (name: string) => (parameters.get(name) as HostTensor<Float32Array>).data;
    for (const part of [...SCALED, 'output']) {
      const factors = dataOf(nameOf(n, part));
      const weight = dataOf(`layers.${n}.${part}.weight`);
      const bias = dataOf(`layers.${n}.${part}.bias`);
      const into = weight.length / bias.length;
      for (let i = 0; i < bias.length; i++) {
        for (let j = 0; j < into; j++) weight[i * into + j] *= factors[part === 'output' ? j : i];
        if (part !== 'output') bias[i] *= factors[i];
      }
    }
  },
};
