/**
 * LoRA and (IA)³ in the format of Python's `peft`: adapter_config.json and adapter_model.safetensors. LoRA names its modules by their
 * endings and its layers by number from 0; (IA)³, which knows no layers, names each module in full. What else was trained (LayerNorms,
 * classifier) is saved whole, under `modules_to_save`.
 */
import { CheckpointError } from '../errors.js';
import { LAYER_PARTS, type LayerPart } from '../model/families/family.js';
import { FAMILIES } from '../model/families/registry.js';
import { layerShapes } from '../model/shapes.js';
import { LORA_TARGETS, type LoraTarget } from '../model/tuning.js';
import type { EncoderConfig, Family, HostTensor, ParameterName } from '../model/types.js';
import {
  collector,
  type ExportedFiles,
  type ExportedModel,
  isClassifier,
  layersOf,
  openAdapter,
  parseModule,
  pythonHead,
  readClassifier,
  type TrainedAdapter,
} from './exchange.js';
import { toHuggingFace } from './names.js';

const WEIGHTS = 'adapter_model.safetensors';
const START = 'base_model.model.';
/** Parts that (IA)³ scales, in peft's order. */
const SCALED = ['key', 'value', 'output'] as const;

/** Throws a `CheckpointError` for what peft cannot hold. */
export function toPeft(model: ExportedModel): ExportedFiles {
  const { config, tuning, layers, tensors, classifier, base } = model;
  const { family } = config;
  if (tuning.method !== 'lora' && tuning.method !== 'ia3') {
    const prefixes = 'no encoder of transformers takes the keys and values that peft would hand it';
    const reason = tuning.method === 'prefix' ? `: ${prefixes}` : '';
    throw new CheckpointError(`peft cannot hold adapters of the method ${tuning.method}${reason}`, {
      hint: 'it holds lora and ia3; AdapterHub holds bottleneck, pfeiffer and parallel',
    });
  }
  const head = pythonHead(family, classifier);
  const prefix = head ? FAMILIES[family].prefix : '';
  const moduleOf = (layer: number, part: LayerPart) =>
    toHuggingFace(family, `layers.${layer}.${part}.weight`, prefix).replace(/\.weight$/, '');

  const named: [string, HostTensor<Float32Array>][] = [];
  const saved = new Set<string>(head?.modules);
  for (const [name, tensor] of tensors) {
    if (isClassifier(name)) {
      if (head) named.push([START + head.names[name], tensor]);
      continue;
    }
    const theirs = toHuggingFace(family, name, prefix);
    if (/Norm\.(weight|bias)$/.test(name)) saved.add(theirs.replace(/\.(weight|bias)$/, ''));
    named.push([START + theirs, theirs.endsWith('.ia3_l') ? column(name, tensor) : tensor]);
  }
  const common = {
    base_model_name_or_path: base,
    inference_mode: true,
    modules_to_save: saved.size > 0 ? [...saved] : null,
    task_type: head ? 'SEQ_CLS' : 'FEATURE_EXTRACTION',
  };
  const specific =
    tuning.method === 'lora'
      ? {
          peft_type: 'LORA',
          r: tuning.rank,
          lora_alpha: tuning.alpha,
          lora_dropout: tuning.dropout,
          bias: 'none',
          target_modules: tuning.targets.flatMap((part) => endings(family, part, layers)),
          layers_to_transform: layers.map((layer) => layer - 1),
        }
      : {
          peft_type: 'IA3',
          target_modules: layers.flatMap((layer) => SCALED.map((part) => moduleOf(layer, part))),
          feedforward_modules: layers.map((layer) => moduleOf(layer, 'output')),
        };
  return {
    json: JSON.stringify({ ...specific, ...common }, null, 2),
    weights: { name: WEIGHTS, tensors: named },
    classifies: head !== undefined,
  };
}

/** Endings of module paths that mean this part alone; with the layer's number where another part ends alike (BERT's two output.dense). */
function endings(family: Family, part: LoraTarget, layers: number[]): string[] {
  const { layerParts } = FAMILIES[family];
  const path = layerParts[part];
  const shared = LAYER_PARTS.some((other) => layerParts[other].endsWith(`.${path}`));
  return shared ? layers.map((layer) => `${layer - 1}.${path}`) : [path];
}

/** peft keeps factors on outputs as a column and factors on inputs as a row. */
function column(name: string, { shape, data }: HostTensor<Float32Array>): HostTensor<Float32Array> {
  return { shape: name.endsWith('.output') ? [1, shape[0]] : [shape[0], 1], data };
}

