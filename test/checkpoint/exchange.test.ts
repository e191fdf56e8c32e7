/** Adapters in the formats of peft and AdapterHub against what those libraries wrote (fixtures/checkpoint/make_exchange.py). */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readAdapterHub, toAdapterHub } from '../../src/checkpoint/adapterhub.js';
import type { ExportedModel, TrainedAdapter } from '../../src/checkpoint/exchange.js';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { readPeft, toPeft } from '../../src/checkpoint/peft.js';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { writeSafetensors } from '../../src/checkpoint/write.js';
import { CheckpointError } from '../../src/errors.js';
import { spanAdapters } from '../../src/model/adapters/registry.js';
import { encode } from '../../src/model/encoder.js';
import { classify } from '../../src/model/head.js';
import { encoderInputs } from '../../src/model/inputs.js';
import { pool } from '../../src/model/pooling.js';
import type { AdapterOptions } from '../../src/model/tuning.js';
import type { EncoderConfig } from '../../src/model/types.js';
import { assertClose } from '../engine/support.js';
import { expectations, FIXTURES as MODELS, tokenDifference, toTensors } from '../model/support.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/checkpoint', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'spantune-exchange-'));
after(() => rmSync(scratch, { recursive: true }));

interface Case {
  folder: string;
  model: string;
  layers: number[];
  tuning: AdapterOptions;
  /** Whether Python's own classifier is in there. */
  classifies: boolean;
}

const CASES: Case[] = [
  {
    folder: 'peft-lora',
    model: 'roberta',
    layers: [2],
    tuning: {
      method: 'lora',
      rank: 2,
      alpha: 5,
      dropout: 0.25,
      targets: ['query', 'value', 'output'],
      layerNorms: true,
    },
    classifies: true,
  },
  { folder: 'peft-ia3', model: 'bert', layers: [1, 2], tuning: { method: 'ia3', layerNorms: false }, classifies: true },
  {
    folder: 'peft-states',
    model: 'distilbert',
    layers: [1, 2],
    tuning: {
      method: 'lora',
      rank: 3,
      alpha: 8,
      dropout: 0,
      targets: ['query', 'attention', 'output'],
      layerNorms: false,
    },
    classifies: false,
  },
  {
    folder: 'adapterhub-pfeiffer',
    model: 'roberta',
    layers: [2],
    tuning: { method: 'pfeiffer', reductionFactor: 8, layerNorms: false },
    classifies: false,
  },
  {
    folder: 'adapterhub-parallel',
    model: 'electra',
    layers: [1],
    tuning: { method: 'parallel', reductionFactor: 4, scale: 4, layerNorms: false },
    classifies: false,
  },
  {
    folder: 'adapterhub-bottleneck',
    model: 'distilbert',
    layers: [1, 2],
    tuning: { method: 'bottleneck', size: 6, dropout: 0.1, layerNorms: false },
    classifies: false,
  },
];

function read(folder: string, config: EncoderConfig): TrainedAdapter {
  return folder.includes('peft') ? readPeft(folder, config) : readAdapterHub(folder, config);
}

function exported({ model, classifies }: Case, adapter: TrainedAdapter): ExportedModel {
  const { config } = loadEncoder(`${MODELS}/${model}`, { layers: 0 });
  const classifier = { kind: 'mlp', pooling: classifies ? 'first' : 'mean' } as const;
  return { ...adapter, config, head: 2, classifier, base: model };
}

