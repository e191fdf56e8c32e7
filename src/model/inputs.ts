/** From a padded batch to what the encoder reads, as host arrays. Nothing here knows tensors. */
import type { Batch } from '../data/types.js';
import { CheckpointError, UserError } from '../errors.js';
import { maxLength } from './shapes.js';
import type { EncoderConfig, HostTensor } from './types.js';

/** One vector an input: its first token's state, the mean over its content tokens, or its closing special token's state. */
export type Pooling = 'first' | 'mean' | 'last';

/** Added to the scores of padding: finite, so that a row without any token stays finite, and exp of it is 0 in float32. */
const PADDING_BIAS = -1e9;
/** Relative distances from here on share the last bucket (MPNet, T5). */
const MAX_DISTANCE = 128;

export interface InputOptions {
  /** False where the encoder starts from cached states: then ids and types are left out. True unless told. */
  embeddings?: boolean;
  /** Adds `poolingWeights` where the pooling reads them (mean, last). */
  pooling?: Pooling;
}

/**
 * ids int32 [batch · length]; types, one-hot, [batch · length, tokenTypes] (where there is more than one);
 * attentionBias [batch, 1, 1, length], 0 for tokens; relative, one-hot, [length · length, buckets] (MPNet);
 * poolingWeights [batch, length].
 * Throws a `UserError` for a batch longer than the position table, a `CheckpointError` for ids outside the model's tables.
 */
export function encoderInputs(
  batch: Batch,
  config: EncoderConfig,
  options: InputOptions = {},
): Record<string, HostTensor> {
  const { rows, length } = batch;
  if (length > maxLength(config)) {
    throw new UserError(`an input of ${length} tokens is longer than the model's ${maxLength(config)} positions`, {
      hint: `set the maximum length to ${maxLength(config)} or less`,
    });
  }
  const inputs: Record<string, HostTensor> = {};
  if (options.embeddings ?? true) {
    checkIds(batch.ids, config.vocabulary, 'token id');
    inputs.ids = { shape: [rows * length], data: batch.ids };
    if (config.tokenTypes > 1) {
      checkIds(batch.typeIds, config.tokenTypes, 'token type');
      inputs.types = oneHot(batch.typeIds, config.tokenTypes);
    }
  }
  const bias = new Float32Array(rows * length);
  for (let i = 0; i < bias.length; i++) bias[i] = batch.attentionMask[i] > 0 ? 0 : PADDING_BIAS;
  inputs.attentionBias = { shape: [rows, 1, 1, length], data: bias };
  if (config.relativeBuckets > 0) inputs.relative = oneHot(relativeBuckets(length, config), config.relativeBuckets);
  if (options.pooling && options.pooling !== 'first') {
    inputs.poolingWeights = poolingWeights(batch, options.pooling);
  }
  return inputs;
}

/** Weights [batch, length] whose sum is 1 in every row; a row without content (a filler) reads its first token. */
export function poolingWeights(batch: Batch, pooling: Pooling): HostTensor<Float32Array> {
  const { rows, length, attentionMask, contentMask } = batch;
  const weights = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const at = row * length;
    if (pooling === 'mean') {
      let count = 0;
      for (let i = at; i < at + length; i++) if (contentMask[i] > 0) count++;
      for (let i = at; i < at + length; i++) if (contentMask[i] > 0) weights[i] = 1 / count;
      if (count === 0) weights[at] = 1;
    } else {
      let last = at;
      if (pooling === 'last') for (let i = at; i < at + length; i++) if (attentionMask[i] > 0) last = i;
      weights[last] = 1;
    }
  }
  return { shape: [rows, length], data: weights };
}

/**
 * Bucket of each (query, key) pair, [length · length]: half of the buckets for keys to the right; near distances have their own,
 * far ones share logarithmically (Raffel et al. 2020, as in MPNet of `transformers`, whose float32 rounding is kept).
 */
export function relativeBuckets(length: number, config: EncoderConfig): Int32Array {
  const half = config.relativeBuckets / 2;
  const exact = half / 2;
  const span = Math.fround(Math.log(MAX_DISTANCE / exact));
  const near = new Int32Array(length);
  for (let distance = 0; distance < length; distance++) {
    const ratio = Math.fround(Math.fround(Math.log(distance / exact)) / span);
    const far = exact + Math.trunc(Math.fround(ratio * (half - exact)));
    near[distance] = distance < exact ? distance : Math.min(far, half - 1);
  }
  const buckets = new Int32Array(length * length);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      buckets[query * length + key] = key > query ? half + near[key - query] : near[query - key];
    }
  }
  return buckets;
}

/**
 * What the loss reads beside the logits: targets [batch, classes], one-hot, or [batch, 1] for regression (`classes` is 1), and
 * rowWeights [batch]. `labels` holds a class id or score for each example of the split.
 */
export function lossInputs(
  batch: Batch,
  labels: ArrayLike<number>,
  task: { kind: 'classification' | 'regression'; classes: number },
): Record<'targets' | 'rowWeights', HostTensor<Float32Array>> {
  const width = task.kind === 'regression' ? 1 : task.classes;
  const targets = new Float32Array(batch.rows * width);
  for (let row = 0; row < batch.rows; row++) {
    const example = batch.examples[row];
    if (example < 0) continue;
    if (task.kind === 'regression') targets[row] = labels[example];
    else targets[row * width + labels[example]] = 1;
  }
  return {
    targets: { shape: [batch.rows, width], data: targets },
    rowWeights: { shape: [batch.rows], data: batch.weights },
  };
}

function oneHot(ids: Int32Array, width: number): HostTensor<Float32Array> {
  const data = new Float32Array(ids.length * width);
  for (let i = 0; i < ids.length; i++) data[i * width + ids[i]] = 1;
  return { shape: [ids.length, width], data };
}

function checkIds(ids: Int32Array, limit: number, what: string): void {
  for (const id of ids) {
    if (id >= 0 && id < limit) continue;
    throw new CheckpointError(`${what} ${id} lies outside the model's table of ${limit} rows`, {
      hint: 'the tokenizer does not belong to this model: take tokenizer.json and the weights from the same folder',
    });
  }
}