/** Keys of a LoRA's configuration that change what it computes, in ways that spantune has not. */
const UNSUPPORTED = [
  'use_dora',
  'use_rslora',
  'use_qalora',
  'use_bdlora',
  'lora_bias',
  'rank_pattern',
  'alpha_pattern',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'velora_config',
  'monteclora_config',
];
/** Ways to begin that leave the base model's weights as they are; the others (PiSSA, OLoRA, LoftQ, …) change them. */
const PLAIN_STARTS = [true, false, 'gaussian', 'eva', 'orthogonal', undefined, null];

/**
 * Reads an adapter for a model. Throws a `CheckpointError` that names the key or tensor: a kind, an option or a module that spantune does
 * not have, shapes of another model.
 */
export function readPeft(folder: string, config: EncoderConfig): TrainedAdapter {
  const { file, values, open } = openAdapter(folder, WEIGHTS);
  const kind = values.peft_type;
  if (kind !== 'LORA' && kind !== 'IA3') {
    throw new CheckpointError(`"peft_type" is ${JSON.stringify(kind)}, which cannot be read`, {
      file,
      hint: 'spantune reads LORA and IA3',
    });
  }
  if (kind === 'LORA') refuseOptions(values, file);
  const weights = open();
  try {
    const { add, tensors } = collector(config, weights.file);
    for (const key of weights.names()) {
      const { shape, data } = weights.read(key);
      const path = key.startsWith(START) ? key.slice(START.length) : key;
      const place = placeOf(path, shape, config, Number(values.r));
      if (!place) {
        throw new CheckpointError(`"${key}" is nothing that spantune can tune`, {
          file: weights.file,
          hint: `it reads LoRA on ${LORA_TARGETS.join(', ')}, (IA)³ on key, value and the layer's own output.dense (name modules in full), LayerNorms and the classifier in modules_to_save`,
        });
      }
      refuseOtherRank(key, place, shape, values, file);
      add(place.name, key, place.layer, { shape, data }, place.shape);
      if (place.name.includes('.ia3.')) tensors.set(place.name, { shape: [data.length], data });
    }
    const layers = layersOf(tensors.keys(), weights.file);
    refuseOtherLayers(layers, values, config, file);
    const pooling = [...tensors.keys()].some(isClassifier) ? 'first' : undefined;
    for (const [name, tensor] of readClassifier(folder)) tensors.set(name, tensor);
    const layerNorms = tensors.has(`layers.${layers[0]}.outputNorm.weight`);
    const has = (part: string) => tensors.has(`layers.${layers[0]}.${part}`);
    const parts = kind === 'LORA' ? LORA_TARGETS.filter((part) => has(`lora.${part}.a`)) : SCALED;
    const wanted = layers.flatMap((n) => [
      ...parts.flatMap((part) =>
        kind === 'LORA' ? [`layers.${n}.lora.${part}.a`, `layers.${n}.lora.${part}.b`] : [`layers.${n}.ia3.${part}`],
      ),
      ...(layerNorms ? ['attentionNorm', 'outputNorm'].map((part) => `layers.${n}.${part}.weight`) : []),
    ]);
    checkComplete(wanted, tensors, config.family, weights.file);
    const tuning: TrainedAdapter['tuning'] =
      kind === 'LORA'
        ? {
            method: 'lora',
            rank: Number(values.r),
            alpha: Number(values.lora_alpha),
            dropout: Number(values.lora_dropout ?? 0),
            targets: [...(parts as LoraTarget[])],
            layerNorms,
          }
        : { method: 'ia3', layerNorms };
    return { tuning, layers, tensors, pooling };
  } finally {
    weights.close();
  }
}

function refuseOptions(values: Record<string, unknown>, file: string): void {
  const said = (key: string) => `"${key}" is ${JSON.stringify(values[key])}`;
  const hint = 'spantune has plain LoRA: one rank and one alpha for all modules, without biases';
  for (const key of ['r', 'lora_alpha']) {
    if (typeof values[key] !== 'number' || values[key] <= 0) {
      throw new CheckpointError(`${said(key)}, expected a number above 0`, { file, hint: 'restore the file' });
    }
  }
  for (const key of UNSUPPORTED) {
    const value = values[key];
    const empty = !value || (typeof value === 'object' && Object.keys(value).length === 0);
    if (!empty) throw new CheckpointError(`${said(key)}, which is not supported`, { file, hint });
  }
  if ((values.bias ?? 'none') !== 'none')
    throw new CheckpointError(`${said('bias')}, which is not supported`, { file, hint });
  if (!PLAIN_STARTS.includes(values.init_lora_weights as string)) {
    throw new CheckpointError(`${said('init_lora_weights')}, which changes the base model's weights`, {
      file,
      hint: 'convert it to a plain LoRA with peft first (path_initial_model_for_weight_conversion)',
    });
  }
}

