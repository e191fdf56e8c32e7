/**
 * Our side of "the same losses": tunes all of a model without dropout for some steps, and writes what the peer needs to do the
 * same (initial classifier, batches, learning rates) beside our losses.
 *
 *     node --import tsx benchmarks/losses.ts --model DIR --task mrpc --data DIR --exchange FOLDER [--steps 100]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHuggingFace } from '../src/checkpoint/names.js';
import { writeSafetensors } from '../src/checkpoint/write.js';
import { resolveConfig } from '../src/config/load.js';
import { openTask } from '../src/data/tasks.js';
import type { Batch } from '../src/data/types.js';
import { readAll } from '../src/engine/moved.js';
import { openEngine } from '../src/engine/open.js';
import type { EngineName } from '../src/engine/types.js';
import { Interrupted } from '../src/errors.js';
import { attach } from '../src/pipeline/attach.js';
import { resolveTuning } from '../src/pipeline/imported.js';
import { openModel } from '../src/pipeline/model.js';
import { readRunData } from '../src/pipeline/run-data.js';
import { train } from '../src/training/loop.js';
import { commandLine, oneOf, path, positive, text, whole } from './command.js';

const values = commandLine(import.meta.url, {
  model: path(),
  task: text('mrpc'),
  data: path(),
  exchange: { needed: true },
  steps: whole('100'),
  threads: whole('2'),
  'learning-rate': positive('3e-5'),
  engine: oneOf('compiled', 'tensorflow', 'cpu'),
});
const steps = Number(values.steps);
const config = resolveConfig({
  model: values.model,
  task: { name: values.task, data: values.data },
  arm: 'full',
  classifier: { dropout: 0 },
  training: { learningRate: Number(values['learning-rate']), dropout: { hidden: 0, attention: 0 } },
});
const quiet = { log() {}, progress() {} };
const model = openModel(config.model);
const engine = await openEngine(values.engine as EngineName, { threads: Number(values.threads) });
const data = readRunData(openTask(config.task), model, config, quiet);
const arm = { bottom: 1, top: model.config.layers, head: model.config.layers };
const { spec, state } = attach(engine, model, data.task, arm, resolveTuning(config, model.config).config, quiet);

mkdirSync(values.exchange, { recursive: true });
const head = [...(await readAll(state.parameters))].filter(([name]) => name.startsWith('classifier.'));
writeSafetensors(
  join(values.exchange, 'head.safetensors'),
  head.map(([name, tensor]) => [toHuggingFace(model.config.family, name), tensor] as const),
);

const lines: string[] = [];
const rows = <T extends number>(batch: Batch, array: ArrayLike<T>) =>
  Array.from({ length: batch.rows }, (_, row) => Array.from(array).slice(row * batch.length, (row + 1) * batch.length));
function* recorded(epoch: number): Generator<Batch> {
  for (const batch of data.training.batches(epoch)) {
    if (lines.length < steps) {
      const labels = Array.from(batch.examples, (example) => (example < 0 ? 0 : data.training.labels[example]));
      lines.push(
        JSON.stringify({
          ids: rows(batch, batch.ids),
          types: rows(batch, batch.typeIds),
          mask: rows(batch, batch.attentionMask),
          weights: Array.from(batch.weights),
          labels,
        }),
      );
    }
    yield batch;
  }
}

const losses: number[] = [];
const gradientNorms: number[] = [];
const learningRate: number[] = [];
const options = { ...config.training, clipNorm: 0, best: 'last' as const, seed: 1 };
try {
  await train(engine, spec, state, { ...data.training, batches: recorded }, options, {
    evaluate: async () => ({ score: 0, metrics: {} }),
    onStep(report) {
      losses.push(report.loss);
      gradientNorms.push(report.gradientNorm);
      learningRate.push(report.learningRate);
    },
    stop: () => losses.length >= steps,
  });
} catch (error) {
  if (!(error instanceof Interrupted)) throw error;
}
const { beta1, beta2, epsilon, weightDecay } = config.training;
const recipe = { learningRate, beta1, beta2, epsilon, weightDecay, clipNorm: null, pooling: config.classifier.pooling };
writeFileSync(join(values.exchange, 'batches.jsonl'), `${lines.join('\n')}\n`);
writeFileSync(join(values.exchange, 'recipe.json'), JSON.stringify(recipe));
writeFileSync(join(values.exchange, 'ours.json'), JSON.stringify({ losses, gradientNorms }));
console.log(`${losses.length} steps, loss ${losses[0].toFixed(4)} … ${losses.at(-1)?.toFixed(4)}`);
await engine.close();
