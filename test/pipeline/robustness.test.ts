/** ν under other shares of the classes and fewer inputs, on a task's files. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runRobustness } from '../../src/pipeline/robustness.js';
import { runSelect } from '../../src/pipeline/select.js';
import { configOf, listener, quiet, temporary, writeModel, writeTopics } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'topics'), { train: 60 });

test('one pass gives the curve of all inputs and of every draw, the same each time', async () => {
  const config = configOf({ model, task });
  const options = { config, ratios: [1, 4], sizes: [10, 30, 100], draws: 3 };
  const { reporter, progress } = listener();
  const result = await runRobustness(options, reporter);
  const { layers } = await runSelect(config, quiet);
  const full = layers.map(({ nu }) => nu);
  assert.deepEqual(
    result.selection.layers.map(({ nu }) => nu),
    full,
  );
  assert.deepEqual(result.classSizes, [30, 30]);
  assert.equal(result.imbalance.size, 38);
  assert.deepEqual(
    result.imbalance.levels.map(({ level }) => level),
    [1, 4],
  );
  assert.deepEqual(
    result.scarcity.levels.map(({ level }) => level),
    [10, 30, 60],
  );
  assert.deepEqual(result.scarcity.levels[2].nu, [full]);
  assert.deepEqual(result.warnings, ['no draw of 100 inputs: there are 60']);
  for (const { nu } of [...result.imbalance.levels, ...result.scarcity.levels.slice(0, 2)]) {
    assert.equal(nu.length, 3);
    assert.equal(new Set(nu.map(String)).size, 3, 'draws differ');
    assert.ok(nu.every((curve) => curve.length === 3 && curve.every((value) => value > 0 && Number.isFinite(value))));
  }
  assert.ok(progress.some(({ subject }) => subject === 'draws'));
  const again = await runRobustness(options, quiet);
  assert.deepEqual(again.imbalance, result.imbalance);
  assert.deepEqual(again.scarcity, result.scarcity);

  await assert.rejects(runRobustness({ ...options, size: 39 }, quiet), /at most 38 inputs/);
  await assert.rejects(runRobustness({ ...options, ratios: [50] }, quiet), /50 times rarer/);
  // What the classes do not allow is left out of what they do, and said.
  const some = await runRobustness({ ...options, ratios: [4, 50, 1] }, quiet);
  assert.deepEqual(
    some.imbalance.levels.map(({ level }) => level),
    [4, 1],
  );
  assert.deepEqual(some.imbalance.size, result.imbalance.size);
  assert.match(some.warnings.join(), /no class can be 50 times rarer than the others here: the smallest has 30/);
});
