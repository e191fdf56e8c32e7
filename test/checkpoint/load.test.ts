/** Folders: names and prefixes, shards, missing and misshapen tensors, identity. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { modelHash } from '../../src/checkpoint/hash.js';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { detectPrefix, headNames, toHuggingFace } from '../../src/checkpoint/names.js';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { openWeights } from '../../src/checkpoint/weights.js';
import { writeSafetensors } from '../../src/checkpoint/write.js';
import type { HostTensor } from '../../src/model/types.js';
import { copyOf, MODELS, refuses, temporaryFolder } from './support.js';

/** Rewrites a model's single file, tensor by tensor; undefined drops one. */
function rewrite(folder: string, change: (name: string, tensor: HostTensor) => [string, HostTensor] | undefined): void {
  const path = join(folder, 'model.safetensors');
  const file = openSafetensors(path);
  const tensors = file
    .names()
    .filter((name) => file.info(name).dtype !== 'I64')
    .map((name) => change(name, file.read(name)))
    .filter((entry) => entry !== undefined);
  writeSafetensors(path, tensors);
  file.close();
}

test('one file, shards, any prefix and old names give the same canonical names', () => {
  for (const model of ['bert', 'roberta', 'xlm-roberta', 'electra', 'distilbert', 'mpnet']) {
    const { config, parameters, surplus } = loadEncoder(join(MODELS, model));
    assert.ok(parameters.has('embeddings.norm.weight') && parameters.has(`layers.${config.layers}.outputNorm.bias`));
    assert.equal(parameters.has(`layers.${config.layers + 1}.outputNorm.bias`), false);
    assert.deepEqual(surplus, [], model);
  }
});

test('any wrapper is seen through', () => {
  for (const prefix of ['', 'mpnet.', '0.auto_model.', 'model.', 'encoder.', 'student.backbone.']) {
    const folder = copyOf('mpnet');
    rewrite(folder, (name, tensor) => [prefix + name, tensor]);
    const { parameters, surplus } = loadEncoder(folder);
    assert.deepEqual(parameters, loadEncoder(join(MODELS, 'mpnet')).parameters, prefix);
    assert.deepEqual(surplus, []);
  }
});

test('of several encoders the one with the usual name is taken; else they are named', () => {
  const word = 'embeddings.word_embeddings.weight';
  assert.equal(detectPrefix('bert', [`bert.${word}`, `teacher.${word}`], 'f'), 'bert.');
  assert.equal(detectPrefix('bert', [`teacher.encoder.layer.0.attention.self.query.weight`], 'f'), 'teacher.');
  assert.equal(detectPrefix('bert', ['something.else'], 'f'), '');
  refuses(
    () => detectPrefix('bert', [`query.${word}`, `passage.${word}`], 'f'),
    /several encoders: "query\.", "passage\."/,
  );
});

test('layers above the wanted one, and embeddings, can be left unread', () => {
  const folder = copyOf('bert');
  const whole = loadEncoder(folder);
  const names = [...loadEncoder(folder, { layers: 1, embeddings: false }).parameters.keys()];
  assert.deepEqual(
    names,
    [...whole.parameters.keys()].filter((name) => name.startsWith('layers.1.')),
  );
  assert.deepEqual(loadEncoder(folder, { layers: 2 }).surplus, []);
  // Damage in a shard that holds layer 3 alone is not seen from below.
  const { weight_map: map } = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8'));
  const inUse = new Set(
    Object.keys(map)
      .filter((name) => !name.includes('layer.2.'))
      .map((name) => map[name]),
  );
  const above = Object.values(map).find((shard) => !inUse.has(shard)) as string;
  truncateSync(join(folder, above), 4);
  loadEncoder(folder, { layers: 2 });
  refuses(() => loadEncoder(folder), /model-0000\d-of-00006\.safetensors: is not a safetensors file/);
  refuses(() => loadEncoder(folder, { layers: 4 }), /layer 4 was asked for; the model has 3/);
});

test('missing and misshapen tensors are listed together, by their names in the checkpoint', () => {
  const folder = copyOf('distilbert');
  rewrite(folder, (name, tensor) => {
    if (name === 'distilbert.transformer.layer.1.ffn.lin1.bias') return undefined;
    if (name === 'distilbert.transformer.layer.0.attention.q_lin.weight') {
      return [name, { shape: [16, 64], data: tensor.data }];
    }
    return [name, tensor];
  });
  const message =
    /model\.safetensors: .*"distilbert\.transformer\.layer\.0\.attention\.q_lin\.weight" is \[16, 64\], expected \[32, 32\]; "distilbert\.transformer\.layer\.1\.ffn\.lin1\.bias" \[48\] is missing/;
  refuses(() => loadEncoder(folder), message, /same model/);
});

