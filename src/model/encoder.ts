/**
 * The encoder: embeddings, then layers. One function for every family; what differs between them (token types, ELECTRA's
 * projection, MPNet's relative positions) follows from the configuration and the family's description. States are flat, [batch · length, hidden].
 */

import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import {
  type Chance,
  dropout,
  embedding,
  gelu,
  geluTanh,
  layerNorm,
  linear,
  attention as plainAttention,
  singleQueryAttention,
} from '../engine/ops.js';
import type { Adapters } from './adapters/registry.js';
import type { LayerPart } from './families/family.js';
import { FAMILIES } from './families/registry.js';
import type { LayerRates } from './rates.js';
import { type Inputs, type Parameters, take } from './tensors.js';
import type { Activation, EncoderConfig } from './types.js';

export interface EncoderOptions {
  /** Masks for dropout; absent in evaluation. */
  chance?: Chance;
  /** Dropout rates by layer, 0 being the embeddings; without it there is no dropout. */
  rates?: (layer: number) => LayerRates;
  /** What changes the layers of a span; without it all are as the checkpoint has them. */
  adapters?: Adapters;
}

const ACTIVATIONS: Readonly<Record<Activation, (x: Tensor) => Tensor>> = { gelu, gelu_tanh: geluTanh, relu: tf.relu };
const NO_DROPOUT: LayerRates = { hidden: 0, attention: 0 };

/** [batch, length] of a run, from the padding mask [batch, 1, 1, length]. */
export function batchShape(inputs: Inputs): [batch: number, length: number] {
  const { shape } = take(inputs, 'attentionBias');
  return [shape[0], shape[3] as number];
}

/** Hidden states of layer 0: word, type and position embeddings, normalised → [batch · length, hidden]. */
export function embed(parameters: Parameters, inputs: Inputs, config: EncoderConfig, options: EncoderOptions): Tensor {
  const [batch, length] = batchShape(inputs);
  const width = config.embedding;
  let sum = embedding(take(parameters, 'embeddings.word'), take(inputs, 'ids'));
  // Rows are padded on the right, so that every row reads the same slice of the table.
  let positions = tf.slice(take(parameters, 'embeddings.position'), [config.positionOffset, 0], [length, width]);
  if (config.tokenTypes > 1) {
    sum = tf.add(sum, tf.matMul(take(inputs, 'types'), take(parameters, 'embeddings.type')));
  } else if (config.tokenTypes === 1) {
    positions = tf.add(positions, take(parameters, 'embeddings.type'));
  }
  sum = tf.reshape(tf.add(tf.reshape(sum, [batch, length, width]), positions), [batch * length, width]);
  const normalised = layerNorm(
    sum,
    take(parameters, 'embeddings.norm.weight'),
    take(parameters, 'embeddings.norm.bias'),
    config.layerNormEpsilon,
  );
  const rate = options.rates?.(0).hidden ?? 0;
  const states = dropout(normalised, rate, 'embeddings', options.chance);
  if (width === config.hidden) return states;
  return linear(
    states,
    take(parameters, 'embeddings.projection.weight'),
    take(parameters, 'embeddings.projection.bias'),
  );
}

/**
 * What is added to the attention scores of every layer: the padding mask [batch, 1, 1, length], and MPNet's bias by relative
 * position, [1, heads, queries, length]; `queries` is the length, or 1 for the first token alone.
 */
function scoreBias(parameters: Parameters, inputs: Inputs, config: EncoderConfig, queries: number): Tensor {
  const padding = take(inputs, 'attentionBias');
  if (config.relativeBuckets === 0) return padding;
  const [, length] = batchShape(inputs);
  const all = take(inputs, 'relative');
  const relative = queries === 1 ? tf.slice(all, [0, 0], [length, config.relativeBuckets]) : all;
  // [buckets, heads]ᵀ · [queries · length, buckets]ᵀ → [heads, queries · length]
  const byHead = tf.matMul(take(parameters, 'embeddings.relative'), relative, true, true);
  return tf.add(tf.reshape(byHead, [1, config.heads, queries, length]), padding);
}

/** States [batch · length, hidden] of the first tokens, [batch, hidden]. */
export function firstTokens(states: Tensor, batch: number, length: number): Tensor {
  const hidden = states.shape[1] as number;
  const byRow = tf.reshape(states, [batch, length, hidden]);
  return tf.reshape(tf.slice(byRow, [0, 0, 0], [batch, 1, hidden]), [batch, hidden]);
}

