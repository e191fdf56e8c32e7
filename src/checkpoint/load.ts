/** Loading an encoder from a Hugging Face folder: its configuration and, up to a layer, its weights. */
import { CheckpointError } from '../errors.js';
import { embeddingShapes, encoderShapes, layerShapes } from '../model/shapes.js';
import type { EncoderConfig, HostTensor, ParameterName } from '../model/types.js';
import { readEncoderConfig } from './config.js';
import { modelHash } from './hash.js';
import { detectPrefix, isExpectedExtra, presentName, toHuggingFace } from './names.js';
import { openWeights, type Weights } from './weights.js';

export interface LoadOptions {
  /** Read layers 1…layers alone; all of them unless told. */
  layers?: number;
  /** The lowest layer that is read; 1 unless told. Above 1 nothing of the embeddings is read but what the layers themselves use. */
  from?: number;
  /** False leaves out everything under `embeddings.`. */
  embeddings?: boolean;
}

export interface LoadedEncoder {
  config: EncoderConfig;
  /** float32, by canonical name, in the model's order. */
  parameters: Map<ParameterName, HostTensor<Float32Array>>;
  /** Tensors of the checkpoint that are not used, by their names there; poolers and pretraining heads are not told. */
  surplus: string[];
  /** sha-256 of config.json and the weight files; reads them at the first call. */
  hash(): string;
}

const LISTED = 8;

/**
 * Reads an encoder. Nothing above layer `layers` is read. Throws a `CheckpointError` that lists missing and misshapen tensors by
 * their Hugging Face names, each with expected and found shape.
 */
export function loadEncoder(folder: string, options: LoadOptions = {}): LoadedEncoder {
  const config = readEncoderConfig(folder);
  const { layers = config.layers, from = 1, embeddings = true } = options;
  if (!Number.isInteger(layers) || layers < 0 || layers > config.layers) {
    throw new CheckpointError(`layer ${layers} was asked for; the model has ${config.layers}`, {
      file: folder,
      hint: `layers are numbered 1 to ${config.layers}`,
    });
  }
  const wanted = new Map<ParameterName, number[]>();
  for (const [name, shape] of embeddingShapes(config)) {
    const used = from === 1 || (name === 'embeddings.relative' && from <= layers);
    if (embeddings && used) wanted.set(name, shape);
  }
  for (let layer = from; layer <= layers; layer++) {
    for (const [name, shape] of layerShapes(config, layer)) wanted.set(name, shape);
  }
  const weights = openWeights(folder);
  try {
    const prefix = detectPrefix(config.family, weights.names(), weights.file);
    const places = locate(weights, config, wanted, prefix);
    const parameters = new Map<ParameterName, HostTensor<Float32Array>>();
    for (const [name, place] of places) parameters.set(name, weights.read(place));
    let hash: string | undefined;
    return {
      config,
      parameters,
      surplus: surplusNames(weights, config, prefix),
      hash() {
        hash ??= modelHash(folder);
        return hash;
      },
    };
  } finally {
    weights.close();
  }
}

/**
 * BERT's pooler, as the dense part [hidden, hidden] of a classifier: Python's classification model has it below its classifier. Undefined
 * where the folder has none.
 */
export function loadPooler(folder: string, { family }: EncoderConfig): LoadedEncoder['parameters'] | undefined {
  if (family !== 'bert') return undefined;
  const weights = openWeights(folder);
  try {
    const at = `${detectPrefix(family, weights.names(), weights.file)}pooler.dense`;
    if (!weights.has(`${at}.weight`) || !weights.has(`${at}.bias`)) return undefined;
    const parts = ['weight', 'bias'] as const;
    return new Map(parts.map((part) => [`classifier.dense.${part}`, weights.read(`${at}.${part}`)]));
  } finally {
    weights.close();
  }
}

/** Where each wanted parameter stands in the checkpoint; complains of all that are missing or misshapen at once. */
function locate(
  weights: Weights,
  config: EncoderConfig,
  wanted: Map<ParameterName, number[]>,
  prefix: string,
): Map<ParameterName, string> {
  const places = new Map<ParameterName, string>();
  const wrong: string[] = [];
  for (const [name, expected] of wanted) {
    const theirs = toHuggingFace(config.family, name, prefix);
    const place = presentName(theirs, weights.has);
    if (place === undefined) {
      wrong.push(`"${theirs}" [${expected.join(', ')}] is missing`);
      continue;
    }
    const found = weights.info(place).shape;
    if (found.length !== expected.length || found.some((size, axis) => size !== expected[axis])) {
      wrong.push(`"${place}" is [${found.join(', ')}], expected [${expected.join(', ')}]`);
    }
    places.set(name, place);
  }
  if (wrong.length > 0) {
    const more = wrong.length > LISTED ? `; and ${wrong.length - LISTED} more` : '';
    throw new CheckpointError(`does not fit config.json: ${wrong.slice(0, LISTED).join('; ')}${more}`, {
      file: weights.file,
      hint: 'take config.json and the weights from the same model',
    });
  }
  return places;
}

function surplusNames(weights: Weights, config: EncoderConfig, prefix: string): string[] {
  const used = new Set<string>();
  for (const name of encoderShapes(config).keys()) {
    const place = presentName(toHuggingFace(config.family, name, prefix), weights.has);
    if (place !== undefined) used.add(place);
  }
  return weights.names().filter((name) => !used.has(name) && !isExpectedExtra(name));
}