test('a model of another family in the folder is told by what is missing, shortened', () => {
  const folder = copyOf('distilbert');
  const bert = readFileSync(join(MODELS, 'bert', 'config.json'));
  writeFileSync(join(folder, 'config.json'), bert);
  refuses(
    () => loadEncoder(folder),
    /"distilbert\.embeddings\.token_type_embeddings\.weight" \[2, 32\] is missing.*; and \d+ more/,
  );
});

test('tensors that nobody knows are reported; heads and poolers are not', () => {
  const folder = copyOf('mpnet');
  rewrite(folder, (name, tensor) => (name === 'pooler.dense.bias' ? ['extra.scale', tensor] : [name, tensor]));
  assert.deepEqual(loadEncoder(folder).surplus, ['extra.scale']);
});

test('the names of a tuned model are those that transformers reads', () => {
  assert.equal(
    toHuggingFace('roberta', 'layers.3.query.weight'),
    'roberta.encoder.layer.2.attention.self.query.weight',
  );
  assert.equal(toHuggingFace('mpnet', 'embeddings.relative', ''), 'encoder.relative_attention_bias.weight');
  assert.equal(toHuggingFace('bert', 'classifier.output.bias'), 'classifier.out_proj.bias');
  assert.equal(headNames['classifier.dense.weight'], 'classifier.dense.weight');
  refuses(() => toHuggingFace('bert', 'embeddings.relative'), /not a parameter of the family bert/, /^$/);
  refuses(() => toHuggingFace('bert', 'layers.1.nothing.weight'), /not a parameter/, /^$/);
  // Every name of every fixture is found again under its canonical one.
  for (const model of ['bert', 'roberta', 'electra', 'distilbert']) {
    const { config, parameters } = loadEncoder(join(MODELS, model));
    const weights = openWeights(join(MODELS, model));
    const prefix = detectPrefix(config.family, weights.names(), model);
    for (const name of parameters.keys()) assert.ok(weights.has(toHuggingFace(config.family, name, prefix)), name);
    weights.close();
  }
});

test('folders without usable weights are refused with the remedy', () => {
  const folder = temporaryFolder();
  refuses(() => openWeights(join(folder, 'absent')), /absent: there is no such folder/);
  refuses(() => openWeights(folder), /holds no weights: neither model\.safetensors nor/, /config\.json/);
  writeFileSync(join(folder, 'pytorch_model.bin'), 'x');
  refuses(() => openWeights(folder), /only as pytorch_model\.bin/, /save_pretrained/);
});

test('a broken index, a missing shard and a missing tensor are named', () => {
  const folder = copyOf('bert');
  const index = join(folder, 'model.safetensors.index.json');
  const whole = readFileSync(index, 'utf8');
  renameSync(join(folder, 'model-00002-of-00006.safetensors'), join(folder, 'gone'));
  refuses(
    () => openWeights(folder),
    /model-00002-of-00006\.safetensors: there is no such file/,
    /index\.json names it/,
  );
  renameSync(join(folder, 'gone'), join(folder, 'model-00002-of-00006.safetensors'));

  const parsed = JSON.parse(whole);
  const name = 'encoder.layer.0.attention.self.query.weight';
  const other = Object.values(parsed.weight_map).find((shard) => shard !== parsed.weight_map[name]);
  writeFileSync(index, JSON.stringify({ weight_map: { ...parsed.weight_map, [name]: other } }));
  refuses(
    () => loadEncoder(folder),
    /safetensors: holds no tensor "encoder\.layer\.0\.attention\.self\.query\.weight"/,
  );
  writeFileSync(index, JSON.stringify({ weight_map: { x: '../x' } }));
  refuses(() => openWeights(folder), /index\.json: "x" has no file name/);
  writeFileSync(index, '{}');
  refuses(() => openWeights(folder), /index\.json: has no "weight_map"/);
});

test('the identity follows the content of the configuration and every weight file', () => {
  const folder = copyOf('bert');
  const first = modelHash(folder);
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(modelHash(join(MODELS, 'bert')), first);
  assert.equal(loadEncoder(folder, { layers: 0 }).hash(), first);
  appendFileSync(join(folder, 'model-00006-of-00006.safetensors'), ' ');
  const second = modelHash(folder);
  assert.notEqual(second, first);
  appendFileSync(join(folder, 'config.json'), ' ');
  assert.notEqual(modelHash(folder), second);
  rmSync(join(folder, 'model-00001-of-00006.safetensors'));
  refuses(() => modelHash(folder), /no such file/);
});