export interface LayerContext extends EncoderOptions {
  batch: number;
  length: number;
  /** Of `scoreBias`. */
  bias: Tensor;
  /** Nothing but the first tokens' states is wanted: only keys and values are computed of all tokens. */
  firstOnly?: boolean;
}

/**
 * Layer n (1-based): attention and feed-forward, each with its residual and LayerNorm → [batch · length, hidden], or [batch, hidden]
 * where only the first tokens are wanted.
 */
export function layer(
  n: number,
  states: Tensor,
  parameters: Parameters,
  config: EncoderConfig,
  context: LayerContext,
): Tensor {
  const { batch, length, bias, chance, firstOnly = false } = context;
  const rates = context.rates?.(n) ?? NO_DROPOUT;
  const at = `layers.${n}`;
  const {
    input,
    linear: change,
    attention = firstOnly ? singleQueryAttention : plainAttention,
    afterAttention,
    afterOutput,
  } = context.adapters?.(n, parameters, chance) ?? {};
  const project = (part: LayerPart, states: Tensor) => {
    const x = input?.(part, states) ?? states;
    const y = linear(x, take(parameters, `${at}.${part}.weight`), take(parameters, `${at}.${part}.bias`));
    return change?.(part, x, y) ?? y;
  };
  const normalise = (part: LayerPart) => (x: Tensor) =>
    layerNorm(
      x,
      take(parameters, `${at}.${part}.weight`),
      take(parameters, `${at}.${part}.bias`),
      config.layerNormEpsilon,
    );

  const asking = firstOnly ? firstTokens(states, batch, length) : states;
  const mixed = attention(project('query', asking), project('key', states), project('value', states), bias, {
    batch,
    length,
    heads: config.heads,
    rate: rates.attention,
    site: `${at}.attention.probabilities`,
    chance,
  });
  const attendedRate = FAMILIES[config.family].attentionOutputDropout ? rates.hidden : 0;
  const projected = dropout(project('attention', mixed), attendedRate, `${at}.attention.output`, chance);
  const attentionNorm = normalise('attentionNorm');
  const attended = afterAttention?.(projected, asking, attentionNorm) ?? projected;
  const middle = attentionNorm(tf.add(attended, asking));
  const wide = ACTIVATIONS[config.activation](project('intermediate', middle));
  const narrow = dropout(project('output', wide), rates.hidden, `${at}.output`, chance);
  const outputNorm = normalise('outputNorm');
  const output = afterOutput?.(narrow, middle, outputNorm) ?? narrow;
  return outputNorm(tf.add(output, middle));
}

export interface EncodeOptions extends EncoderOptions {
  /** The last layer that is run (1-based). */
  head: number;
  /** Start from these states, the output of layer `layer`, and read neither ids nor embedding tables but the relative one. */
  start?: { layer: number; states: Tensor };
  /** Of layer `head` only the first tokens' states are wanted, [batch, hidden]: nothing else of it is computed. */
  firstOnly?: boolean;
}

/**
 * Hidden states of layers 0…head, or start.layer…head, each [batch · length, hidden]. Nothing above `head` is built.
 * States of padding tokens are finite but mean nothing.
 */
export function encode(
  parameters: Parameters,
  inputs: Inputs,
  config: EncoderConfig,
  options: EncodeOptions,
): Tensor[] {
  const [batch, length] = batchShape(inputs);
  const { head, start, firstOnly = false, ...rest } = options;
  const first = start?.layer ?? 0;
  const all = [start?.states ?? embed(parameters, inputs, config, rest)];
  const last = () => all[all.length - 1];
  if (head <= first) {
    if (firstOnly) all.push(firstTokens(last(), batch, length));
    return all;
  }
  // An adapter's own attention is about all tokens.
  const single = firstOnly && !options.adapters?.(head, parameters, options.chance)?.attention;
  const whole = single ? head - 1 : head;
  if (whole > first) {
    const context = { ...rest, batch, length, bias: scoreBias(parameters, inputs, config, length) };
    for (let n = first + 1; n <= whole; n++) all.push(layer(n, last(), parameters, config, context));
  }
  if (single) {
    const context = { ...rest, batch, length, bias: scoreBias(parameters, inputs, config, 1), firstOnly };
    all.push(layer(head, last(), parameters, config, context));
  } else if (firstOnly) {
    all.push(firstTokens(last(), batch, length));
  }
  return all;
}
