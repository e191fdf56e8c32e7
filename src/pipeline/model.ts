/** A model as a run names it: a Hugging Face folder, or the run folder of an earlier run on top of its own base. */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readEncoderConfig } from '../checkpoint/config.js';
import { filesHash, modelHash } from '../checkpoint/hash.js';
import { loadEncoder, loadPooler } from '../checkpoint/load.js';
import { toHuggingFace } from '../checkpoint/names.js';
import { loadTokenizer, type Tokenizer } from '../data/tokenizer.js';
import { CheckpointError, UserError } from '../errors.js';
import { addedParameters, assertMergeable, mergeAdapters } from '../model/adapters/registry.js';
import type { EncoderConfig, HostTensor, ParameterName } from '../model/types.js';
import { FILES, isRunFolder, type RunResult, readRun, readTuned } from './run-folder.js';
import type { Reporter } from './types.js';

export interface OpenModel {
  /** Last part of the folder's path, for people. */
  name: string;
  folder: string;
  config: EncoderConfig;
  tokenizer: Tokenizer;
  /** sha-256 of configuration and weights. */
  hash: string;
  /** Parameters of layers from…layers, and where `from` is 1 (as it is unless told) of the embeddings. */
  load(layers: number, from?: number): { parameters: Map<ParameterName, HostTensor<Float32Array>>; surplus: string[] };
  /** The dense part of Python's own classifier, where the model has one (BERT's pooler) and no run has replaced it. */
  pooler(): Map<ParameterName, HostTensor<Float32Array>> | undefined;
}

const told = new WeakSet<OpenModel>();

/** Says, once a model, which tensors of the checkpoint have no place in it. */
export function tellSurplus(model: OpenModel, surplus: readonly string[], reporter: Reporter): void {
  if (surplus.length === 0 || told.has(model)) return;
  told.add(model);
  const more = surplus.length > TOLD ? ` and ${surplus.length - TOLD} more, which --verbose names` : '';
  const names = surplus.slice(0, TOLD).join(', ');
  reporter.log('warn', `${surplus.length} tensors of the checkpoint are not used: ${names}${more}`);
  if (more) reporter.log('debug', `not used: ${surplus.join(', ')}`);
}

const TOLD = 5;

/** Throws a `UserError` where the folder is no model, a `CheckpointError` where it is a broken one. */
export function openModel(folder: string): OpenModel {
  if (!existsSync(folder)) {
    throw new UserError('there is no such folder', {
      file: folder,
      hint: 'model names a folder with config.json and model.safetensors',
    });
  }
  if (!statSync(folder).isDirectory()) {
    throw new UserError('is not a folder', {
      file: folder,
      hint: 'model names the folder that holds config.json and model.safetensors',
    });
  }
  return isRunFolder(folder) ? openTunedModel(folder) : openBaseModel(folder);
}

/** Why training such a model cannot work, where it was given values that are no numbers. Reads the weights anew. */
export function brokenWeights(model: OpenModel, layers: number): CheckpointError | undefined {
  for (const [name, { data }] of model.load(layers).parameters) {
    if (data.every(Number.isFinite)) continue;
    const tensor = toHuggingFace(model.config.family, name);
    return new CheckpointError(`${tensor} holds values that are not finite numbers`, {
      file: model.folder,
      hint: 'the weights are damaged: copy or download the model again',
    });
  }
  return undefined;
}

function openBaseModel(folder: string): OpenModel {
  const config = readEncoderConfig(folder);
  let hash: string | undefined;
  return {
    name: basename(folder),
    folder,
    config,
    tokenizer: loadTokenizer(folder),
    get hash() {
      hash ??= modelHash(folder);
      return hash;
    },
    load(layers, from) {
      const { parameters, surplus } = loadEncoder(folder, { layers, from });
      return { parameters, surplus };
    },
    pooler: () => loadPooler(folder, config),
  };
}

/**
 * A tuned model without its classifier; it ends at the layer that its classifier read. Adapters are merged into the weights: throws a
 * `UserError` where that cannot be.
 */
function openTunedModel(folder: string): OpenModel {
  const { config: run, result } = readRun(folder);
  assertMergeable(run.tuning, folder);
  const base = openBase(run.model, result);
  let hash: string | undefined;
  return {
    tokenizer: base.tokenizer,
    name: basename(folder),
    folder,
    config: { ...base.config, layers: result.arm.head },
    get hash() {
      hash ??= `${result.baseHash}+${filesHash([join(folder, FILES.tuned)])}`;
      return hash;
    },
    load(layers, from) {
      const loaded = base.load(layers, from);
      const added = addedParameters(base.config, result.arm, run.tuning);
      const names = [...loaded.parameters.keys(), ...added.keys()];
      const tuned = readTuned(folder, base.config.family, names);
      for (const name of added.keys()) {
        if (!tuned.has(name))
          throw new CheckpointError(`holds no ${name}`, { file: folder, hint: 'the run is damaged: train again' });
      }
      const parameters = new Map([...loaded.parameters, ...tuned]);
      mergeAdapters(base.config, result.arm, run.tuning, parameters);
      for (const name of added.keys()) parameters.delete(name);
      return { ...loaded, parameters };
    },
    pooler: () => undefined,
  };
}

/** Opens the model that a run was tuned from. Throws a `CheckpointError` where it is another by now. */
export function openBase(folder: string, { baseHash }: RunResult): OpenModel {
  const base = openModel(folder);
  if (base.hash === baseHash) return base;
  throw new CheckpointError('the base model is not the one that the run was tuned from', {
    file: folder,
    hint: 'put the original model back, or train again',
  });
}
