/** Every adapter method, and what it comes to for the layers of a span. */

import type { Chance } from '../../engine/ops.js';
import { UserError } from '../../errors.js';
import { stream } from '../../random.js';
import type { Triple } from '../../selection/arms.js';
import { layerShapes, sizeOf } from '../shapes.js';
import type { Parameters } from '../tensors.js';
import type { AdapterName, AdapterOptions, Tuning } from '../tuning.js';
import type { EncoderConfig, HostTensor, ParameterName } from '../types.js';
import type { AdapterMethod, AddedParameter, HostParameters, LayerHooks } from './adapter.js';
import { bitfit } from './bitfit.js';
import { bottleneck } from './bottleneck.js';
import { ia3 } from './ia3.js';
import { lora } from './lora.js';
import { parallel } from './parallel.js';
import { pfeiffer } from './pfeiffer.js';
import { prefix } from './prefix.js';

type Methods = { [N in AdapterName]: AdapterMethod<Extract<AdapterOptions, { method: N }>> };

const METHODS: Methods = { bottleneck, pfeiffer, parallel, lora, ia3, bitfit, prefix };

function methodOf(options: AdapterOptions): AdapterMethod<AdapterOptions> {
  return METHODS[options.method] as AdapterMethod<AdapterOptions>;
}

/** The layers bottom…top, none where the span is empty. */
function spanOf({ bottom, top }: Triple): number[] {
  if (bottom === null || top === null) return [];
  return Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i);
}

/** What the method adds to the layers of the span, from the bottom up; nothing when fine-tuning. */
export function addedParameters(
  config: EncoderConfig,
  triple: Triple,
  tuning: Tuning,
): Map<ParameterName, AddedParameter> {
  if (tuning === 'fine-tune') return new Map();
  return new Map(spanOf(triple).flatMap((n) => [...methodOf(tuning).added(n, config, tuning)]));
}

/** Names that tuning layer n trains: all of the layer's own, or what the method adds and whatever else it trains. */
export function tunedNames(config: EncoderConfig, n: number, tuning: Tuning): ParameterName[] {
  const own = [...layerShapes(config, n).keys()];
  if (tuning === 'fine-tune') return own;
  const method = methodOf(tuning);
  const trained = own.filter((name) => (tuning.layerNorms && /Norm\./.test(name)) || method.trains?.(name));
  return [...method.added(n, config, tuning).keys(), ...trained];
}

/** What is added, as it is before training; a pure function of the seed. */
export function initialiseAdapters(
  config: EncoderConfig,
  triple: Triple,
  tuning: Tuning,
  seed: number,
): Map<ParameterName, HostTensor<Float32Array>> {
  const parameters = new Map<ParameterName, HostTensor<Float32Array>>();
  for (const [name, { shape, start }] of addedParameters(config, triple, tuning)) {
    const data = new Float32Array(sizeOf(shape)).fill(start === 'ones' ? 1 : 0);
    const random = stream(seed, 'adapter', name);
    const bound = 1 / Math.sqrt(shape[shape.length - 1]);
    for (let i = 0; i < data.length; i++) {
      if (start === 'normal') data[i] = 0.02 * random.normal();
      else if (start === 'kaiming') data[i] = bound * (2 * random.uniform() - 1);
    }
    parameters.set(name, { shape, data });
  }
  return parameters;
}

/** Hooks of layer n while a model runs; undefined for layers outside the span. */
export type Adapters = (n: number, parameters: Parameters, chance: Chance | undefined) => LayerHooks | undefined;

/** The adapters of a span; undefined where no layer is changed. */
export function spanAdapters(config: EncoderConfig, triple: Triple, tuning: Tuning): Adapters | undefined {
  const method = tuning === 'fine-tune' ? undefined : methodOf(tuning);
  if (tuning === 'fine-tune' || !method?.hooks) return undefined;
  const span = new Set(spanOf(triple));
  return (n, parameters, chance) => (span.has(n) ? method.hooks?.(n, parameters, config, tuning, chance) : undefined);
}

/** Throws a `UserError` where weights cannot express what the method tunes; `file` is the folder that asks for it. */
export function assertMergeable(tuning: Tuning, file?: string): void {
  if (tuning === 'fine-tune' || methodOf(tuning).merge) return;
  const able = Object.entries(METHODS).flatMap(([name, { merge }]) => (merge ? [name] : []));
  throw new UserError(`adapters of the method ${tuning.method} cannot be merged into a model's weights`, {
    file,
    hint: `what can: ${able.join(', ')}, and fine-tuning`,
  });
}

/**
 * Works adapters into the layers' own weights, in place: an encoder without adapters then computes the same. Of the span's layers those
 * are changed that `parameters` holds, beside what was added to them. Throws as `assertMergeable` does.
 */
export function mergeAdapters(config: EncoderConfig, triple: Triple, tuning: Tuning, parameters: HostParameters): void {
  if (tuning === 'fine-tune') return;
  assertMergeable(tuning);
  for (const n of spanOf(triple)) {
    if (parameters.has(`layers.${n}.query.weight`)) methodOf(tuning).merge?.(n, parameters, config, tuning);
  }
}