for (const example of CASES) {
  const { folder, model, layers, tuning, classifies } = example;
  const path = `${FIXTURES}/${folder}`;

  test(`${folder}: read, it computes what Python computes`, () => {
    const { config, parameters } = loadEncoder(`${MODELS}/${model}`, { layers: 2 });
    const adapter = read(path, config);
    assert.deepEqual(adapter.tuning, tuning);
    assert.deepEqual(adapter.layers, layers);
    const triple = { bottom: layers[0], top: layers[layers.length - 1], head: 2 };
    const tensors = toTensors([...parameters, ...adapter.tensors]);
    const { batch } = expectations(model);
    const inputs = toTensors(Object.entries(encoderInputs(batch, config)));
    const states = encode(tensors, inputs, config, { head: 2, adapters: spanAdapters(config, triple, tuning) })[2];
    const expected = openSafetensors(`${path}/expected.safetensors`);
    if (classifies) {
      const logits = classify(tensors, pool('first', states, inputs), { classifier: 'mlp' });
      assertClose(logits.dataSync(), expected.read('logits').data, 1e-5, 'logits');
    } else {
      const difference = tokenDifference(batch, states.dataSync(), expected.read('states').data);
      assert.ok(difference < 1e-4, `states: ${difference}`);
    }
    expected.close();
  });

  test(`${folder}: written, it is what Python wrote`, () => {
    const { config } = loadEncoder(`${MODELS}/${model}`, { layers: 0 });
    const peft = folder.startsWith('peft');
    const files = (peft ? toPeft : toAdapterHub)(exported(example, read(path, config)));
    assert.equal(files.classifies, classifies);
    const theirs = openSafetensors(join(path, files.weights.name));
    // The adapter's name is ours to choose.
    const ours = new Map(files.weights.tensors.map(([name, tensor]) => [name.replace('.spantune.', '.a.'), tensor]));
    assert.deepEqual([...ours.keys()].sort(), theirs.names().sort());
    for (const [name, { shape, data }] of ours) {
      assert.deepEqual(shape, theirs.info(name).shape, name);
      assert.deepEqual(data, theirs.read(name).data, name);
    }
    theirs.close();

    const wanted = JSON.parse(readFileSync(join(path, 'adapter_config.json'), 'utf8'));
    const written = JSON.parse(files.json);
    const compare = (values: Record<string, unknown>, expected: Record<string, unknown>) => {
      for (const [key, value] of Object.entries(values)) {
        if (['version', 'name', 'config', 'reduction_factor'].includes(key)) continue;
        const [a, b] = [value, expected[key]].map((side) => (Array.isArray(side) ? [...new Set(side)].sort() : side));
        // peft adds the usual names of classifiers by itself, `distilbert`'s modules may be named by shorter endings.
        if (key === 'modules_to_save' && Array.isArray(b))
          assert.deepEqual(
            a,
            b.filter((name) => name !== 'score'),
          );
        else if (key === 'target_modules' && model === 'distilbert') {
          assert.deepEqual(a, ['attention.out_lin', 'attention.q_lin', 'ffn.lin2']);
        } else assert.deepEqual(a, b, key);
      }
    };
    compare(written, wanted);
    if (!peft) {
      compare(written.config, wanted.config);
      const size = Math.floor(config.hidden / written.config.reduction_factor);
      assert.equal(size, Math.floor(config.hidden / wanted.config.reduction_factor));
      assert.match(files.json, /"scaling": \d+\.0/, 'a float');
    }
  });
}

