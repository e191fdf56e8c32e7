/** What the encoder tests share: fixtures as batches and tensors. */

import { fileURLToPath } from 'node:url';
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import type { Batch } from '../../src/data/types.js';
import type { EncoderConfig, HostTensor } from '../../src/model/types.js';

tf.enableProdMode();

export const FIXTURES = fileURLToPath(new URL('../fixtures/model', import.meta.url));
export const MODELS = ['bert', 'roberta', 'xlm-roberta', 'electra', 'distilbert', 'mpnet'];

/** A batch of rows, one list of ids each; token types, where given, likewise. First and last tokens count as special. */
export function batchOf(rows: number[][], padId = 0, types?: number[][]): Batch {
  const length = Math.max(...rows.map((row) => row.length));
  const size = rows.length * length;
  const batch: Batch = {
    rows: rows.length,
    length,
    ids: new Int32Array(size).fill(padId),
    typeIds: new Int32Array(size),
    attentionMask: new Float32Array(size),
    contentMask: new Float32Array(size),
    examples: Int32Array.from(rows.keys()),
    weights: new Float32Array(rows.length).fill(1),
  };
  for (const [r, row] of rows.entries()) {
    for (const [i, id] of row.entries()) {
      batch.ids[r * length + i] = id;
      batch.typeIds[r * length + i] = types?.[r][i] ?? 0;
      batch.attentionMask[r * length + i] = 1;
      if (i > 0 && i < row.length - 1) batch.contentMask[r * length + i] = 1;
    }
  }
  return batch;
}

/** What transformers and torch computed for a fixture, and the batch it was computed for. */
export function expectations(model: string): {
  batch: Batch;
  names: string[];
  read(name: string): HostTensor<Float32Array>;
} {
  const file = openSafetensors(`${FIXTURES}/${model}/expected.safetensors`);
  const { shape, data: ids } = file.read('ids');
  const mask = file.read('mask').data;
  const [rows, length] = shape;
  const batch: Batch = {
    rows,
    length,
    ids: Int32Array.from(ids),
    typeIds: Int32Array.from(file.read('types').data),
    attentionMask: mask,
    contentMask: mask,
    examples: Int32Array.from({ length: rows }, (_, row) => row),
    weights: new Float32Array(rows).fill(1),
  };
  return { batch, names: file.names(), read: (name) => file.read(name) };
}

export function toTensor({ shape, data }: HostTensor): Tensor {
  return tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');
}

export function toTensors(hosts: Iterable<readonly [string, HostTensor]>): Record<string, Tensor> {
  return Object.fromEntries([...hosts].map(([name, host]) => [name, toTensor(host)]));
}

/** Largest absolute difference over tokens; both [batch · length, hidden]. */
export function tokenDifference(batch: Batch, actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const width = expected.length / batch.attentionMask.length;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (batch.attentionMask[Math.floor(i / width)] === 0) continue;
    const difference = Math.abs(actual[i] - expected[i]);
    // NaN must not pass for small.
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

/** The shapes of roberta-large. */
export const robertaLarge: EncoderConfig = {
  family: 'roberta',
  layers: 24,
  hidden: 1024,
  heads: 16,
  intermediate: 4096,
  vocabulary: 50265,
  positions: 514,
  positionOffset: 2,
  tokenTypes: 1,
  embedding: 1024,
  layerNormEpsilon: 1e-5,
  activation: 'gelu',
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: null,
  padId: 1,
  relativeBuckets: 0,
};
