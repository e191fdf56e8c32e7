/** The cost account of whole runs: operations of the batches as they are made, counts, the speed of inference. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Block } from '../../src/config/layers.js';
import { evaluationBatches } from '../../src/data/batches.js';
import { openTask } from '../../src/data/tasks.js';
import type { Encoded } from '../../src/data/types.js';
import {
  addLoad,
  batchLoad,
  type FlopOptions,
  inferenceFlops,
  type Load,
  NO_LOAD,
  prefixFlops,
  selectionFlops,
  stepFlops,
} from '../../src/model/flops.js';
import { openModel } from '../../src/pipeline/model.js';
import { type RunData, readRunData } from '../../src/pipeline/run-data.js';
import type { RunResult } from '../../src/pipeline/run-folder.js';
import { configOf, pairs, quiet, readMetrics, temporary, trained, write, writeModel, writeTopics } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'topics'), { train: 70, dev: 40 });
const encoder = openModel(model).config;

/** Real batches, counted one by one. */
const loadOf = (batches: Iterable<{ rows: number; length: number }>): Load => {
  let load = NO_LOAD;
  for (const { rows, length } of batches) load = addLoad(load, batchLoad(rows, length));
  return load;
};
const passOver = (encoded: Encoded[], { pad }: RunData) =>
  loadOf(evaluationBatches(encoded, { batchSize: 32, padId: pad.padId, maxLength: pad.maxLength }));

interface Ran {
  result: RunResult;
  data: RunData;
  output: string;
}

let runs = 0;
async function run(values: Block): Promise<Ran> {
  const config = configOf({ model, task, ...values });
  const output = join(folder, 'runs', String(runs++));
  const result = await trained(config, output);
  return { result, data: readRunData(openTask(config.task), openModel(model), config, quiet), output };
}

const OPTIONS: FlopOptions = { tuning: 'fine-tune', classifier: 'mlp', classes: 2, headTokens: 'all' };

test('without cache or selection: every batch of every epoch, and dev once an epoch', async () => {
  const { result, data } = await run({ arm: 'full', training: { epochs: 3 }, classifier: { pooling: 'first' } });
  const options = { ...OPTIONS, headTokens: 'first' as const };
  const training = [0, 1, 2].reduce((sum, epoch) => addLoad(sum, loadOf(data.training.batches(epoch))), NO_LOAD);
  const dev = passOver(data.devEncoded, data);
  const { arm, cost } = result;
  assert.equal(
    cost.trainingFlops,
    stepFlops(encoder, arm, training, options) + 3 * inferenceFlops(encoder, arm, dev, options),
  );
  const mean = data.devEncoded.reduce((sum, { ids }) => sum + ids.length, 0) / 40;
  assert.equal(cost.inferenceFlops, Math.round(inferenceFlops(encoder, arm, batchLoad(1, mean), options)));
  assert.equal(cost.storedParameters, result.totalParameters);
  assert.deepEqual([result.trainExamples, result.devExamples, result.heldOutScore], [70, 40, undefined]);
});

test('patience and accumulation: the steps that were made, and the evaluations', async () => {
  const training = { epochs: 6, accumulation: 2, evaluate: 2, patience: 1, learningRate: 1e-7, best: 'score' };
  const { result, data, output } = await run({ arm: 'full', training });
  const { steps, evaluations } = readMetrics(output);
  // Five batches an epoch, three steps; it ends inside an epoch.
  assert.ok(steps.length < 18 && steps.length % 3 !== 0, String(steps.length));
  let load = NO_LOAD;
  for (let left = steps.length, epoch = 0; left > 0; left -= 3, epoch++) {
    load = addLoad(load, loadOf([...data.training.batches(epoch)].slice(0, 2 * left)));
  }
  const dev = passOver(data.devEncoded, data);
  assert.equal(
    result.cost.trainingFlops,
    stepFlops(encoder, result.arm, load, OPTIONS) +
      evaluations.length * inferenceFlops(encoder, result.arm, dev, OPTIONS),
  );
});

