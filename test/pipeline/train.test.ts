/** A run from configuration to folder: what it writes, what it reads, and that it is the same every time. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { loadConfig } from '../../src/config/load.js';
import { Interrupted } from '../../src/errors.js';
import type { RunResult } from '../../src/pipeline/run-folder.js';
import { runTrain } from '../../src/pipeline/train.js';
import {
  configOf,
  evaluated,
  LAND,
  listener,
  predicted,
  quiet,
  readBytesOf,
  readMetrics,
  readResult,
  readTable,
  SEA,
  temporary,
  topics,
  trained,
  write,
  writeModel,
  writeTopics,
} from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'topics'));
const at = (name: string) => join(folder, 'runs', name);

describe('a run that selects its layers', () => {
  const run = at('selected');
  const { logs, progress, reporter } = listener();
  let result: RunResult;
  before(async () => {
    result = await trained(configOf({ model, task, training: { epochs: 4 } }), run, reporter);
  });

  test('writes its five files and nothing else', () => {
    assert.deepEqual(readdirSync(run).sort(), [
      'config.yaml',
      'metrics.jsonl',
      'predictions.tsv',
      'result.json',
      'tuned.safetensors',
    ]);
  });

  test('learns the task', () => {
    assert.ok(result.metrics.accuracy > 0.85, String(result.metrics.accuracy));
  });

  test('result.json says what was tuned and what came of it', () => {
    const { task: name, arm, layers, metrics, bestEpoch, epochs, seconds, seed, selection } = result;
    assert.deepEqual([name, layers, epochs, seed], ['topics', 3, 4, 1]);
    assert.deepEqual(Object.keys(arm), ['name', 'bottom', 'top', 'head']);
    assert.equal(arm.name, 'selected-2');
    assert.deepEqual([(arm.top ?? 0) - (arm.bottom ?? 0), arm.top], [1, arm.head]);
    assert.deepEqual(Object.keys(metrics), ['accuracy', 'score']);
    assert.equal(bestEpoch, Math.min(Math.max(bestEpoch, 1), 4));
    for (const phase of ['read', 'select', 'tune', 'evaluate', 'total']) assert.ok(seconds[phase] > 0, phase);
    // The same triple as `select` proposes, from the same curve.
    assert.deepEqual(selection?.arm, arm);
    assert.equal(selection?.samples, 64);
    // Two layers of 4 · 32 · 33 + 2 · 32 · 48 + 48 + 32 + 4 · 32, and 32 · 33 + 2 · 33 of the classifier.
    assert.equal(result.trainableParameters, 2 * 7_504 + 1_122);
    // Below the span the embeddings alone, or one layer more.
    const below = result.totalParameters - result.trainableParameters;
    assert.equal(below, (61 + 24 + 2 + 2) * 32 + ((result.arm.bottom ?? 1) - 1) * 7_504);
    assert.deepEqual(result.definition.labels, ['land', 'sea']);
    assert.ok(result.peakMemory > 2 ** 20, String(result.peakMemory));
    assert.deepEqual(result.warnings, []);
  });

  test('metrics.jsonl has a line a step and a line an evaluation', () => {
    const { steps, evaluations } = readMetrics(run);
    assert.deepEqual(
      steps.map(({ step }) => step),
      Array.from({ length: 16 }, (_, i) => i + 1),
    );
    for (const line of steps) {
      for (const key of ['loss', 'learningRate', 'gradientNorm', 'seconds']) assert.ok(Number.isFinite(line[key]), key);
    }
    assert.deepEqual(
      evaluations.map(({ step, epoch }) => [step, epoch]),
      [
        [4, 1],
        [8, 2],
        [12, 3],
        [16, 4],
      ],
    );
    // Seconds of tuning: each evaluation ends after the step before it and before the step after it.
    for (const { step, seconds } of evaluations) {
      const [before, after] = [steps[Number(step) - 1], steps[Number(step)]].map((line) => Number(line?.seconds));
      assert.ok(Number(seconds) > before && !(Number(seconds) > after), `${before}, ${seconds}, ${after}`);
    }
    const best = evaluations.filter(({ best }) => best).at(-1);
    assert.equal(best?.epoch, result.bestEpoch);
    assert.deepEqual(best?.evaluation, result.metrics);
  });

  test('predictions.tsv has the rows of dev in their order', () => {
    const { header, rows } = readTable(join(run, 'predictions.tsv'));
    assert.deepEqual(header, ['index', 'label', 'prediction', 'p(land)', 'p(sea)']);
    assert.deepEqual(
      rows.map(([index, label]) => [index, label]),
      topics(24, 2).map(([, label], i) => [String(i), label]),
    );
    const right = rows.filter(([, label, prediction]) => label === prediction).length;
    assert.equal(right / rows.length, result.metrics.accuracy);
    for (const [, , prediction, land, sea] of rows) {
      assert.ok(Math.abs(Number(land) + Number(sea) - 1) < 2e-6, `${land} ${sea}`);
      assert.equal(prediction, Number(land) >= Number(sea) ? 'land' : 'sea');
    }
  });

  test('tuned.safetensors holds the tuned layers and the classifier under Hugging Face’s names', () => {
    const { bottom, top, head } = result.arm;
    const file = openSafetensors(join(run, 'tuned.safetensors'));
    const names = file.names();
    assert.deepEqual(JSON.parse(file.metadata.arm), { bottom, top, head });
    file.close();
    const layers = new Set(names.map((name) => /^bert\.encoder\.layer\.(\d+)\./.exec(name)?.[1]));
    assert.deepEqual([...layers], [String((bottom ?? 0) - 1), String((top ?? 0) - 1), undefined]);
    assert.equal(names.length, 2 * 16 + 4);
    assert.ok(names.includes('classifier.out_proj.weight'));
  });

  test('says how far it is, from the first moment on', () => {
    const tune = progress.filter(({ phase }) => phase === 'tune');
    assert.deepEqual(
      tune.map(({ done, total }) => [done, total]),
      Array.from({ length: 17 }, (_, i) => [i, 16]),
    );
    assert.match(tune.at(-1)?.detail ?? '', /^epoch 4\/4 {2}loss \d\.\d+ {2}[\d.]+ k tokens\/s$/);
    for (const { subject } of tune) assert.equal(subject, 'selected-2');
    assert.equal(progress.find(({ phase }) => phase === 'select')?.done, 0);
    assert.deepEqual(
      logs.filter(({ level }) => level === 'warn'),
      [],
    );
  });

  test('evaluating the run on dev reproduces its metrics to the last digit', async () => {
    for (const batchSize of [undefined, 5]) {
      const { metrics, score, examples, task } = await evaluated({ run, split: 'dev', batchSize });
      assert.deepEqual({ ...metrics, score }, result.metrics);
      assert.deepEqual([examples, task], [24, 'topics']);
    }
  });

  test('its config.yaml is complete, and gives the same run again', async () => {
    const config = loadConfig(join(run, 'config.yaml'));
    const again = at('again');
    await runTrain({ ...config, output: { ...config.output, folder: again } }, again, quiet, () => false);
    for (const file of ['tuned.safetensors', 'predictions.tsv']) {
      assert.ok(readBytesOf(run, file).equals(readBytesOf(again, file)), file);
    }
    const { seconds: _, peakMemory: __, selection: ___, ...first } = result;
    const { seconds: _a, peakMemory: __a, selection: ___a, ...second } = readResult(again);
    assert.deepEqual(second, first);
  });

  test('another seed gives other weights', async () => {
    const other = at('seed2');
    await trained(configOf({ model, task, seed: 2, training: { epochs: 4 } }), other);
    assert.notDeepEqual(readBytesOf(run, 'tuned.safetensors'), readBytesOf(other, 'tuned.safetensors'));
  });
});

test('the two engines agree on a whole run', async () => {
  const few = writeTopics(join(folder, 'few'), { train: 16, dev: 8 });
  const runs = [];
  for (const name of ['compiled', 'cpu']) {
    const run = at(`engine-${name}`);
    const engine = { name };
    const training = { epochs: 1, learningRate: 1e-4, batchSize: 8 };
    runs.push(await trained(configOf({ model, task: few, engine, training, arm: 'full' }), run));
    runs.push(readMetrics(run).steps.map(({ loss }) => Number(loss)));
  }
  const [first, losses, second, others] = runs as [RunResult, number[], RunResult, number[]];
  assert.equal(first.environment.engine, 'compiled');
  assert.equal(second.environment.engine, 'cpu');
  assert.deepEqual(second.metrics, first.metrics);
  losses.forEach((loss, i) => {
    assert.ok(Math.abs(loss - others[i]) < 1e-5, `${loss} ${others[i]}`);
  });
});

describe('which epoch', () => {
  /** Dev has the labels of train the wrong way round: the better a model learns, the worse it scores. */
  const header = ['sentence', 'label'];
  const swapped = topics(24, 2).map(([text, label]) => [text, label === 'sea' ? 'land' : 'sea']);
  const worse = { ...task, dev: write(join(folder, 'worse/dev.tsv'), [header, ...swapped]) };
  const training = { epochs: 4 };

  test('the folder holds the weights of the best evaluation, not of the last', async () => {
    const run = at('worse');
    const result = await trained(configOf({ model, task: worse, arm: 'full', training }), run);
    const { evaluations } = readMetrics(run);
    const scores = evaluations.map(({ evaluation }) => evaluation.score);
    assert.ok(scores[3] < Math.max(...scores), scores.join(' '));
    assert.equal(result.bestEpoch, 1 + scores.indexOf(Math.max(...scores)));
    assert.equal(result.metrics.score, Math.max(...scores));
    assert.equal((await evaluated({ run, split: 'dev' })).score, Math.max(...scores));
    // Its predictions are those of the same weights.
    const { predictions } = await predicted({ run, split: 'dev' });
    assert.deepEqual(
      readTable(join(run, 'predictions.tsv')).rows.map(([, , label, ...shares]) => [label, ...shares]),
      predictions.map(({ label, scores: shares }) => [label, ...shares.map((share) => share.toFixed(6))]),
    );
  });

  test('best: last keeps the last', async () => {
    const run = at('worse-last');
    const result = await trained(
      configOf({ model, task: worse, arm: 'full', training: { ...training, best: 'last' } }),
      run,
    );
    const { evaluations } = readMetrics(run);
    assert.equal(result.bestEpoch, 4);
    assert.deepEqual(result.metrics, evaluations[3].evaluation);
  });

  test('patience stops early, and steps can be the measure', async () => {
    const run = at('worse-patience');
    const early = { ...training, evaluate: 2, patience: 2 };
    const result = await trained(configOf({ model, task: worse, arm: 'full', training: early }), run);
    const { evaluations, steps } = readMetrics(run);
    assert.ok(steps.length < 16, String(steps.length));
    assert.deepEqual(
      evaluations.map(({ step }) => step),
      Array.from({ length: evaluations.length }, (_, i) => 2 * (i + 1)),
    );
    assert.deepEqual(
      evaluations.slice(-2).map(({ best }) => best),
      [false, false],
    );
    assert.equal(result.epochs, Math.ceil(steps.length / 4));
  });

  test('a clean split chooses the epoch; ν and tuning see only the rest, and dev is scored once', async () => {
    const run = at('clean');
    const { progress, logs, reporter } = listener();
    const result = await trained(
      configOf({ model, task: worse, training: { epochs: 8, cleanSplit: 0.25 } }),
      run,
      reporter,
    );
    const { evaluations, steps } = readMetrics(run);
    // Dev is upside down, the held-out rows are not: on them the model gets better.
    const best = Math.max(...evaluations.map(({ evaluation }) => evaluation.score));
    assert.ok(best > 0.8, String(best));
    assert.ok(result.metrics.score < 0.3, String(result.metrics.score));
    assert.equal(result.selection?.samples, 48);
    assert.equal(steps.length, 8 * 3);
    const evaluating = progress
      .filter(({ phase, done, total }) => phase === 'evaluate' && done === total)
      .map(({ subject }) => subject);
    assert.equal(evaluating.filter((subject) => subject === 'dev').length, 1);
    assert.equal(evaluating.filter((subject) => subject === 'held-out').length, 8);
    const told = logs.filter(({ message }) => /16 of 64 training rows are held out/.test(message));
    assert.equal(told.length, 1);
  });

  test('rows that a clean split can put on neither side are counted', async () => {
    const words = topics(60, 3);
    // Single words are rows of their own and stand in many texts: they tie everything together.
    const single = [...LAND.map((word) => [word, 'land']), ...SEA.map((word) => [word, 'sea'])];
    const train = write(join(folder, 'dropped/train.tsv'), [header, ...words, ...single]);
    const { logs, reporter } = listener();
    const config = configOf({
      model,
      task: { ...task, train },
      arm: 'head-only-top',
      training: { epochs: 1, cleanSplit: 0.3 },
    });
    const result = await trained(config, at('dropped'), reporter);
    const told = [...logs.map(({ message }) => message), ...result.warnings].filter((text) => /neither/.test(text));
    assert.equal(told.length, 1);
    assert.match(told[0], /^\d+ training rows are in neither part: their short texts stand in texts of both$/);
  });
});

