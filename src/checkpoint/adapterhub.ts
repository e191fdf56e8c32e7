/**
 * Bottleneck adapters in the format of AdapterHub's `adapters`: adapter_config.json and adapter.safetensors. Layers outside the span are
 * listed under `leave_out`, from 0. The classifier goes into a file of its own; trained LayerNorms have no place in this format.
 */
import { CheckpointError } from '../errors.js';
import { FAMILIES } from '../model/families/registry.js';
import type { AdapterOptions, BottleneckOptions, ParallelOptions, PfeifferOptions } from '../model/tuning.js';
import type { EncoderConfig, Family } from '../model/types.js';
import {
  collector,
  type ExportedFiles,
  type ExportedModel,
  isClassifier,
  layersOf,
  openAdapter,
  readClassifier,
  type TrainedAdapter,
} from './exchange.js';

const WEIGHTS = 'adapter.safetensors';
const NAME = 'spantune';

type Bottlenecks = BottleneckOptions | PfeifferOptions | ParallelOptions;

/** What sets the methods apart in AdapterHub's configuration. */
const KINDS: { [N in Bottlenecks['method']]: Record<string, unknown> } = {
  bottleneck: { mh_adapter: true, output_adapter: true, is_parallel: false, original_ln_before: false },
  pfeiffer: { mh_adapter: false, output_adapter: true, is_parallel: false, original_ln_before: true },
  parallel: { mh_adapter: false, output_adapter: true, is_parallel: true, original_ln_before: false },
};

/** What all of them share; a configuration that differs in any is another adapter. */
const SHARED: Record<string, unknown> = {
  adapter_residual_before_ln: false,
  cross_adapter: false,
  inv_adapter: null,
  ln_after: false,
  ln_before: false,
  non_linearity: 'relu',
  original_ln_after: true,
  phm_layer: false,
  residual_before_ln: true,
  stochastic_depth: 0,
  use_gating: false,
};

/** Where a family's adapters stand within a layer; undefined for families that AdapterHub lacks. */
function placesOf(family: Family): { attention: string; output: string } | undefined {
  if (family === 'mpnet') return undefined;
  if (family === 'distilbert') return { attention: 'attention_adapters', output: 'output_adapters' };
  return { attention: 'attention.output', output: 'output' };
}

function placesOrRefuse(family: Family, file?: string): { attention: string; output: string } {
  const places = placesOf(family);
  if (places) return places;
  throw new CheckpointError(`AdapterHub has no adapters for the family ${family}`, {
    file,
    hint: 'it has them for bert, roberta, electra and distilbert',
  });
}

/** Throws a `CheckpointError` for what AdapterHub cannot hold. */
export function toAdapterHub(model: ExportedModel): ExportedFiles {
  const { config, tuning, layers, head, tensors, base } = model;
  if (tuning.method !== 'bottleneck' && tuning.method !== 'pfeiffer' && tuning.method !== 'parallel') {
    throw new CheckpointError(`the export to AdapterHub cannot hold ${tuning.method}`, {
      hint: 'it holds bottleneck, pfeiffer and parallel; peft holds lora and ia3',
    });
  }
  const places = placesOrRefuse(config.family);
  if (tuning.layerNorms) {
    throw new CheckpointError("AdapterHub's format cannot hold trained LayerNorms", {
      hint: 'train with tuning.layerNorms: false for this exchange',
    });
  }
  const { layerPath } = FAMILIES[config.family];
  const named = [...tensors].flatMap(([name, tensor]) => {
    const added = new RegExp(
      `^layers\\.(\\d+)\\.${tuning.method}\\.(?:(attention|output)\\.)?(down|up)\\.(\\w+)$`,
    ).exec(name);
    if (!added) return [];
    const [, layer, place, end, kind] = added;
    const at = `${layerPath}${Number(layer) - 1}.${places[(place ?? 'output') as 'attention' | 'output']}`;
    return [[`${at}.adapters.${NAME}.adapter_${end === 'down' ? 'down.0' : 'up'}.${kind}`, tensor] as const];
  });
  const other = [...tensors.keys()].find((name) => !isClassifier(name) && !name.includes(`.${tuning.method}.`));
  if (other !== undefined) throw new CheckpointError(`AdapterHub's format cannot hold "${other}"`);
  const size = named.find(([name]) => name.endsWith('adapter_down.0.bias'))?.[1].shape[0] ?? 1;
  const span = new Set(layers);
  const values = {
    config: {
      ...SHARED,
      ...KINDS[tuning.method],
      dropout: tuning.method === 'bottleneck' ? tuning.dropout : 0,
      init_weights: tuning.method === 'parallel' ? 'mam_adapter' : 'bert',
      leave_out: Array.from({ length: head }, (_, index) => index).filter((index) => !span.has(index + 1)),
      reduction_factor: factorFor(config.hidden, size),
      scaling: tuning.method === 'parallel' ? tuning.scale : 1,
    },
    hidden_size: config.hidden,
    model_name: base,
    model_type: config.family,
    name: NAME,
    version: 'adapters.1.3.0',
  };
  return {
    // `adapters` takes a scaling for a number only where it is written as a float.
    json: JSON.stringify(values, null, 2).replace(/("scaling": \d+)(?=\s*[,}])/, '$1.0'),
    weights: { name: WEIGHTS, tensors: named.map(([name, tensor]) => [name, tensor]) },
    classifies: false,
  };
}

/** A factor by which AdapterHub arrives at this size: it divides and rounds down, in floating point. */
function factorFor(hidden: number, size: number): number {
  return hidden % size === 0 ? hidden / size : hidden / (size + 0.5);
}