/** The weights of one adapter beside the configuration of another. */
function refuseOtherRank(
  key: string,
  { name, shape: [out, into] }: TensorPlace,
  [rows, columns]: number[],
  { r }: Record<string, unknown>,
  file: string,
): void {
  const rank = name.endsWith('.a') ? rows : columns;
  const fits = name.endsWith('.a') ? columns === into : rows === out;
  if (!name.includes('.lora.') || !fits || rank === r) return;
  throw new CheckpointError(`"r" is ${r}, but "${key}" has rank ${rank}`, {
    file,
    hint: 'restore the file that was saved with these weights',
  });
}

function refuseOtherLayers(
  layers: number[],
  { layers_to_transform: stated }: Record<string, unknown>,
  config: EncoderConfig,
  file: string,
): void {
  if (stated === undefined || stated === null) return;
  const numbers: unknown[] = Array.isArray(stated) ? stated : [stated];
  const said = `"layers_to_transform" is ${JSON.stringify(stated)}`;
  const hint = 'restore the file that was saved with these weights; it counts layers from 0';
  const inside = (number: unknown) => Number.isInteger(number) && Number(number) >= 0 && Number(number) < config.layers;
  if (!numbers.every(inside))
    throw new CheckpointError(`${said}; the model's layers are 0 to ${config.layers - 1}`, { file, hint });
  const other = layers.find((layer) => !numbers.includes(layer - 1));
  if (other !== undefined)
    throw new CheckpointError(`${said}, but there are weights of layer ${other - 1}`, { file, hint });
}

interface TensorPlace {
  name: ParameterName;
  /** 0: the classifier. */
  layer: number;
  shape: number[];
}

/** Where one of peft's tensors belongs, and the shape it must have; undefined for what is no part of what spantune tunes. */
function placeOf(path: string, [first]: number[], config: EncoderConfig, rank: number): TensorPlace | undefined {
  const { family, hidden } = config;
  const name = classifierName(family, path);
  if (name) {
    // The number of classes is the adapter's own.
    const out = name.startsWith('classifier.dense') ? hidden : first;
    return { name, layer: 0, shape: name.endsWith('.bias') ? [out] : [out, hidden] };
  }
  const found = parseModule(family, path);
  if (!found?.part) return undefined;
  const { layer, part, rest } = found;
  const [out, into] = layerShapes(config, layer).get(`layers.${layer}.${part}.weight`) as number[];
  const target = LORA_TARGETS.includes(part as LoraTarget);
  if (target && rest === 'lora_A.weight') return { name: `layers.${layer}.lora.${part}.a`, layer, shape: [rank, into] };
  if (target && rest === 'lora_B.weight') return { name: `layers.${layer}.lora.${part}.b`, layer, shape: [out, rank] };
  if (rest === 'ia3_l') {
    if (part === 'output') return { name: `layers.${layer}.ia3.output`, layer, shape: [1, into] };
    if (part === 'key' || part === 'value') return { name: `layers.${layer}.ia3.${part}`, layer, shape: [out, 1] };
  }
  if ((part === 'attentionNorm' || part === 'outputNorm') && /^(weight|bias)$/.test(rest)) {
    return { name: `layers.${layer}.${part}.${rest}`, layer, shape: [hidden] };
  }
  return undefined;
}

/** The canonical name of a tensor of Python's own head. */
function classifierName(family: Family, path: string): string | undefined {
  const head = pythonHead(family, { kind: 'mlp', pooling: 'first' });
  return Object.entries(head?.names ?? {}).find(([, theirs]) => theirs === path)?.[0];
}

/** Every layer has what the lowest has. */
function checkComplete(wanted: string[], tensors: ReadonlyMap<string, unknown>, family: Family, file: string): void {
  const missing = wanted.find((name) => !tensors.has(name));
  if (missing === undefined) return;
  throw new CheckpointError(`holds no "${toHuggingFace(family, missing, '')}"`, {
    file,
    hint: 'all layers of a span are tuned alike: the same modules in each, all of (IA)³’s, both LayerNorms or none',
  });
}
