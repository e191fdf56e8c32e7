/** What an engine runs of a model: gradients of a loss, logits, pooled states of every layer. */
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { Recordable, Sizes } from '../engine/types.js';
import type { Adapters } from '../model/adapters/registry.js';
import { encode } from '../model/encoder.js';
import { classify } from '../model/head.js';
import type { Pooling } from '../model/inputs.js';
import { crossEntropy, meanSquaredError } from '../model/loss.js';
import { pool } from '../model/pooling.js';
import type { LayerRates } from '../model/rates.js';
import { type ClassifierKind, layerShapes } from '../model/shapes.js';
import type { EncoderConfig } from '../model/types.js';
import type { Start } from './prefix/start.js';

export interface ModelSpec {
  config: EncoderConfig;
  /** The layer that the classifier reads. */
  head: number;
  pooling: Pooling;
  classifier: ClassifierKind;
  kind: 'classification' | 'regression';
  /** Outputs of the classifier: 1 for regression. */
  classes: number;
  /** Dropout while training. */
  rates: (layer: number) => LayerRates;
  classifierRate: number;
  /** Of the tuned layers; none when fine-tuning. */
  adapters?: Adapters;
  /**
   * True where nothing but the classifier is trained: its layer is then computed whole, as the prefix cache keeps it, bit for bit.
   * Elsewhere pooling `first` computes of that layer what the first tokens need.
   */
  frozen?: boolean;
  /** Programs read cached states in place of tokens: `states` [batch · length, hidden], or `pooled` [batch, hidden]. */
  start?: Start;
}

/** Shapes of what `encoderInputs` and `lossInputs` prepare, for any batch and length. */
export function inputShapes(config: EncoderConfig, classes = 1): (sizes: Sizes) => Record<string, number[]> {
  return ({ batch, length }) => ({
    ids: [batch * length],
    types: [batch * length, config.tokenTypes],
    attentionBias: [batch, 1, 1, length],
    relative: [length * length, config.relativeBuckets],
    poolingWeights: [batch, length],
    keptWeights: [batch, length],
    states: [batch * length, config.hidden],
    pooled: [batch, config.hidden],
    targets: [batch, classes],
    rowWeights: [batch],
    denominator: [],
  });
}

function logitsOf(
  model: ModelSpec,
  parameters: Record<string, Tensor>,
  inputs: Record<string, Tensor>,
  chance?: Chance,
): Tensor {
  const { config, head, pooling, classifier, rates, classifierRate: rate, adapters, start } = model;
  if (start?.kind === 'pooled') return classify(parameters, inputs.pooled, { classifier, rate, chance });
  const from = start && { layer: start.layer, states: inputs.states };
  const firstOnly = pooling === 'first' && !model.frozen;
  const states = encode(parameters, inputs, config, { head, rates, chance, adapters, start: from, firstOnly });
  const last = states[states.length - 1];
  return classify(parameters, firstOnly ? last : pool(pooling, last, inputs), { classifier, rate, chance });
}

type Chance = NonNullable<Parameters<Recordable>[1]['chance']>;

/**
 * Loss of a batch and its gradient by every parameter named in `trainable`. Inputs: `encoderInputs`, `lossInputs`, `denominator`
 * (rows of the whole accumulated batch) and all parameters. Outputs: `loss`, and each gradient under its parameter's name.
 */
export function gradients(model: ModelSpec, trainable: readonly string[]): Recordable {
  return (inputs, { chance }) => {
    const loss = (...values: Tensor[]) => {
      const parameters = { ...inputs, ...Object.fromEntries(trainable.map((name, i) => [name, values[i]])) };
      const logits = logitsOf(model, parameters, inputs, chance);
      const measure = model.kind === 'regression' ? meanSquaredError : crossEntropy;
      return measure(logits, inputs.targets, inputs.rowWeights, inputs.denominator);
    };
    const { value, grads } = tf.valueAndGrads(loss)(trainable.map((name) => inputs[name]));
    return { loss: value, ...Object.fromEntries(trainable.map((name, i) => [name, grads[i]])) };
  };
}

/** Logits [batch, classes] without dropout. */
export function logits(model: ModelSpec): Recordable {
  return (inputs) => ({ logits: logitsOf(model, inputs, inputs) });
}

/** What of some layers is kept for a run that starts from one of them. */
export interface KeptStates {
  kind: Start['kind'];
  layers: readonly number[];
  pooling: Pooling;
}

/**
 * Means over content tokens of the states of layers 1…L, without dropout: `layer1` … `layerL`, each [batch, hidden]. With
 * `tokenCosine` also `cosine1` … `cosineL`, each [batch]: of the first token's state to its state a layer below. With `kept` also
 * `kept0` … `keptL` of its layers: what a run that starts there reads (the poolings but the mean by the input `keptWeights`).
 */
export function pooledStates(
  config: EncoderConfig,
  { tokenCosine = false, kept }: { tokenCosine?: boolean; kept?: KeptStates } = {},
): Recordable {
  return (inputs) => {
    const states = encode(inputs, inputs, config, { head: config.layers });
    const outputs: Record<string, Tensor> = {};
    for (let layer = 1; layer < states.length; layer++) outputs[`layer${layer}`] = pool('mean', states[layer], inputs);
    const weights = { ...inputs, poolingWeights: inputs.keptWeights ?? inputs.poolingWeights };
    for (const layer of kept?.layers ?? []) {
      outputs[`kept${layer}`] = kept?.kind === 'pooled' ? pool(kept.pooling, states[layer], weights) : states[layer];
    }
    if (!tokenCosine) return outputs;
    const tokens = states.map((state) => pool('first', state, inputs));
    const dot = (a: Tensor, b: Tensor) => tf.sum(tf.mul(a, b), -1);
    const norms = tokens.map((token) => tf.sqrt(dot(token, token)));
    for (let layer = 1; layer < tokens.length; layer++) {
      const lengths = tf.mul(norms[layer - 1], norms[layer]);
      outputs[`cosine${layer}`] = tf.div(dot(tokens[layer - 1], tokens[layer]), lengths);
    }
    return outputs;
  };
}

/**
 * Squared norms by layer of the gradient of a batch's mean loss, without dropout: `gradient1` … `gradientL`, each a scalar. Inputs as those
 * of `gradients`.
 */
export function layerGradients(model: ModelSpec): Recordable {
  const layers = Array.from({ length: model.head }, (_, index) => [...layerShapes(model.config, index + 1).keys()]);
  const norms = gradients(model, layers.flat());
  return (inputs, context) => {
    const { loss: _, ...byName } = norms(inputs, context);
    const square = (tensors: Tensor[]) =>
      tensors.map((tensor) => tf.sum(tf.mul(tensor, tensor))).reduce((sum, value) => tf.add(sum, value));
    return Object.fromEntries(
      layers.map((names, index) => [`gradient${index + 1}`, square(names.map((name) => byName[name]))]),
    );
  };
}
