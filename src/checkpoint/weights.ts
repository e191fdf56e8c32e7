/** The weights of a model folder, be they one safetensors file or several with an index. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CheckpointError } from '../errors.js';
import { readJson } from '../files.js';
import type { HostTensor } from '../model/types.js';
import { openSafetensors, type Safetensors, type TensorInfo } from './safetensors.js';

export interface Weights {
  /** What an error about the whole names: the single file, or the index. */
  readonly file: string;
  /** Every weight file, and the index where there is one. */
  readonly files: readonly string[];
  names(): string[];
  has(name: string): boolean;
  info(name: string): TensorInfo;
  read(name: string, target?: Float32Array): HostTensor<Float32Array>;
  close(): void;
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** Opens a folder's weights. Throws a `CheckpointError` with the remedy where there are none that can be read. */
export function openWeights(folder: string): Weights {
  const single = join(folder, SINGLE);
  if (existsSync(single)) {
    const file = openSafetensors(single);
    return { ...file, files: [single] };
  }
  const index = join(folder, INDEX);
  if (existsSync(index)) return openSharded(folder, index);
  if (!existsSync(folder)) {
    throw new CheckpointError('there is no such folder', { file: folder, hint: 'check the path of the model' });
  }
  if (existsSync(join(folder, 'pytorch_model.bin')) || existsSync(join(folder, 'pytorch_model.bin.index.json'))) {
    throw new CheckpointError(`holds weights only as pytorch_model.bin; ${SINGLE} is expected`, {
      file: folder,
      hint: `convert them once: python -c "from transformers import AutoModel; AutoModel.from_pretrained('${folder}').save_pretrained('${folder}')"`,
    });
  }
  throw new CheckpointError(`holds no weights: neither ${SINGLE} nor ${INDEX}`, {
    file: folder,
    hint: 'a model folder holds config.json, model.safetensors and tokenizer.json, as Hugging Face lays it out',
  });
}

function openSharded(folder: string, index: string): Weights {
  const fail = (message: string) =>
    new CheckpointError(message, { file: index, hint: 'restore the index that belongs to these weight files' });
  const parsed = readJson(index, 'restore the index that belongs to these weight files');
  const map = (parsed as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null) throw fail('has no "weight_map"');
  const places = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || basename(shard) !== shard) throw fail(`"${name}" has no file name beside it`);
    places.set(name, shard);
  }
  const shards = [...new Set(places.values())].sort();
  for (const shard of shards) {
    if (!existsSync(join(folder, shard))) {
      throw new CheckpointError('there is no such file', {
        file: join(folder, shard),
        hint: `download it: ${basename(index)} names it`,
      });
    }
  }
  const open = new Map<string, Safetensors>();
  const holder = (name: string): Safetensors => {
    const shard = places.get(name);
    if (shard === undefined) throw fail(`names no tensor "${name}"`);
    let file = open.get(shard);
    if (!file) {
      file = openSafetensors(join(folder, shard));
      open.set(shard, file);
    }
    return file;
  };
  return {
    file: index,
    files: [index, ...shards.map((shard) => join(folder, shard))],
    names: () => [...places.keys()],
    has: (name) => places.has(name),
    info: (name) => holder(name).info(name),
    read: (name, target) => holder(name).read(name, target),
    close() {
      for (const file of open.values()) file.close();
      open.clear();
    },
  };
}
