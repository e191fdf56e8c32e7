/** Small runs: as records, and as the folders that training would have left. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../src/checkpoint/write.js';
import { resolveConfig, stringifyConfig } from '../../src/config/load.js';
import type { Task } from '../../src/data/types.js';
import { score } from '../../src/metrics/score.js';
import { renderPredictionRows } from '../../src/pipeline/predictor.js';
import { stream } from '../../src/random.js';
import type { Triple } from '../../src/selection/arms.js';

export const LAYERS = 6;
export const TASKS: Record<string, Task> = {
  mrpc: {
    name: 'mrpc',
    kind: 'classification',
    labels: ['not_equivalent', 'equivalent'],
    metrics: ['f1', 'accuracy'],
    pair: true,
    positiveLabel: 'equivalent',
  },
  rte: {
    name: 'rte',
    kind: 'classification',
    labels: ['entailment', 'not_entailment'],
    metrics: ['accuracy'],
    pair: true,
  },
  mnli: {
    name: 'mnli',
    kind: 'classification',
    labels: ['entailment', 'neutral', 'contradiction'],
    metrics: ['accuracy'],
    pair: true,
  },
  stsb: { name: 'stsb', kind: 'regression', labels: [], metrics: ['pearson', 'spearman'], pair: true },
};
export const GLUE = ['cola', 'sst2', 'mrpc', 'qqp', 'stsb', 'mnli', 'qnli', 'rte', 'wnli'];

/** One of the tasks above, or one like RTE of any name. */
export const taskOf = (name: string): Task => TASKS[name] ?? { ...TASKS.rte, name };

export interface RunSpec {
  task?: string;
  /** A preset's name; its layers stand in `TRIPLES` unless told. */
  arm?: string;
  triple?: Triple;
  seed?: number;
  learningRate?: number;
  tuning?: string | Record<string, unknown>;
  /** Share of predictions that are right, or 1 minus the noise of scores. */
  quality?: number;
  model?: string;
  hash?: string;
  examples?: number;
  epochs?: number;
  /** MNLI's second dev set. */
  mismatched?: boolean;
  /** What is predicted, whatever `quality` says. */
  constant?: number;
  /** Draws other labels of dev. */
  dev?: number;
}

export const TRIPLES: Record<string, Triple> = {
  full: { bottom: 1, top: 6, head: 6 },
  'top-2': { bottom: 5, top: 6, head: 6 },
  'selected-2': { bottom: 3, top: 4, head: 4 },
  'head-only': { bottom: null, top: null, head: 4 },
};

/** What a run of this kind predicts on dev: labels, and the outputs of a model. */
function dev(spec: RunSpec, split: string): { gold: number[]; outputs: number[][] } {
  const { task = 'mrpc', arm = 'full', seed = 1, quality = 0.8, examples = 60, constant } = spec;
  const definition = taskOf(task);
  const labels = stream(spec.dev ?? 0, 'labels', task, split);
  const random = stream('outputs', task, split, arm, seed, spec.learningRate ?? 0);
  const classes = definition.labels.length;
  const gold = Array.from({ length: examples }, () => (classes > 0 ? labels.integer(classes) : labels.integer(21) / 4));
  const outputs = gold.map((label) => {
    if (classes === 0) return [constant ?? label + 3 * (1 - quality) * random.normal()];
    const right = random.uniform() < quality;
    const predicted = constant ?? (right ? label : (label + 1 + random.integer(classes - 1)) % classes);
    return Array.from({ length: classes }, (_, id) => (id === predicted ? 1 : 0));
  });
  return { gold, outputs };
}

const decided = (task: Task, outputs: number[][]) =>
  outputs.map((row) => (task.kind === 'regression' ? row[0] : row.indexOf(Math.max(...row))));

/** Writes the folder of such a run, as `spantune train` leaves it; the weights are empty. Returns the folder. */
export function writeRun(folder: string, spec: RunSpec = {}): string {
  const { task = 'mrpc', arm = 'full', seed = 1, learningRate = 3e-5, tuning = 'fine-tune', epochs = 2 } = spec;
  const definition = taskOf(task);
  const first = dev(spec, 'dev');
  const second = task === 'mnli' && spec.mismatched !== false ? dev(spec, 'dev_mismatched') : undefined;
  const scored = (part: { gold: number[]; outputs: number[][] }) =>
    score(definition, decided(definition, part.outputs), part.gold);
  const { metrics, score: own } = scored(first);
  const more = second && scored(second);
  const config = resolveConfig(
    {
      model: 'models/en-12x192',
      task: { name: task, data: 'data/glue' },
      arm: spec.triple ? { name: arm, ...spec.triple } : arm,
      tuning,
      seed,
      training: { learningRate, epochs },
    },
    { checkPaths: false },
  );
  const triple = spec.triple ?? TRIPLES[arm];
  const result = {
    task,
    model: spec.model ?? 'en-12x192',
    arm: { name: arm, ...triple },
    tuning: config.tuning,
    layers: LAYERS,
    trainableParameters: 1000 * (triple.bottom === null ? 1 : 1 + triple.head - triple.bottom),
    totalParameters: 10_000,
    metrics: {
      ...metrics,
      score: more ? (own + more.score) / 2 : own,
      ...(more ? { accuracy_mismatched: more.metrics.accuracy } : {}),
    },
    bestEpoch: epochs,
    epochs,
    trainExamples: 100,
    devExamples: first.gold.length + (second?.gold.length ?? 0),
    cost: { trainingFlops: 1e9 * (seed + 1), inferenceFlops: 1e6, storedParameters: 9000 },
    inference: { latency: 2 + seed, throughput: 100 },
    seconds: { read: 1, tune: 10 + seed, evaluate: 1, total: 12 + seed },
    peakMemory: 1e8 + seed,
    seed,
    padding: 0,
    truncated: 0,
    environment: { spantune: '0.1.0', threads: 1 },
    warnings: [],
    definition,
    baseHash: spec.hash ?? 'aaaaaaaabbbbbbbb',
  };
  const rows = ({ gold, outputs }: { gold: number[]; outputs: number[][] }) =>
    renderPredictionRows(
      definition,
      gold.map((label, line) => ({ text: '', label, line })),
      outputs,
    );
  const log = Array.from({ length: epochs }, (_, at) => [
    { step: at + 1, epoch: at + 1, loss: at === 1 ? Number.NaN : 0.5, learningRate, gradientNorm: 1, seconds: at },
    { step: at + 1, epoch: at + 1, split: 'dev', evaluation: { ...metrics, score: own }, best: true },
  ]).flat();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.yaml'), stringifyConfig(config));
  writeFileSync(join(folder, 'metrics.jsonl'), log.map((line) => `${JSON.stringify(line)}\n`).join(''));
  writeFileSync(join(folder, 'predictions.tsv'), rows(first));
  if (second) writeFileSync(join(folder, 'predictions_mismatched.tsv'), rows(second));
  writeSafetensors(join(folder, 'tuned.safetensors'), [['classifier.bias', { shape: [2], data: new Float32Array(2) }]]);
  writeFileSync(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  return folder;
}