test('a run that is stopped leaves no result, and starts again from nothing', async () => {
  const run = at('stopped');
  const config = configOf({ model, task, arm: 'top-1' });
  let polls = 0;
  await assert.rejects(
    runTrain(config, run, quiet, () => ++polls > 3),
    (error) => error instanceof Interrupted && error.exitCode === 130,
  );
  assert.deepEqual(readdirSync(run).sort(), ['config.yaml', 'metrics.jsonl']);
  await trained(config, run);
  assert.equal(readMetrics(run).steps.length, 8);
});

test('rows of train that cannot be read are told once', async () => {
  const data = join(folder, 'glue');
  const rows = topics(20, 1).map(([text, label]) => [text, label === 'sea' ? 1 : 0]);
  write(join(data, 'SST-2/train.tsv'), [['sentence', 'label'], ...rows, ['no label']]);
  write(join(data, 'SST-2/dev.tsv'), [['sentence', 'label'], ...rows.slice(0, 8)]);
  const { logs, reporter } = listener();
  const config = configOf({ model, task: { name: 'sst2', data }, arm: 'top-1', training: { epochs: 1 } });
  const result = await trained(config, at('skipped'), reporter);
  assert.equal(result.warnings.length, 1);
  assert.match(result.warnings[0], /^1 training row of .*train\.tsv cannot be read and is left out$/);
  assert.deepEqual(
    logs.filter(({ message }) => /cannot be read/.test(message)),
    [],
  );
});

