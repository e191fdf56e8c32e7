/** Adapters that Python trained, as what a run starts from. */
import { join } from 'node:path';
import { readAdapterHub } from '../checkpoint/adapterhub.js';
import type { TrainedAdapter } from '../checkpoint/exchange.js';
import { isClassifier } from '../checkpoint/exchange.js';
import { readPeft } from '../checkpoint/peft.js';
import type { RunConfig, TunedConfig } from '../config/schema.js';
import { UserError } from '../errors.js';
import { readJson } from '../files.js';
import type { AdapterOptions } from '../model/tuning.js';
import type { EncoderConfig, HostTensor, ParameterName } from '../model/types.js';
import type { Triple } from '../selection/arms.js';
import type { OpenModel } from './model.js';

export interface Tuned {
  config: TunedConfig;
  /** What the run starts from, where the configuration names it. */
  imported?: TrainedAdapter;
}

/**
 * Reads the adapter that `tuning.from` names, if it does; its options become the configuration's. Throws a `CheckpointError` where it is
 * none for this model, a `UserError` where the configuration states other options.
 */
export function resolveTuning(config: RunConfig, encoder: EncoderConfig): Tuned {
  const { tuning } = config;
  if (tuning === 'fine-tune') return { config: { ...config, tuning } };
  const { from, ...stated } = tuning;
  if (from === undefined) {
    const options = tuning as AdapterOptions;
    checkSize(options, encoder);
    return { config: { ...config, tuning: options } };
  }
  const imported = readAdapter(from, encoder);
  for (const [key, value] of Object.entries(stated)) {
    const theirs = (imported.tuning as unknown as Record<string, unknown>)[key];
    if (JSON.stringify(value) === JSON.stringify(theirs)) continue;
    throw new UserError(
      `tuning.${key} is ${JSON.stringify(value)}, but that of the adapter is ${JSON.stringify(theirs)}`,
      {
        file: from,
        hint: 'state tuning.from alone: the rest is in the adapter',
      },
    );
  }
  return { config: { ...config, tuning: { ...imported.tuning, from } }, imported };
}

/** Throws a `UserError` where an adapter is wider than the model, or narrower than one. */
function checkSize(options: AdapterOptions, { hidden }: EncoderConfig): void {
  if (options.method === 'lora' && options.rank > hidden)
    throw new UserError(`tuning.rank is ${options.rank}, but the model is ${hidden} wide`, {
      hint: 'a low rank is meant: 4 to 64 is usual',
    });
  if ('reductionFactor' in options && options.reductionFactor > hidden)
    throw new UserError(`tuning.reductionFactor is ${options.reductionFactor}, but the model is ${hidden} wide`, {
      hint: `the adapter is ${hidden} / reductionFactor wide: 2 to 64 is usual`,
    });
}

function readAdapter(folder: string, encoder: EncoderConfig): TrainedAdapter {
  const values = readJson(
    join(folder, 'adapter_config.json'),
    'tuning.from names a folder that peft or adapters has saved',
  );
  const isPeft = typeof values === 'object' && values !== null && 'peft_type' in values;
  return isPeft ? readPeft(folder, encoder) : readAdapterHub(folder, encoder);
}

/**
 * Puts the adapter's tensors in the place of fresh ones; its classifier too, where it is of the run's shape. Returns why it was not, if so.
 * Throws a `UserError` where the adapter stands in other layers than the arm tunes.
 */
export function startFrom(
  { layers, tensors, pooling }: TrainedAdapter,
  parameters: Map<ParameterName, HostTensor<Float32Array>>,
  { bottom, top, head }: Triple,
  model: OpenModel,
  classifier: RunConfig['classifier'],
): string | undefined {
  const [first, last] = [layers[0], layers[layers.length - 1]];
  if (first !== bottom || last !== top) {
    const arm = bottom === null ? 'no layer' : bottom === top ? `layer ${bottom}` : `layers ${bottom} to ${top}`;
    throw new UserError(`the adapter of tuning.from stands in layers ${first} to ${last}, but the arm tunes ${arm}`, {
      hint: `state arm: { bottom: ${first}, top: ${last}, head: ${Math.max(last, head)} }`,
    });
  }
  for (const [name, tensor] of tensors) if (!isClassifier(name)) parameters.set(name, tensor);
  const heads = new Map([...tensors].filter(([name]) => isClassifier(name)));
  if (heads.size === 0) return undefined;
  const wanted = [...parameters.keys()].filter(isClassifier);
  const misfit = [...heads].find(([name, { shape }]) => String(shape) !== String(parameters.get(name)?.shape));
  if (misfit) return "the adapter's classifier is of another shape than this task's";
  if (pooling !== undefined && pooling !== classifier.pooling)
    return `the adapter's classifier reads the ${pooling} token, and classifier.pooling is ${classifier.pooling}`;
  // peft saves what lies under BERT's classifier only where it is told to: else it is the base model's own.
  if (wanted.some((name) => !heads.has(name)))
    for (const [name, tensor] of model.pooler() ?? []) heads.set(name, tensor);
  if (wanted.some((name) => !heads.has(name)))
    return 'the adapter was saved without the pooler under its classifier (modules_to_save), and the model has none';
  for (const [name, tensor] of heads) parameters.set(name, tensor);
  return undefined;
}
