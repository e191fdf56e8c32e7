/** Runs with adapters: what is tuned and written, that it is read back, and what may stand on top of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { CheckpointError, UserError } from '../../src/errors.js';
import { openModel } from '../../src/pipeline/model.js';
import type { RunResult } from '../../src/pipeline/run-folder.js';
import { configOf, evaluated, predicted, readBytesOf, temporary, trained, writeModel, writeTopics } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'data'));
const ARM = { bottom: 2, top: 2, head: 3 };

const METHODS: [name: string, options: object, tensors: RegExp, count: number][] = [
  ['lora', { rank: 2 }, /^bert\.encoder\.layer\.1\.attention\.self\.(query|value)\.lora_[AB]\.weight$/, 4],
  ['ia3', { layerNorms: true }, /^bert\.encoder\.layer\.1\.(attention\.self\.(key|value)|output\.dense)\.ia3_l$/, 3],
  ['bottleneck', { size: 4 }, /^bert\.encoder\.layer\.1\.bottleneck\.(attention|output)\.(down|up)\.(weight|bias)$/, 8],
  ['bitfit', {}, /^bert\.encoder\.layer\.1\.(?!.*LayerNorm).*\.bias$/, 6],
  ['prefix', { length: 3 }, /^bert\.encoder\.layer\.1\.prefix\.(key|value)$/, 2],
];

describe('a run with an adapter', () => {
  for (const [method, options, names, count] of METHODS) {
    const run = join(folder, method);
    let result: RunResult;
    before(async () => {
      const config = configOf({ model, task, arm: ARM, tuning: { method, ...options }, training: { epochs: 1 } });
      result = await trained(config, run);
    });

    test(`${method}: writes what was tuned under clear names, and nothing else`, () => {
      const file = openSafetensors(join(run, 'tuned.safetensors'));
      const tensors = file.names();
      const norms = method === 'ia3' || method === 'bottleneck' ? 4 : method === 'bitfit' ? 2 : 0;
      assert.equal(tensors.filter((name) => names.test(name)).length, count, tensors.join(' '));
      assert.equal(tensors.filter((name) => /^bert\.encoder\.layer\.1\..*LayerNorm/.test(name)).length, norms);
      assert.equal(tensors.filter((name) => name.startsWith('classifier.')).length, 4);
      assert.equal(tensors.length, count + norms + 4);
      const elements = tensors.reduce((sum, name) => sum + file.read(name).data.length, 0);
      assert.equal(result.trainableParameters, elements);
      file.close();
    });

    test(`${method}: evaluating and predicting read it back`, async () => {
      const scores = await evaluated({ run, split: 'dev' });
      assert.deepEqual(scores.metrics.accuracy, result.metrics.accuracy);
      const { predictions } = await predicted({ run, split: 'dev' });
      const stated = readBytesOf(run, 'predictions.tsv').toString().trimEnd().split('\n').slice(1);
      assert.deepEqual(
        predictions.map(({ label, scores }) => [label, ...scores.map((score) => score.toFixed(6))].join('\t')),
        stated.map((line) => line.split('\t').slice(2).join('\t')),
      );
    });
  }

  test('the frozen prefix is cached or not, with the same losses', async () => {
    const config = configOf({ model, task, arm: ARM, tuning: { method: 'lora', rank: 2 }, training: { epochs: 1 } });
    await trained({ ...config, cache: { ...config.cache, prefix: false } }, join(folder, 'uncached'));
    const losses = (run: string) =>
      readBytesOf(join(folder, run), 'metrics.jsonl')
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).loss as number | undefined)
        .filter((loss) => loss !== undefined);
    const [cached, uncached] = [losses('lora'), losses('uncached')];
    assert.ok(cached.length >= 4);
    for (const [i, loss] of cached.entries())
      assert.ok(Math.abs(loss / uncached[i] - 1) < 1e-5, `${loss} ${uncached[i]}`);
  });

  test('as a model, LoRA and (IA)³ are merged into the weights', async () => {
    for (const method of ['lora', 'ia3', 'bitfit']) {
      const tuned = openModel(join(folder, method));
      const { parameters } = tuned.load(3);
      const plain = openModel(model).load(3).parameters;
      assert.deepEqual([...parameters.keys()], [...plain.keys()]);
      const changed = [...parameters].flatMap(([name, { data }]) =>
        data.some((value, i) => value !== plain.get(name)?.data[i]) ? [name] : [],
      );
      assert.ok(changed.length > 0 && changed.every((name) => name.startsWith('layers.2.')), changed.join(' '));
    }
    const config = configOf({ model: join(folder, 'lora'), task, arm: ARM, training: { epochs: 1 } });
    const onTop = await trained(config, join(folder, 'on-top'));
    const scores = await evaluated({ run: join(folder, 'on-top'), split: 'dev' });
    assert.equal(scores.metrics.accuracy, onTop.metrics.accuracy);
  });

  test('as a model, other adapters are refused', () => {
    for (const method of ['bottleneck', 'prefix']) {
      assert.throws(
        () => openModel(join(folder, method)),
        (error) =>
          error instanceof UserError && /cannot be merged/.test(error.message) && /lora/.test(error.hint ?? ''),
      );
    }
  });
});

test('a run whose adapter is not all there is told so', async () => {
  const run = join(folder, 'damaged');
  await trained(configOf({ model, task, arm: ARM, tuning: 'ia3', training: { epochs: 1 } }), run);
  const { writeFileSync, readFileSync } = await import('node:fs');
  const path = join(run, 'tuned.safetensors');
  writeFileSync(path, readFileSync(path).toString('latin1').replace('key.ia3_l', 'kez.ia3_l'), 'latin1');
  await assert.rejects(evaluated({ run, split: 'dev' }), CheckpointError);
  assert.throws(() => openModel(run).load(3), CheckpointError);
});
