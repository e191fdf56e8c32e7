/** Adapters out of a run and into another, through the formats of Python's libraries. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Block } from '../../src/config/layers.js';
import { CheckpointError, UserError } from '../../src/errors.js';
import { runExport } from '../../src/pipeline/export.js';
import type { ExportOptions } from '../../src/pipeline/types.js';
import { configOf, listener, quiet, readBytesOf, temporary, trained, writeModel, writeTopics } from './support.js';

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

  test('a classifier of another shape is not taken, and that is said', async () => {
    const { logs, reporter } = listener();
    const config = configOf({
      model,
      task,
      arm: ARM,
      classifier: { kind: 'linear' },
      tuning: { from: out('lora') },
      training: { epochs: 0 },
    });
    await trained(config, run('linear'), reporter);
    assert.match(logs.map(({ message }) => message).join('\n'), /classifier is of another shape/);
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
