/** What an adapter method is: the parameters it adds to a layer, what they begin with, and how it changes what the layer computes. */
import type { Tensor } from '@tensorflow/tfjs';
import type { AttentionOptions, Chance } from '../../engine/ops.js';
import type { LayerPart } from '../families/family.js';
import type { Parameters } from '../tensors.js';
import type { AdapterOptions } from '../tuning.js';
import type { EncoderConfig, HostTensor, ParameterName } from '../types.js';

/** `normal`: N(0, 0.02); `kaiming`: uniform within ± 1/√(inputs), torch's default for linear weights. */
export type Start = 'zeros' | 'ones' | 'normal' | 'kaiming';

export interface AddedParameter {
  shape: number[];
  start: Start;
}

/** Named host tensors of a model, which merging changes in place. */
export type HostParameters = ReadonlyMap<ParameterName, HostTensor<Float32Array>>;

/** The places of a layer where an adapter may step in; what is absent leaves the layer as it is. States are [batch · length, width]. */
export interface LayerHooks {
  /** What a linear part reads in place of x. */
  input?(part: LayerPart, x: Tensor): Tensor;
  /** What stands in place of y, a linear part's output for x. */
  linear?(part: LayerPart, x: Tensor, y: Tensor): Tensor;
  /** In place of scaled dot-product attention; the arguments are those of `attention` in `engine/ops.ts`. */
  attention?(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, options: AttentionOptions): Tensor;
  /** In place of the attention's projected output, before its residual and LayerNorm. */
  afterAttention?(output: Tensor, residual: Tensor, normalise: (x: Tensor) => Tensor): Tensor;
  /** In place of the feed-forward part's output, before its residual and LayerNorm. */
  afterOutput?(output: Tensor, residual: Tensor, normalise: (x: Tensor) => Tensor): Tensor;
}

export interface AdapterMethod<O extends AdapterOptions> {
  /** What is added to layer n (1-based), by canonical name `layers.N.METHOD.…`. */
  added(n: number, config: EncoderConfig, options: O): Map<ParameterName, AddedParameter>;
  /** Whether a parameter that the layer has anyway is trained. */
  trains?(name: ParameterName): boolean;
  hooks?(n: number, parameters: Parameters, config: EncoderConfig, options: O, chance: Chance | undefined): LayerHooks;
  /** Works what was tuned into the layer's own weights, in place, so that the layer without adapter computes the same. */
  merge?(n: number, parameters: HostParameters, config: EncoderConfig, options: O): void;
}
