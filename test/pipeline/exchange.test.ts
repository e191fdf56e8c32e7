/** Adapters out of a run and into another, through the formats of Python's libraries. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { openWeights } from '../../src/checkpoint/weights.js';
import { writeSafetensors } from '../../src/checkpoint/write.js';
import type { Block } from '../../src/config/layers.js';
import { CheckpointError, UserError } from '../../src/errors.js';
import { runExport } from '../../src/pipeline/export.js';
import type { ExportOptions } from '../../src/pipeline/types.js';
import { configOf, quiet, readBytesOf, temporary, trained, writeModel, writeTopics } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'data'));
const ARM = { bottom: 2, top: 3, head: 3 };
const run = (name: string) => join(folder, 'runs', name);
const out = (name: string) => join(folder, 'out', name);

const train = (name: string, values: Block) =>
  trained(configOf({ model, task, arm: ARM, training: { epochs: 1 }, ...values }), run(name));
const exportRun = (name: string, format: ExportOptions['format'], to = name) =>
  runExport({ run: run(name), format, output: out(to) }, quiet);

/** Tensors of a safetensors file, or of a model's folder, by name. */
function tensorsOf(path: string) {
  const { names, read, close } = path.endsWith('.safetensors') ? openSafetensors(path) : openWeights(path);
  const tensors = names().map((name) => [name, read(name)] as const);
  close();
  return tensors;
}

const FIRST = { classifier: { pooling: 'first' } };
const RUNS: [name: string, format: ExportOptions['format'], values: Block, files: string[]][] = [
  ['lora', 'peft', { ...FIRST, tuning: { method: 'lora', rank: 2, layerNorms: true } }, ['adapter_model.safetensors']],
  ['ia3', 'peft', { tuning: 'ia3' }, ['adapter_model.safetensors', 'classifier.safetensors']],
  [
    'paper',
    'adapterhub',
    { tuning: { method: 'bottleneck', size: 5, layerNorms: false } },
    ['adapter.safetensors', 'classifier.safetensors'],
  ],
];

describe('a run starts from what another exported', () => {
  for (const [name, format, values, files] of RUNS) {
    test(`${name}: without an epoch it predicts the same, and its folder says how it was tuned`, async () => {
      await train(name, values);
      const { warnings, python, files: told } = await exportRun(name, format);
      assert.deepEqual(readdirSync(out(name)).sort(), ['adapter_config.json', ...files].sort());
      assert.deepEqual(told.toSorted(), readdirSync(out(name)).sort());
      assert.equal(warnings.length, files.length - 1, 'a classifier that Python lacks is told');
      assert.match(python.join('\n'), /num_hidden_layers=3/);
      const { tuning: _, ...rest } = values;
      const result = await train(`${name}-again`, { ...rest, tuning: { from: out(name) }, training: { epochs: 0 } });
      assert.equal(result.epochs, 0);
      assert.deepEqual(readBytesOf(run(`${name}-again`), 'predictions.tsv'), readBytesOf(run(name), 'predictions.tsv'));
      // The configuration names the method, so that the run does not need the folder again; trained on, it is another model.
      assert.match(readFileSync(join(run(`${name}-again`), 'config.yaml'), 'utf8'), /method: /);
      await train(`${name}-further`, { ...rest, tuning: { from: out(name) } });
      assert.notDeepEqual(
        readBytesOf(run(`${name}-further`), 'tuned.safetensors'),
        readBytesOf(run(name), 'tuned.safetensors'),
      );
    });
  }
});

