/** Reading an encoder's `config.json` as Hugging Face writes it, whatever the family calls its keys. */
import { join } from 'node:path';
import { CheckpointError } from '../errors.js';
import { readJson } from '../files.js';
import type { FamilyDescription } from '../model/families/family.js';
import { FAMILIES, familyOf } from '../model/families/registry.js';
import type { Activation, EncoderConfig } from '../model/types.js';

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
};
const FOLDER_HINT =
  'a model folder holds config.json, model.safetensors and tokenizer.json, as Hugging Face lays it out';

/**
 * The configuration of the encoder in a folder. Optional keys that are absent take what `transformers` assumes. Throws a
 * `CheckpointError` that names the file, the key and what was expected, also for options that are not supported; a `UserError`
 * where the file cannot be read.
 */
export function readEncoderConfig(folder: string): EncoderConfig {
  const file = join(folder, 'config.json');
  const values = readJson(file, FOLDER_HINT);
  const fail = (message: string, hint: string) => new CheckpointError(message, { file, hint });
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw fail('is not a JSON object', FOLDER_HINT);
  }
  const description = familyIn(values as Record<string, unknown>, fail);
  const config = parse(values as Record<string, unknown>, description, fail);
  refuseUnsupported(values as Record<string, unknown>, config, fail);
  return config;
}

type Values = Readonly<Record<string, unknown>>;
type Fail = (message: string, hint: string) => CheckpointError;

function familyIn(values: Values, fail: Fail): FamilyDescription {
  const known = Object.values(FAMILIES).flatMap((family) => family.modelTypes);
  const modelType = values.model_type;
  const hint = `encoders of these families can be read: ${known.join(', ')}`;
  if (modelType === undefined) throw fail('"model_type" is missing', hint);
  const description = typeof modelType === 'string' ? familyOf(modelType) : undefined;
  if (!description) throw fail(`"model_type" is ${JSON.stringify(modelType)}, which is not a known family`, hint);
  return description;
}

function parse(values: Values, description: FamilyDescription, fail: Fail): EncoderConfig {
  const { keys, defaults } = description;
  const get = <T>(key: string, expected: string, accept: (value: unknown) => value is T, fallback?: T): T => {
    const value = values[key] ?? undefined;
    if (value === undefined && fallback !== undefined) return fallback;
    if (value === undefined) throw fail(`"${key}" is missing`, `expected "${key}" to be ${expected}`);
    if (!accept(value)) throw fail(`"${key}" is ${JSON.stringify(value)}`, `expected "${key}" to be ${expected}`);
    return value;
  };
  const size = (key: string, fallback?: number) => get(key, 'a positive integer', isPositiveInteger, fallback);
  const rate = (key: string) => get(key, 'a number from 0 to below 1', isRate, 0.1);

  const hidden = size(keys.hidden);
  const heads = size(keys.heads);
  if (hidden % heads !== 0) {
    throw fail(
      `"${keys.hidden}" is ${hidden}, not a multiple of "${keys.heads}", ${heads}`,
      'restore the config.json that belongs to these weights',
    );
  }
  const padId = get('pad_token_id', 'an integer from 0', isIndex, defaults.padId);
  const positions = size(keys.positions);
  const positionOffset = description.positionOffset(padId);
  if (positions <= positionOffset) {
    throw fail(`"${keys.positions}" is ${positions}`, `expected more than ${positionOffset}, where positions start`);
  }
  const { classifierDropout } = keys;
  const activation = get(keys.activation, oneOf(Object.keys(ACTIVATIONS)), isActivation, 'gelu');
  return {
    family: description.family,
    layers: size(keys.layers),
    hidden,
    heads,
    intermediate: size(keys.intermediate),
    vocabulary: size(keys.vocabulary),
    positions,
    positionOffset,
    tokenTypes: keys.tokenTypes
      ? get(keys.tokenTypes, 'an integer from 0', isIndex, defaults.tokenTypes)
      : defaults.tokenTypes,
    embedding: keys.embedding ? size(keys.embedding) : hidden,
    layerNormEpsilon: keys.layerNormEpsilon
      ? get(keys.layerNormEpsilon, 'a positive number', isPositive, defaults.layerNormEpsilon)
      : defaults.layerNormEpsilon,
    activation: ACTIVATIONS[activation],
    hiddenDropout: rate(keys.hiddenDropout),
    attentionDropout: rate(keys.attentionDropout),
    classifierDropout: classifierDropout && values[classifierDropout] != null ? rate(classifierDropout) : null,
    padId,
    relativeBuckets: keys.relativeBuckets ? size(keys.relativeBuckets, defaults.relativeBuckets) : 0,
  };
}

/** Options that change what the encoder computes and that this one does not know. */
function refuseUnsupported(values: Values, config: EncoderConfig, fail: Fail): void {
  const position = values.position_embedding_type ?? 'absolute';
  if (position !== 'absolute') {
    throw fail(
      `"position_embedding_type" is ${JSON.stringify(position)}, which is not supported`,
      'take a checkpoint with absolute positions',
    );
  }
  for (const key of ['is_decoder', 'add_cross_attention', 'is_encoder_decoder']) {
    if (values[key] === true) throw fail(`"${key}" is true`, 'take an encoder: decoders are not supported');
  }
  const { relativeBuckets } = FAMILIES[config.family].defaults;
  if (config.relativeBuckets !== relativeBuckets) {
    throw fail(
      `"relative_attention_num_buckets" is ${config.relativeBuckets}, which is not supported`,
      `expected ${relativeBuckets}, the number that transformers computes with whatever is stated`,
    );
  }
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1;
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0;
}

function isActivation(value: unknown): value is string {
  return typeof value === 'string' && Object.hasOwn(ACTIVATIONS, value);
}

function oneOf(names: string[]): string {
  return `one of ${names.join(', ')}`;
}
