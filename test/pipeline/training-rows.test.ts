/** Which rows of train a run uses: its sample, and the seed that several runs may share. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Block } from '../../src/config/layers.js';
import { openTask } from '../../src/data/tasks.js';
import { UserError } from '../../src/errors.js';
import { openModel } from '../../src/pipeline/model.js';
import { readRunData } from '../../src/pipeline/run-data.js';
import { runSelect } from '../../src/pipeline/select.js';
import { runTrain } from '../../src/pipeline/train.js';
import { trainingRows } from '../../src/pipeline/training-rows.js';
import { configOf, quiet, temporary, topics, trained, write, writeModel, writeTopics } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'topics'));
const header = ['sentence', 'label'];

/** Three rows of land to one of sea. */
const uneven = {
  ...task,
  train: write(join(folder, 'uneven/train.tsv'), [
    header,
    ...topics(200, 4).filter((_, i) => i % 2 === 0 || i % 6 === 1),
  ]),
};

function rowsOf(values: Block & { task: Block }) {
  const config = configOf({ model, ...values });
  return trainingRows(openTask(config.task), config);
}
const linesOf = (values: Block & { task: Block }) => rowsOf(values).examples.map(({ line }) => line);

test('all rows unless a number is asked for; a sample keeps the shares of the classes and the order of the file', () => {
  const all = linesOf({ task: uneven });
  assert.equal(all.length, 134);
  assert.deepEqual(linesOf({ task: { ...uneven, trainSamples: 'all' } }), all);
  assert.deepEqual(linesOf({ task: { ...uneven, trainSamples: 134 } }), all);
  const { examples, warnings } = rowsOf({ task: { ...uneven, trainSamples: 67 } });
  assert.deepEqual([examples.length, examples.filter(({ label }) => label === 1).length], [67, 17]);
  const lines = examples.map(({ line }) => line);
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  );
  assert.deepEqual(warnings, []);
});

test('the sample is the split seed’s, and the seed’s where there is none', () => {
  const sampled = { ...uneven, trainSamples: 40 };
  const own = linesOf({ task: sampled, seed: 7 });
  assert.notDeepEqual(linesOf({ task: sampled, seed: 8 }), own);
  assert.deepEqual(linesOf({ task: sampled, seed: 8, splitSeed: 7 }), own);
});

test('a regression’s sample is spread over its scores, whatever their scale', () => {
  for (const scale of [1, 100]) {
    const scored = topics(120, 5).map(([text], i) => [text, scale * (i < 100 ? 0.1 : 4.9)]);
    const train = write(join(folder, `scores-${scale}/train.tsv`), [header, ...scored]);
    const { examples } = rowsOf({ task: { ...task, train, kind: 'regression', trainSamples: 12 } });
    const high = examples.filter(({ label }) => (label ?? 0) > scale);
    assert.deepEqual([examples.length, high.length], [12, 2], String(scale));
  }
});

test('a class without an example in the sample is named', () => {
  const rows = topics(60, 6).map(([text], i) => [text, `c${i % 5}`]);
  const train = write(join(folder, 'five/train.tsv'), [header, ...rows]);
  const { warnings } = rowsOf({ task: { ...task, train, trainSamples: 3 } });
  assert.match(warnings.join(), /^the sample of 3 training rows has no example of c\d, c\d$/);
});

test('more rows than there are are the user’s mistake, before a folder is made', async () => {
  const config = configOf({ model, task: { ...task, trainSamples: 65 } });
  const isMistake = (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.describe(), /topics\/train\.tsv: task\.trainSamples asks for 65 rows, but there are 64$/);
    assert.equal(error.hint, 'set task.trainSamples to 64 or less, or to all');
    return true;
  };
  await assert.rejects(runSelect(config, quiet), isMistake);
  await assert.rejects(
    runTrain(config, join(folder, 'none'), quiet, () => false),
    isMistake,
  );
});

test('select and train see the sample, taken before the clean split; runs of several seeds share both', async () => {
  const values = {
    model,
    task: { ...uneven, trainSamples: 60 },
    splitSeed: 3,
    training: { epochs: 1, cleanSplit: 0.25 },
  };
  const results = [];
  for (const seed of [1, 2]) {
    const config = configOf({ ...values, seed });
    const data = readRunData(openTask(config.task), openModel(model), config, quiet);
    const sample = new Set(linesOf({ task: values.task, seed: 3 }));
    const lines = [data.trainExamples, data.selectionExamples].map((part) => part.map(({ line }) => line));
    for (const line of lines.flat()) assert.ok(sample.has(line));
    assert.equal(lines[1].length, 15);
    const result = await trained(config, join(folder, 'runs', String(seed)));
    assert.deepEqual([result.trainExamples, result.selection?.samples], [lines[0].length, lines[0].length]);
    results.push({ lines, layers: result.selection?.layers });
    assert.equal((await runSelect(config, quiet)).samples, lines[0].length);
  }
  // ν, its intervals and shares are the same too: a selection can be shared.
  assert.deepEqual(results[0], results[1]);
});