describe('what cannot be read is named', () => {
  const { config: roberta } = loadEncoder(`${MODELS}/roberta`, { layers: 0 });
  const { config: bert } = loadEncoder(`${MODELS}/bert`, { layers: 0 });
  let copies = 0;

  /** A copy of a fixture with changed values, or changed tensors. */
  function altered(folder: string, values: object, rename: (name: string) => string = (name) => name): string {
    const copy = join(scratch, `${folder}-${copies++}`);
    cpSync(join(FIXTURES, folder), copy, { recursive: true });
    const path = join(copy, 'adapter_config.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...values }));
    const weights = join(copy, folder.startsWith('peft') ? 'adapter_model.safetensors' : 'adapter.safetensors');
    const file = openSafetensors(weights);
    const tensors = file.names().map((name) => [rename(name), file.read(name)] as const);
    file.close();
    writeSafetensors(
      weights,
      tensors.filter(([name]) => name !== ''),
    );
    return copy;
  }

  /** The tensors of an adapter whose bottleneck is 0 wide. */
  function emptied(path: string) {
    const file = openSafetensors(path);
    const tensors = file.names().map((name) => {
      const { shape, data } = file.read(name);
      if (name.endsWith('adapter_up.bias')) return [name, { shape, data: data.slice() }] as const;
      const axis = name.includes('adapter_down') ? 0 : 1;
      return [name, { shape: shape.map((size, i) => (i === axis ? 0 : size)), data: new Float32Array(0) }] as const;
    });
    file.close();
    return tensors;
  }

  const wrong = (folder: string, config: EncoderConfig, message: RegExp) =>
    assert.throws(
      () => read(folder, config),
      (error) => error instanceof CheckpointError && message.test(error.describe()) && error.hint !== undefined,
      String(message),
    );

  test('in peft’s format', () => {
    wrong(altered('peft-lora', { peft_type: 'ADALORA' }), roberta, /"peft_type" is "ADALORA"/);
    wrong(altered('peft-lora', { use_dora: true }), roberta, /"use_dora" is true/);
    wrong(altered('peft-lora', { rank_pattern: { query: 4 } }), roberta, /"rank_pattern"/);
    wrong(altered('peft-lora', { bias: 'all' }), roberta, /"bias" is "all"/);
    wrong(altered('peft-lora', { init_lora_weights: 'pissa' }), roberta, /"init_lora_weights" is "pissa"/);
    wrong(altered('peft-lora', { r: 0 }), roberta, /"r" is 0/);
    wrong(altered('peft-lora', { r: 3 }), roberta, /"r" is 3, but ".*lora_A\.weight" has rank 2/);
    wrong(altered('peft-lora', {}), { ...roberta, hidden: 64 }, /expected \[.*64/);
    wrong(altered('peft-lora', {}), { ...roberta, layers: 1 }, /belongs to layer 2; the model has 1/);
    wrong(altered('peft-ia3', {}), { ...bert, hidden: 64 }, /expected \[.*64/);
    wrong(altered('peft-ia3', {}), { ...bert, intermediate: 64 }, /ia3_l" is \[.*expected \[.*64/);
    wrong(altered('peft-ia3', {}), { ...bert, layers: 1 }, /belongs to layer 2; the model has 1/);
    for (const r of [-1, '2', null]) wrong(altered('peft-lora', { r }), roberta, /"r" is /);
    wrong(altered('peft-lora', { r: 1.5 }), roberta, /"r" is 1\.5, but ".*lora_A\.weight" has rank 2/);
    wrong(altered('peft-lora', {}), bert, /is nothing that spantune can tune/);
    const gone = (part: string) => (name: string) => (name.includes(part) ? '' : name);
    wrong(altered('peft-lora', {}, gone('value.lora_B')), roberta, /holds no ".*value\.lora_B\.weight"/);
    wrong(altered('peft-ia3', {}, gone('layer.1.output')), bert, /holds no ".*layer\.1\.output\.dense\.ia3_l"/);
    const apart = (name: string) => name.replace('layer.1.', 'layer.2.');
    wrong(altered('peft-ia3', {}, apart), bert, /layers 1, 3: not one span/);
    const pooler = (name: string) => name.replace('layer.0.attention.self.key', 'pooler.key');
    wrong(altered('peft-ia3', {}, pooler), bert, /pooler\.key\.ia3_l" is nothing/);
    const bare = altered('peft-lora', {});
    rmSync(join(bare, 'adapter_model.safetensors'));
    wrong(bare, roberta, /holds no adapter_model\.safetensors/);
  });

  test('in AdapterHub’s format', () => {
    const stated = JSON.parse(readFileSync(join(FIXTURES, 'adapterhub-pfeiffer/adapter_config.json'), 'utf8')).config;
    const set = (values: object) => altered('adapterhub-pfeiffer', { config: { ...stated, ...values } });
    wrong(set({ non_linearity: 'swish' }), roberta, /"non_linearity" is "swish"/);
    wrong(set({ use_gating: true }), roberta, /"use_gating" is true/);
    wrong(set({ scaling: 'learned' }), roberta, /"scaling" is "learned"/);
    wrong(set({ scaling: 2 }), roberta, /"scaling" is 2/);
    wrong(set({ mh_adapter: true }), roberta, /an adapter that spantune does not have/);
    wrong(set({ dropout: 0.5 }), roberta, /"dropout" is 0\.5/);
    wrong(altered('adapterhub-pfeiffer', {}), { ...roberta, hidden: 64 }, /expected \[.*64/);
    wrong(altered('adapterhub-pfeiffer', {}), { ...roberta, layers: 1 }, /belongs to layer 2; the model has 1/);
    const empty = altered('adapterhub-pfeiffer', {});
    writeSafetensors(join(empty, 'adapter.safetensors'), emptied(join(empty, 'adapter.safetensors')));
    wrong(empty, roberta, /is 0 wide/);
    wrong(altered('adapterhub-pfeiffer', { config: null }), roberta, /"config" is no object/);
    wrong(altered('adapterhub-pfeiffer', {}), { ...roberta, family: 'mpnet' }, /no adapters for the family mpnet/);
    const gone = (name: string) => (name.endsWith('adapter_up.bias') ? '' : name);
    wrong(altered('adapterhub-pfeiffer', {}, gone), roberta, /is not whole/);
  });
});

test('what a format cannot hold is refused', () => {
  const { config } = loadEncoder(`${MODELS}/roberta`, { layers: 0 });
  const rest = { config, layers: [2], head: 2, tensors: new Map(), base: 'roberta' };
  const classifier = { kind: 'mlp', pooling: 'first' } as const;
  const refused = (write: typeof toPeft, tuning: AdapterOptions, message: RegExp, other: Partial<ExportedModel> = {}) =>
    assert.throws(
      () => write({ ...rest, classifier, tuning, ...other }),
      (error) => error instanceof CheckpointError && message.test(error.message) && error.hint !== undefined,
    );
  refused(toPeft, { method: 'bitfit', layerNorms: false }, /peft cannot hold .* bitfit/);
  refused(toPeft, { method: 'prefix', length: 3, layerNorms: false }, /prefix: no encoder/);
  refused(toPeft, { method: 'bottleneck', size: 3, dropout: 0, layerNorms: true }, /bottleneck/);
  refused(toAdapterHub, { method: 'ia3', layerNorms: false }, /cannot hold ia3/);
  const paper: AdapterOptions = { method: 'bottleneck', size: 3, dropout: 0, layerNorms: true };
  refused(toAdapterHub, paper, /trained LayerNorms/);
  const mpnet: EncoderConfig = { ...config, family: 'mpnet' };
  refused(toAdapterHub, { ...paper, layerNorms: false }, /family mpnet/, { config: mpnet });
});
