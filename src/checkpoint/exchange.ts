/** What the exchange formats share: an adapter as spantune knows it, Python's own classifiers, and reading a folder of either format. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '../errors.js';
import { readJson } from '../files.js';
import { LAYER_PARTS, type LayerPart } from '../model/families/family.js';
import { FAMILIES } from '../model/families/registry.js';
import type { Pooling } from '../model/inputs.js';
import type { ClassifierKind } from '../model/shapes.js';
import type { AdapterOptions } from '../model/tuning.js';
import type { EncoderConfig, Family, HostTensor, ParameterName } from '../model/types.js';
import { headNames } from './names.js';
import { openSafetensors, type Safetensors } from './safetensors.js';

export type HostTensors = Map<ParameterName, HostTensor<Float32Array>>;

/** An adapter that was trained, apart from the model it belongs to. */
export interface TrainedAdapter {
  tuning: AdapterOptions;
  /** The layers it stands in, 1-based, without gaps. */
  layers: number[];
  /** What was trained, by canonical name: the adapter, LayerNorms, the classifier. */
  tensors: HostTensors;
  /** What the classifier reads of the states, where the format says. */
  pooling?: Pooling;
}

export interface ExportedModel extends Omit<TrainedAdapter, 'pooling'> {
  config: EncoderConfig;
  /** The layer that the classifier reads: Python loads so many layers. */
  head: number;
  classifier: { kind: ClassifierKind; pooling: Pooling };
  /** The base model's folder. */
  base: string;
}

export interface ExportedFiles {
  /** For adapter_config.json. */
  json: string;
  weights: { name: string; tensors: [string, HostTensor<Float32Array>][] };
  /** True where Python's own sequence classification model holds the classifier; else it is a file of its own. */
  classifies: boolean;
}

/** Modules of a family's sequence classification model that compute as our classifier does, and where its tensors go. */
export interface PythonHead {
  modules: string[];
  names: Readonly<Record<ParameterName, string>>;
}

const HEADS: Partial<Record<Family, PythonHead>> = {
  roberta: { modules: ['classifier'], names: headNames },
  mpnet: { modules: ['classifier'], names: headNames },
  bert: {
    modules: ['bert.pooler', 'classifier'],
    names: {
      'classifier.dense.weight': 'bert.pooler.dense.weight',
      'classifier.dense.bias': 'bert.pooler.dense.bias',
      'classifier.output.weight': 'classifier.weight',
      'classifier.output.bias': 'classifier.bias',
    },
  },
};

/** Python's head of the same shape: dense, tanh, linear over the first token. Undefined where the family's own is another. */
export function pythonHead(family: Family, classifier: ExportedModel['classifier']): PythonHead | undefined {
  return classifier.kind === 'mlp' && classifier.pooling === 'first' ? HEADS[family] : undefined;
}

/** The classifier where Python has none like it. */
export const CLASSIFIER_FILE = 'classifier.safetensors';

export function isClassifier(name: ParameterName): boolean {
  return name.startsWith('classifier.');
}

/** A module's path in Python as layer (1-based), part, and what follows; undefined for anything else. */
export function parseModule(
  family: Family,
  path: string,
): { layer: number; part: LayerPart | undefined; rest: string } | undefined {
  const { prefix, layerPath, layerParts } = FAMILIES[family];
  const bare = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  const [, number, rest] = bare.startsWith(layerPath) ? (/^(\d+)\.(.+)$/.exec(bare.slice(layerPath.length)) ?? []) : [];
  if (number === undefined) return undefined;
  const part = LAYER_PARTS.find((name) => rest.startsWith(`${layerParts[name]}.`));
  return {
    layer: Number(number) + 1,
    part,
    rest: part ? rest.slice(layerParts[part].length + 1) : rest,
  };
}

/** Collects an adapter's tensors, each checked for its place and shape. */
export function collector(config: EncoderConfig, file: string) {
  const tensors: HostTensors = new Map();
  return {
    tensors,
    add(name: ParameterName, theirs: string, layer: number, tensor: HostTensor<Float32Array>, shape: number[]): void {
      if (layer > config.layers) {
        throw new CheckpointError(`"${theirs}" belongs to layer ${layer}; the model has ${config.layers}`, {
          file,
          hint: 'the adapter was trained on another model: name that one as model',
        });
      }
      if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
        const [found, expected] = [tensor.shape, shape].map((sizes) => `[${sizes.join(', ')}]`);
        throw new CheckpointError(`"${theirs}" is ${found}, expected ${expected} for this model`, {
          file,
          hint: 'the adapter was trained on another model: name that one as model',
        });
      }
      const at = tensor.data.findIndex((value) => !Number.isFinite(value));
      if (at >= 0) {
        throw new CheckpointError(`"${theirs}" holds ${tensor.data[at]}, which is no finite number`, {
          file,
          hint: 'its training diverged, or the file is damaged: save the adapter again',
        });
      }
      tensors.set(name, tensor);
    },
  };
}

/** The layers of tensors' canonical names, ascending. Throws a `CheckpointError` where they have gaps. */
export function layersOf(names: Iterable<ParameterName>, file: string): number[] {
  const found = new Set([...names].flatMap((name) => /^layers\.(\d+)\./.exec(name)?.[1] ?? []).map(Number));
  const layers = [...found].sort((a, b) => a - b);
  if (layers.length === 0) throw new CheckpointError('holds no adapter of this model', { file });
  if (layers[layers.length - 1] - layers[0] + 1 === layers.length) return layers;
  throw new CheckpointError(`has adapters in layers ${layers.join(', ')}: not one span`, {
    file,
    hint: 'spantune tunes one span of neighbouring layers',
  });
}

/** The classifier in a file of its own, if there is one. */
export function readClassifier(folder: string): HostTensors {
  const tensors: HostTensors = new Map();
  const path = join(folder, CLASSIFIER_FILE);
  if (!existsSync(path)) return tensors;
  const file = openSafetensors(path);
  try {
    for (const [name, theirs] of Object.entries(headNames)) if (file.has(theirs)) tensors.set(name, file.read(theirs));
  } finally {
    file.close();
  }
  return tensors;
}

/** adapter_config.json and an open weights file. Throws a `CheckpointError` that names what is missing. */
export function openAdapter(
  folder: string,
  weights: string,
): { file: string; values: Record<string, unknown>; open(): Safetensors } {
  const file = join(folder, 'adapter_config.json');
  const values = readJson(file, 'name a folder that holds adapter_config.json and the weights beside it');
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new CheckpointError('is not a JSON object', { file, hint: 'restore the file' });
  }
  return {
    file,
    values: values as Record<string, unknown>,
    open() {
      const path = join(folder, weights);
      if (existsSync(path)) return openSafetensors(path);
      throw new CheckpointError(`holds no ${weights}`, {
        file: folder,
        hint: 'save the adapter as safetensors, not as a .bin file',
      });
    },
  };
}
