/** Measuring the layers of a model on a task's files. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { loadTokenizer } from '../../src/data/tokenizer.js';
import { encode } from '../../src/model/encoder.js';
import { encoderInputs } from '../../src/model/inputs.js';
import { runSelect } from '../../src/pipeline/select.js';
import { batchOf, toTensors } from '../model/support.js';
import { configOf, listener, pairs, quiet, temporary, topics, write, writeModel, writeTopics } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'topics'), { train: 50 });

test('ν of every layer is that of the definition, input by input', async () => {
  const { layers, selected, samples, arm, warnings } = await runSelect(configOf({ model, task }), quiet);
  assert.deepEqual([samples, warnings], [50, []]);

  const { config, parameters } = loadEncoder(model);
  const tokenizer = loadTokenizer(model);
  const tensors = toTensors(parameters);
  const means = topics(50, 1).map(([text]) => {
    const { ids } = tokenizer.encode(text, undefined, 128);
    const inputs = toTensors(Object.entries(encoderInputs(batchOf([[...ids]]), config)));
    // All but the first and the last token, which the template added.
    const mean = (states: Tensor) =>
      states
        .slice(1, ids.length - 2)
        .mean(0)
        .dataSync();
    return encode(tensors, inputs, config, { head: 3 }).map((states) => Array.from(mean(states)));
  });
  const expected = [1, 2, 3].map((layer) => variability(means.map((states) => states[layer])));
  for (const { layer, nu, low, high } of layers) {
    assert.ok(nu !== null);
    assert.ok(Math.abs(nu / expected[layer - 1] - 1) < 1e-4, `layer ${layer}: ${nu}, expected ${expected[layer - 1]}`);
    assert.ok(low !== null && high !== null && low < nu && nu < high, `${low} ${nu} ${high}`);
  }
  assert.equal(selected, 1 + expected.indexOf(Math.min(...expected)));
  const best = expected[1] <= expected[2] ? 2 : 3;
  assert.deepEqual(arm, { name: 'selected-2', bottom: best - 1, top: best, head: best });
});

/** ν of two classes that alternate: 2 · δᵀ Σ_w δ / ‖δ‖⁴. */
function variability(states: number[][]): number {
  const groups = [0, 1].map((label) => states.filter((_, i) => i % 2 === label));
  const means = groups.map((rows) => rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length));
  const delta = means[0].map((value, j) => value - means[1][j]);
  const square = delta.reduce((sum, value) => sum + value * value, 0);
  const along = groups.map((rows, label) => {
    const projected = rows.map((row) => row.reduce((sum, value, j) => sum + (value - means[label][j]) * delta[j], 0));
    return projected.reduce((sum, value) => sum + value * value, 0) / rows.length;
  });
  return (along[0] + along[1]) / square ** 2;
}

test('layers that the configuration leaves out of the checkpoint are named', async () => {
  const cut = writeModel(join(folder, 'cut'));
  const config = JSON.parse(readFileSync(join(cut, 'config.json'), 'utf8'));
  writeFileSync(join(cut, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: 2 }));
  const { logs, reporter } = listener();
  await runSelect(configOf({ model: cut, task }), reporter);
  const told = logs.filter((line) => /tensors of the checkpoint are not used/.test(line.message));
  assert.equal(told.length, 1);
  assert.match(told[0].message, /^16 tensors .*layer\.2\..* and 11 more/);
});

test('a sample is stratified, and the same for the same seed', async () => {
  const select = (seed: number) => runSelect(configOf({ model, task, seed, selection: { samples: 21 } }), quiet);
  const [first, again, other] = [await select(1), await select(1), await select(2)];
  assert.equal(first.samples, 21);
  assert.deepEqual(again.layers, first.layers);
  assert.notDeepEqual(other.layers, first.layers);
});

test('a class of one example is left out and named, once', async () => {
  const rows = [['sentence', 'label'], ...topics(30, 1), ['the old', 'neither']];
  const train = write(join(folder, 'single/train.tsv'), rows);
  const { logs, reporter } = listener();
  const { leftOut, samples, warnings } = await runSelect(configOf({ model, task: { ...task, train } }), reporter);
  assert.deepEqual(leftOut, ['neither']);
  assert.equal(samples, 30);
  const told = [...warnings, ...logs.map(({ message }) => message)].filter((text) => /"neither"/.test(text));
  assert.equal(told.length, 1);
});

test('scores of a regression task become classes by rounding, halves up', async () => {
  const rows = pairs(40, 1).map(([first, second, alike]) => [first, second, alike === 1 ? 2.5 : alike]);
  const train = write(join(folder, 'scores/train.tsv'), [['sentence1', 'sentence2', 'label'], ...rows]);
  const named = pairs(40, 1).map(([first, second, alike]) => [first, second, ['0', '3', '2'][alike]]);
  const classes = write(join(folder, 'classes/train.tsv'), [['sentence1', 'sentence2', 'label'], ...named]);
  const scores = await runSelect(configOf({ model, task: { name: 'pairs', train, kind: 'regression' } }), quiet);
  const same = await runSelect(configOf({ model, task: { name: 'pairs', train: classes } }), quiet);
  assert.equal(scores.pair, true);
  assert.deepEqual(
    scores.layers.map(({ nu }) => nu),
    same.layers.map(({ nu }) => nu),
  );
});