/** Reads an adapter for a model. Throws a `CheckpointError` that names the key or tensor that spantune does not have. */
export function readAdapterHub(folder: string, config: EncoderConfig): TrainedAdapter {
  const { file, values, open } = openAdapter(folder, WEIGHTS);
  const places = placesOrRefuse(config.family, file);
  const stated = values.config;
  if (typeof stated !== 'object' || stated === null || Array.isArray(stated)) {
    throw new CheckpointError('"config" is no object', { file, hint: 'restore the file, as `adapters` saves it' });
  }
  const options: Record<string, unknown> = { ...SHARED, ...stated };
  const method = methodOf(options, file);
  const weights = open();
  try {
    const { add, tensors } = collector(config, weights.file);
    const { layerPath } = FAMILIES[config.family];
    const paths = Object.entries(places).map(([place, path]) => [place, path.replaceAll('.', '\\.')] as const);
    for (const key of weights.names()) {
      const found = paths
        .map(([place, path]) => {
          const pattern = `(?:^|\\.)${layerPath.replaceAll('.', '\\.')}(\\d+)\\.${path}\\.adapters\\.[^.]+\\.adapter_(down\\.0|up)\\.(weight|bias)$`;
          const match = new RegExp(pattern).exec(key);
          return (
            match && { place, layer: Number(match[1]) + 1, end: match[2] === 'up' ? 'up' : 'down', kind: match[3] }
          );
        })
        .find((match) => match !== null);
      if (!found || (found.place === 'attention' && method !== 'bottleneck')) {
        throw new CheckpointError(`"${key}" is no part of the adapter ${method}`, {
          file: weights.file,
          hint: 'spantune reads one adapter a folder, of the kinds bottleneck, seq_bn and par_bn',
        });
      }
      const { place, layer, end, kind } = found;
      const tensor = weights.read(key);
      const size = tensor.shape[end === 'down' ? 0 : 1];
      const shape = end === 'down' ? [size, config.hidden] : [config.hidden, size];
      const at = `layers.${layer}.${method}${method === 'bottleneck' ? `.${place}` : ''}.${end}.${kind}`;
      add(at, key, layer, tensor, kind === 'bias' ? [end === 'down' ? size : config.hidden] : shape);
    }
    const layers = layersOf(tensors.keys(), weights.file);
    const size = sizeOf(tensors, layers, method, config.hidden, weights.file);
    for (const [name, tensor] of readClassifier(folder)) tensors.set(name, tensor);
    return { tuning: optionsOf(method, options, size, config.hidden, file), layers, tensors };
  } finally {
    weights.close();
  }
}

function methodOf(options: Record<string, unknown>, file: string): Bottlenecks['method'] {
  for (const [key, expected] of Object.entries(SHARED)) {
    if (options[key] === expected || (expected === null && options[key] === undefined)) continue;
    throw new CheckpointError(`"${key}" is ${JSON.stringify(options[key])}, which is not supported`, {
      file,
      hint: `expected ${JSON.stringify(expected)}: seq_bn, par_bn, or two sequential adapters a layer, with ReLU`,
    });
  }
  const method = (Object.keys(KINDS) as Bottlenecks['method'][]).find((name) =>
    Object.entries(KINDS[name]).every(([key, value]) => options[key] === value),
  );
  if (method) return method;
  throw new CheckpointError('describes an adapter that spantune does not have', {
    file,
    hint: 'it has seq_bn, par_bn, and two sequential adapters a layer without original_ln_before',
  });
}

/** The one size of all bottlenecks; all tensors of every layer are there. */
function sizeOf(
  tensors: ReadonlyMap<string, { shape: number[] }>,
  layers: number[],
  method: Bottlenecks['method'],
  hidden: number,
  file: string,
): number {
  const places = method === 'bottleneck' ? ['bottleneck.attention', 'bottleneck.output'] : [method];
  const size = tensors.get(`layers.${layers[0]}.${places[0]}.down.weight`)?.shape[0] ?? 0;
  if (size === 0) {
    throw new CheckpointError(`the adapter of layer ${layers[0]} is 0 wide`, {
      file,
      hint: 'train it again with a reduction_factor that leaves it some width',
    });
  }
  for (const name of layers.flatMap((layer) => places.map((place) => `layers.${layer}.${place}`))) {
    const shapes = ['down.weight', 'down.bias', 'up.weight', 'up.bias'].map(
      (end) => tensors.get(`${name}.${end}`)?.shape,
    );
    const expected = [[size, hidden], [size], [hidden, size], [hidden]];
    if (JSON.stringify(shapes) === JSON.stringify(expected)) continue;
    throw new CheckpointError(`the adapter of "${name}" is not whole, or not ${size} wide as the first`, {
      file,
      hint: 'all layers of a span are tuned alike',
    });
  }
  return size;
}

function optionsOf(
  method: Bottlenecks['method'],
  { dropout, scaling }: Record<string, unknown>,
  size: number,
  hidden: number,
  file: string,
): AdapterOptions {
  const refuse = (key: string, value: unknown, expected: string): never => {
    throw new CheckpointError(`"${key}" is ${JSON.stringify(value)}, which is not supported`, {
      file,
      hint: `expected ${expected}`,
    });
  };
  const scale = typeof scaling === 'number' ? scaling : refuse('scaling', scaling, 'a number');
  if (method !== 'parallel' && scale !== 1) refuse('scaling', scale, '1');
  if (method === 'bottleneck') return { method, size, dropout: Number(dropout ?? 0), layerNorms: false };
  if (dropout) refuse('dropout', dropout, '0');
  const reductionFactor = factorFor(hidden, size);
  return method === 'parallel'
    ? { method, reductionFactor, scale, layerNorms: false }
    : { method, reductionFactor, layerNorms: false };
}