test('a mistake leaves the folder of an earlier run as it was', async () => {
  const run = at('kept');
  await trained(configOf({ model, task, arm: 'head-only-top', training: { epochs: 1 } }), run);
  const before = readdirSync(run).map((file) => [file, readFileSync(join(run, file), 'utf8')]);
  const dev = write(join(folder, 'kept/dev.tsv'), [
    ['sentence', 'label'],
    ['the tide', 'air'],
  ]);
  const config = configOf({ model, task: { ...task, dev }, output: { overwrite: true } });
  await assert.rejects(
    runTrain(config, run, quiet, () => false),
    /label "air" is not one of land, sea/,
  );
  assert.deepEqual(
    readdirSync(run).map((file) => [file, readFileSync(join(run, file), 'utf8')]),
    before,
  );
  const none = at('none');
  await assert.rejects(
    runTrain(config, none, quiet, () => false),
    /label "air"/,
  );
  assert.equal(existsSync(none), false);
});

test('the run folder must be one that can be written', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const config = configOf({ model, task, arm: 'head-only-top' });
  await assert.rejects(
    runTrain(config, join(file, 'run'), quiet, () => false),
    (error: Error) => {
      assert.match(error.message, /cannot be made: .* is not a folder/);
      return true;
    },
  );
});

test('weights that are no numbers any more are an error, not a score', async () => {
  const config = configOf({ model, task, training: { epochs: 2, learningRate: 1e9, clipNorm: 0 } });
  await assert.rejects(
    runTrain(config, at('diverged'), quiet, () => false),
    {
      name: 'UserError',
      message: /^training diverged|^the gradient was not finite/,
      hint: /learningRate/,
    },
  );
});
