/** What the training tests share: the tiny BERT of the model fixtures with a classifier, and batches of token ids. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { makeBatch } from '../../src/data/batches.js';
import type { Encoded } from '../../src/data/types.js';
import { readAll } from '../../src/engine/moved.js';
import type { Engine } from '../../src/engine/types.js';
import { initialiseHead } from '../../src/model/initialise.js';
import type { Pooling } from '../../src/model/inputs.js';
import { trainableNames } from '../../src/model/parameters.js';
import { type DropoutOptions, layerRates } from '../../src/model/rates.js';
import type { ClassifierKind } from '../../src/model/shapes.js';
import { stream } from '../../src/random.js';
import type { Triple } from '../../src/selection/arms.js';
import type { LoopOptions, TrainingData } from '../../src/training/loop.js';
import type { ModelSpec } from '../../src/training/programs.js';
import { createState, type TrainingState } from '../../src/training/state.js';
import { FIXTURES } from '../model/support.js';

export const BERT = join(FIXTURES, 'bert');
export const FULL: Triple = { bottom: 1, top: 3, head: 3 };
export const ENGINES = ['compiled', 'cpu'] as const;

export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(FIXTURES, '../training', `${name}.json`), 'utf8')) as T;
}

export interface TinyOptions {
  arm?: Triple;
  classes?: number;
  kind?: 'classification' | 'regression';
  pooling?: Pooling;
  classifier?: ClassifierKind;
  /** Dropout of everything that is tuned; none unless told. */
  dropout?: number;
  seed?: number;
}

/** The fixture's three layers of width 32 up to the arm's head, with a fresh classifier. */
export function tiny(engine: Engine, options: TinyOptions = {}): { spec: ModelSpec; state: TrainingState } {
  const {
    arm = FULL,
    classes = 2,
    kind = 'classification',
    pooling = 'first',
    classifier = 'mlp',
    dropout: rate = 0,
    seed = 1,
  } = options;
  const { config, parameters } = loadEncoder(BERT, { layers: arm.head });
  const dropout: DropoutOptions = { hidden: rate, attention: rate };
  for (const [name, tensor] of initialiseHead(config, { classes, classifier }, seed)) parameters.set(name, tensor);
  const spec: ModelSpec = {
    config,
    head: arm.head,
    pooling,
    classifier,
    kind,
    classes,
    rates: layerRates(config, arm, 'fine-tune', dropout),
    classifierRate: rate,
    frozen: arm.bottom === null,
  };
  const trainable = trainableNames(config, arm, { tuning: 'fine-tune', classifier });
  return { spec, state: createState(engine, parameters, trainable) };
}

/** Batches of a plan, the same in every epoch, padded to `rows`. */
export function dataOf(
  rows: number[][],
  labels: number[],
  { plan, batchRows = Math.max(...plan.map(({ length }) => length)) }: { plan: number[][]; batchRows?: number },
): TrainingData {
  const encoded: Encoded[] = rows.map((ids) => {
    const special = new Uint8Array(ids.length);
    special[0] = 1;
    special[ids.length - 1] = 1;
    return { ids: Int32Array.from(ids), typeIds: new Uint8Array(ids.length), special, truncated: false };
  });
  return {
    labels,
    batchesPerEpoch: plan.length,
    *batches() {
      for (const indices of plan) {
        const length = Math.max(...indices.map((i) => rows[i].length));
        yield makeBatch(encoded, indices, { rows: batchRows, length, padId: 0 });
      }
    },
  };
}

/** Inputs of 4 to 12 tokens, drawn from a class's own half of the vocabulary; the score is the share of the second half, times 3. */
export function toyRows(count: number, kind: 'classification' | 'regression', seed = 1) {
  const random = stream(seed, 'toy');
  const labels: number[] = [];
  const rows = Array.from({ length: count }, (_, i) => {
    const length = 4 + random.integer(9);
    const share = kind === 'classification' ? i % 2 : random.uniform();
    let second = 0;
    const ids = Array.from({ length }, () => {
      const high = random.uniform() < share;
      if (high) second++;
      return (high ? 33 : 5) + random.integer(28);
    });
    labels.push(kind === 'classification' ? i % 2 : (3 * second) / length);
    return [2, ...ids, 3];
  });
  return { rows, labels };
}

/** Cuts 0…count − 1 into batches of `size`. */
export function planOf(count: number, size: number): number[][] {
  const plan: number[][] = [];
  for (let at = 0; at < count; at += size) {
    plan.push(Array.from({ length: Math.min(size, count - at) }, (_, i) => at + i));
  }
  return plan;
}

export function optionsOf(options: Partial<LoopOptions> = {}): LoopOptions {
  return {
    epochs: 1,
    accumulation: 1,
    learningRate: 1e-3,
    schedule: 'constant',
    warmup: 0,
    weightDecay: 0,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-6,
    clipNorm: 0,
    evaluate: 'epoch',
    best: 'last',
    patience: null,
    seed: 1,
    ...options,
  };
}

export const noEvaluation = { evaluate: async () => ({ score: 0, metrics: {} }) };

/** Every parameter by name, tuned and frozen. */
export async function parametersOf(state: TrainingState): Promise<Map<string, Float32Array>> {
  const all = [...(await readAll(state.parameters)), ...(await readAll(state.frozen))];
  return new Map(all.map(([name, { data }]) => [name, data]));
}