describe('mistakes', () => {
  before(async () => {
    if (!existsSync(out('lora'))) {
      await train('lora', RUNS[0][2]);
      await exportRun('lora', 'peft');
    }
  });
  const from = (values: Block, other: Block = {}) =>
    train('wrong', { ...FIRST, ...other, tuning: { from: out('lora'), ...values }, training: { epochs: 0 } });
  const says = (message: RegExp, hint: RegExp) => (error: unknown) =>
    error instanceof UserError && message.test(error.describe()) && hint.test(error.hint ?? '');

  test('an adapter in other layers than the arm tunes, and options that are not its own', async () => {
    await assert.rejects(
      from({}, { arm: { bottom: 1, top: 2, head: 2 } }),
      says(/stands in layers 2 to 3, but the arm tunes layers 1 to 2/, /bottom: 2, top: 3, head: 3/),
    );
    await assert.rejects(
      from({ method: 'lora', rank: 4 }),
      says(/tuning\.rank is 4, but that of the adapter is 2/, /from alone/),
    );
    await assert.rejects(from({ method: 'ia3' }), says(/tuning\.method is "ia3"/, /from alone/));
    assert.throws(() => configOf({ model, task, tuning: { from: join(folder, 'nowhere') } }), /no folder .*nowhere/);
    mkdirSync(out('empty'), { recursive: true });
    await assert.rejects(
      train('wrong', { tuning: { from: out('empty') } }),
      says(/adapter_config\.json/, /tuning\.from/),
    );
    assert.ok(!existsSync(run('wrong')), 'nothing is left behind');
  });

  test('a classifier of another shape is not taken, and that is said; nor is one that reads other states', async () => {
    const start = (values: Block, epochs: number) =>
      train(`fresh-${epochs}`, { ...values, tuning: { from: out('lora') }, training: { epochs } });
    const other = { classifier: { kind: 'linear' } };
    const mean = { classifier: { pooling: 'mean' } };
    const said = async (values: Block) => (await start(values, 1)).warnings.join('\n');
    assert.match(await said(other), /classifier is of another shape than this task's: a fresh one is trained/);
    assert.match(await said(mean), /reads the first token, and classifier\.pooling is mean: a fresh one/);
    for (const values of [other, mean])
      await assert.rejects(start(values, 0), says(/without an epoch none is trained/, /training\.epochs/));
  });

  test('the pooler that peft leaves to the base model is read from there', async () => {
    const width = 32;
    const dense = { shape: [width, width], data: Float32Array.from({ length: width ** 2 }, (_, i) => Math.sin(i)) };
    const bias = { shape: [width], data: new Float32Array(width).fill(0.1) };
    const source = tensorsOf(model);
    const [, prefix] =
      /^(.*)embeddings\.word/.exec(source.map(([name]) => name).find((name) => /word/.test(name)) ?? '') ?? [];
    const others = source.filter(([name]) => !name.includes('pooler'));
    const [pooled, plain] = [join(folder, 'pooled'), join(folder, 'plain')];
    for (const [to, more] of [
      [pooled, [[`${prefix}pooler.dense.weight`, dense] as const, [`${prefix}pooler.dense.bias`, bias] as const]],
      [plain, []],
    ] as const) {
      cpSync(model, to, { recursive: true, filter: (path) => !/model[-.].*safetensors/.test(path) });
      writeSafetensors(join(to, 'model.safetensors'), [...others, ...more]);
    }
    const bare = out('no-pooler');
    cpSync(out('lora'), bare, { recursive: true });
    const saved = tensorsOf(join(bare, 'adapter_model.safetensors'));
    const kept = saved.filter(([name]) => !name.includes('pooler'));
    assert.equal(kept.length, saved.length - 2);
    writeSafetensors(join(bare, 'adapter_model.safetensors'), kept);
    const start = (base: string, name: string) =>
      train(name, { ...FIRST, model: base, tuning: { from: bare }, training: { epochs: 0 } });
    await start(pooled, 'with-pooler');
    const tuned = new Map(tensorsOf(join(run('with-pooler'), 'tuned.safetensors')));
    assert.deepEqual(tuned.get('classifier.dense.weight')?.data, dense.data);
    assert.deepEqual(tuned.get('classifier.dense.bias')?.data, bias.data);
    await assert.rejects(start(plain, 'without'), says(/without the pooler under its classifier/, /classifier/));
  });

  test('a configuration that belongs to other weights is told', async () => {
    const file = (name: string) => join(out(name), 'adapter_config.json');
    const edited = (change: Block) => {
      cpSync(out('lora'), out('edited'), { recursive: true });
      const values = JSON.parse(readFileSync(file('lora'), 'utf8'));
      writeFileSync(file('edited'), JSON.stringify({ ...values, ...change }));
      return train('wrong', { ...FIRST, tuning: { from: out('edited') }, training: { epochs: 0 } });
    };
    await edited({ layers_to_transform: null });
    for (const [change, message] of [
      [{ layers_to_transform: [7, 8] }, /"layers_to_transform" is \[7,8\]; the model's layers are 0 to 2/],
      [{ layers_to_transform: [0, 1] }, /"layers_to_transform" is \[0,1\], but there are weights of layer 2/],
      [{ r: 4 }, /"r" is 4, but ".*lora_A\.weight" has rank 2/],
    ] as [Block, RegExp][])
      await assert.rejects(edited(change), says(message, /restore the file/));
  });

  test('weights that are no numbers are told before anything is made', async () => {
    const file = join(out('nan'), 'adapter_model.safetensors');
    cpSync(out('lora'), out('nan'), { recursive: true });
    const [[name, first], ...others] = tensorsOf(file);
    writeSafetensors(file, [[name, { ...first, data: first.data.with(3, Number.NaN) }], ...others]);
    const values = { ...FIRST, tuning: { from: out('nan') } };
    await assert.rejects(
      train('not-finite', values),
      says(/" holds NaN, which is no finite number/, /save the adapter again/),
    );
    assert.ok(!existsSync(run('not-finite')));
  });

  test('a rank above the width, and options beside tuning.from', async () => {
    await assert.rejects(
      train('wrong', { tuning: { method: 'pfeiffer', reductionFactor: 1000 } }),
      says(/reductionFactor is 1000, but the model is 32 wide/, /usual/),
    );
    await assert.rejects(
      train('wrong', { tuning: { method: 'lora', rank: 10_000 } }),
      says(/tuning\.rank is 10000, but the model is \d+ wide/, /low rank/),
    );
    assert.throws(() => configOf({ model, task, tuning: { from: out('lora'), rank: 2 } }), {
      message: /"rank" is stated beside tuning\.from/,
    });
  });

  test('runs without an adapter, on top of a run, or in the wrong format are not exported', async () => {
    await train('whole', {});
    await train('head', { tuning: 'lora', arm: { bottom: null, top: null, head: 3 } });
    await train('on-top', { model: run('lora'), tuning: 'lora' });
    const refused = (name: string, format: ExportOptions['format'], message: RegExp) =>
      assert.rejects(exportRun(name, format, 'refused'), (error) => {
        assert.ok(error instanceof CheckpointError && message.test(error.message) && error.hint, String(error));
        return true;
      });
    await refused('whole', 'peft', /was fine-tuned/);
    await refused('head', 'peft', /classifier alone/);
    await refused('on-top', 'peft', /on top of another run/);
    await refused('lora', 'adapterhub', /cannot hold lora/);
    assert.ok(!existsSync(out('refused')));
    mkdirSync(out('full'), { recursive: true });
    writeFileSync(join(out('full'), 'notes.txt'), 'mine');
    await assert.rejects(exportRun('lora', 'peft', 'full'), UserError);
    assert.deepEqual(readdirSync(out('full')), ['notes.txt']);
  });
});