test('a cache is filled once, from the pass that measures ν where it may; without room the prefix runs every time', async () => {
  const shared = { arm: 'top-1', training: { epochs: 2, cleanSplit: 0.2 } };
  const { result, data } = await run(shared);
  const { arm } = result;
  const steps = [0, 1].reduce((sum, epoch) => addLoad(sum, loadOf(data.training.batches(epoch))), NO_LOAD);
  const [train, heldOut, dev] = [data.trainEncoded, data.selectionEncoded, data.devEncoded].map((split) =>
    passOver(split, data),
  );
  const evaluated = addLoad(dev, heldOut, 2);
  const span =
    stepFlops(encoder, arm, steps, { ...OPTIONS, cached: true }) +
    inferenceFlops(encoder, arm, evaluated, { ...OPTIONS, cached: true });
  const filled = prefixFlops(encoder, arm, addLoad(addLoad(train, heldOut), dev));
  assert.equal(result.cost.trainingFlops, span + filled);

  // States that another run left count as if they were computed here.
  const kept = { ...shared, cache: { folder: join(folder, 'kept') } };
  await run(kept);
  const warm = await run(kept);
  assert.ok(warm.result.cache?.splits.every(({ source }) => source === 'file'));
  assert.equal(warm.result.cost.trainingFlops, result.cost.trainingFlops);

  const roomless = await run({ ...shared, cache: { memoryBytes: 0, diskBytes: 0 } });
  const every = prefixFlops(encoder, arm, addLoad(steps, evaluated));
  assert.equal(roomless.result.cost.trainingFlops, span + every);
  const off = await run({ ...shared, cache: { prefix: false } });
  assert.equal(off.result.cost.trainingFlops, span + every);
  assert.equal(result.heldOutScore, off.result.heldOutScore);
  assert.ok((result.heldOutScore ?? 0) > 0);
  assert.equal(result.trainExamples, data.trainExamples.length);

  // Head only at a chosen layer: the pass that measures keeps what train needs.
  const chosen = await run({ arm: 'head-only', training: { epochs: 2 } });
  const all = passOver(chosen.data.trainEncoded, chosen.data);
  const onDev = passOver(chosen.data.devEncoded, chosen.data);
  const order = [0, 1].reduce((sum, epoch) => addLoad(sum, loadOf(chosen.data.training.batches(epoch))), NO_LOAD);
  const cached = { ...OPTIONS, cached: true };
  assert.deepEqual(
    chosen.result.cache?.splits.map(({ source }) => source),
    ['select', 'computed'],
  );
  assert.equal(
    chosen.result.cost.trainingFlops,
    selectionFlops(encoder, all) +
      prefixFlops(encoder, chosen.result.arm, onDev) +
      stepFlops(encoder, chosen.result.arm, order, cached) +
      2 * inferenceFlops(encoder, chosen.result.arm, onDev, cached),
  );
});

test('MNLI’s second dev set is in no cache: it goes through the prefix once', async () => {
  const rows = (count: number, seed: number) => {
    const labelled = pairs(count, seed).map(([first, second, alike]) => [first, second, alike]);
    return [['premise', 'hypothesis', 'label'], ...labelled];
  };
  const glue = join(folder, 'glue');
  write(join(glue, 'MNLI/train.tsv'), rows(40, 1));
  write(join(glue, 'MNLI/dev_matched.tsv'), rows(20, 2));
  write(join(glue, 'MNLI/dev_mismatched.tsv'), rows(35, 3));
  const { result, data } = await run({ arm: 'top-1', task: { name: 'mnli', data: glue }, training: { epochs: 1 } });
  const { arm } = result;
  const [train, matched] = [data.trainEncoded, data.devEncoded].map((split) => passOver(split, data));
  const mismatched = passOver(data.mismatched()?.encoded ?? [], data);
  const options = { ...OPTIONS, classes: 3, cached: true };
  const dev = addLoad(matched, mismatched);
  assert.equal(
    result.cost.trainingFlops,
    prefixFlops(encoder, arm, addLoad(train, dev)) +
      stepFlops(encoder, arm, loadOf(data.training.batches(0)), options) +
      inferenceFlops(encoder, arm, dev, options),
  );
  assert.equal(result.devExamples, 55);
});

test('inference is timed where that is asked for, and changes no other number', async () => {
  const shared = { arm: 'top-1', training: { epochs: 1 } };
  const { result } = await run(shared);
  assert.equal(result.inference, undefined);
  const { result: timed } = await run({ ...shared, measureInference: true });
  const { latency = 0, throughput = 0 } = timed.inference ?? {};
  for (const figure of [latency, throughput]) assert.ok(figure > 0 && Number.isFinite(figure));
  assert.deepEqual([timed.metrics, timed.cost], [result.metrics, result.cost]);
});
