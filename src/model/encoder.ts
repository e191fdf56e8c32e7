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
 * position, [1, heads, length, length].
 */
function scoreBias(parameters: Parameters, inputs: Inputs, config: EncoderConfig): Tensor {
  const padding = take(inputs, 'attentionBias');
  if (config.relativeBuckets === 0) return padding;
  const [, length] = batchShape(inputs);
  // [buckets, heads]ᵀ · [length · length, buckets]ᵀ → [heads, length · length]
  const byHead = tf.matMul(take(parameters, 'embeddings.relative'), take(inputs, 'relative'), true, true);
  return tf.add(tf.reshape(byHead, [1, config.heads, length, length]), padding);
}

export interface LayerContext extends EncoderOptions {
  batch: number;
  length: number;
  /** Of `scoreBias`. */
  bias: Tensor;
}

/** Layer n (1-based): attention and feed-forward, each with its residual and LayerNorm → [batch · length, hidden]. */
export function layer(
  n: number,
  states: Tensor,
  parameters: Parameters,
  config: EncoderConfig,
  context: LayerContext,
): Tensor {
  const { batch, length, bias, chance } = context;
  const rates = context.rates?.(n) ?? NO_DROPOUT;
  const at = `layers.${n}`;
  const {
    input,
    linear: change,
    attention = plainAttention,
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

  const mixed = attention(project('query', states), project('key', states), project('value', states), bias, {
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
  const attended = afterAttention?.(projected, states, attentionNorm) ?? projected;
  const middle = attentionNorm(tf.add(attended, states));
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
  const first = options.start?.layer ?? 0;
  const all = [options.start?.states ?? embed(parameters, inputs, config, options)];
  if (options.head <= first) return all;
  const context: LayerContext = { ...options, batch, length, bias: scoreBias(parameters, inputs, config) };
  for (let n = first + 1; n <= options.head; n++) {
    all.push(layer(n, all[all.length - 1], parameters, config, context));
  }
  return all;
}
