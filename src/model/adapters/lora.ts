/**
 * LoRA (Hu et al. 2022): beside a linear part y = W x + b stands a change of low rank, y + α/r · B A x, with dropout before A. A begins as
 * torch initialises linear weights and B with zeros, as in `peft`.
 */
import type { Tensor2D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { dropout } from '../../engine/ops.js';
import { layerShapes } from '../shapes.js';
import { take } from '../tensors.js';
import type { LoraOptions, LoraTarget } from '../tuning.js';
import type { EncoderConfig, HostTensor, ParameterName } from '../types.js';
import type { AdapterMethod, AddedParameter, HostParameters } from './adapter.js';

/** A [rank, in] is `layers.N.lora.PART.a`, B [out, rank] is `layers.N.lora.PART.b`. */
const nameOf = (n: number, part: string, matrix: 'a' | 'b') => `layers.${n}.lora.${part}.${matrix}`;

function shapeOf(n: number, part: LoraTarget, config: EncoderConfig): [out: number, into: number] {
  return layerShapes(config, n).get(`layers.${n}.${part}.weight`) as [number, number];
}

export const lora: AdapterMethod<LoraOptions> = {
  added: (n, config, { rank, targets }) =>
    new Map(
      targets.flatMap((part): [ParameterName, AddedParameter][] => {
        const [out, into] = shapeOf(n, part, config);
        return [
          [nameOf(n, part, 'a'), { shape: [rank, into], start: 'kaiming' }],
          [nameOf(n, part, 'b'), { shape: [out, rank], start: 'zeros' }],
        ];
      }),
    ),

  hooks: (n, parameters, _config, { rank, alpha, dropout: rate, targets }, chance) => ({
    linear(part, x, y) {
      if (!(targets as string[]).includes(part)) return y;
      const kept = dropout(x, rate, `layers.${n}.lora.${part}`, chance) as Tensor2D;
      const low = tf.matMul(kept, take(parameters, nameOf(n, part, 'a')) as Tensor2D, false, true);
      const up = take(parameters, nameOf(n, part, 'b')) as Tensor2D;
      return tf.add(y, tf.matMul(tf.mul(low, alpha / rank), up, false, true));
    },
  }),

  merge(n, parameters, config, { rank, alpha, targets }) {
    for (const part of targets) {
      const [out, into] = shapeOf(n, part, config);
      const weight = dataOf(parameters, `layers.${n}.${part}.weight`);
      const a = dataOf(parameters, nameOf(n, part, 'a'));
      const b = dataOf(parameters, nameOf(n, part, 'b'));
      const row = new Float64Array(into);
      for (let i = 0; i < out; i++) {
        row.fill(0);
        for (let k = 0; k < rank; k++) {
          const factor = (b[i * rank + k] * alpha) / rank;
          for (let j = 0; j < into; j++) row[j] += factor * a[k * into + j];
        }
        for (let j = 0; j < into; j++) weight[i * into + j] += row[j];
      }
    }
  },
};

function dataOf(parameters: HostParameters, name: string): Float32Array {
  return (parameters.get(name) as HostTensor<Float32Array>).data;
}
