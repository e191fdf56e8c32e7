/** What the tests of the frozen-prefix cache share: a tiny split of a model fixture, a cache over it, and runs with and without. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { readEncoderConfig } from '../../src/checkpoint/config.js';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { trainingBatches } from '../../src/data/batches.js';
import type { Encoded } from '../../src/data/types.js';
import { readAll } from '../../src/engine/moved.js';
import { openEngine } from '../../src/engine/open.js';
import { initialiseAdapters, spanAdapters } from '../../src/model/adapters/registry.js';
import { initialiseHead } from '../../src/model/initialise.js';
import type { Pooling } from '../../src/model/inputs.js';
import { trainableNames } from '../../src/model/parameters.js';
import { layerRates } from '../../src/model/rates.js';
import type { Tuning } from '../../src/model/tuning.js';
import { stream } from '../../src/random.js';
import type { Triple } from '../../src/selection/arms.js';
import { type TrainingData, train } from '../../src/training/loop.js';
import { createPrefixCache, type PrefixCache, type PrefixOptions } from '../../src/training/prefix/cache.js';
import type { Precision } from '../../src/training/prefix/key.js';
import type { Room } from '../../src/training/prefix/room.js';
import { firstLayer, prefixStart, type Start } from '../../src/training/prefix/start.js';
import type { ModelSpec } from '../../src/training/programs.js';
import { createState, disposeState } from '../../src/training/state.js';
import { FIXTURES } from '../model/support.js';
import { noEvaluation, optionsOf } from './support.js';

export const LENGTH = 16;
export const SPAN: Triple = { bottom: 2, top: 2, head: 3 };
export const HEAD_ONLY: Triple = { bottom: null, top: null, head: 2 };

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-prefix-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Inputs of 3 to 14 tokens; a pair's second half has the other token type. */
export function splitOf(count: number, { seed = 1, pairs = false } = {}): Encoded[] {
  const random = stream(seed, 'prefix');
  return Array.from({ length: count }, () => {
    const length = 3 + random.integer(12);
    const ids = Int32Array.from({ length }, () => 5 + random.integer(50));
    const typeIds = Uint8Array.from({ length }, (_, i) => (pairs && i > length / 2 ? 1 : 0));
    const special = Uint8Array.from({ length }, (_, i) => (i === 0 || i === length - 1 ? 1 : 0));
    return { ids, typeIds, special, truncated: false };
  });
}

export interface Situation {
  model?: string;
  arm?: Triple;
  tuning?: Tuning;
  pooling?: Pooling;
  engine?: 'compiled' | 'cpu';
  precision?: Precision;
  room?: Partial<Room>;
  onProgress?: PrefixOptions['onProgress'];
}

export const roomOf = (room: Partial<Room> = {}): Room => ({
  memoryBytes: 1e9,
  diskBytes: 1e9,
  folder: null,
  temporary: tmpdir(),
  inUse: new Set(),
  ...room,
});

/** A cache, what it warned of, and how often the prefix was loaded. */
export function cacheOf({
  model = 'bert',
  arm = SPAN,
  pooling = 'first',
  engine = 'compiled',
  precision = 'float32',
  room,
  onProgress,
}: Situation) {
  const folder = join(FIXTURES, model);
  const config = readEncoderConfig(folder);
  const start = prefixStart(arm) as Start;
  const warnings: string[] = [];
  const seen = { loads: 0 };
  const cache = createPrefixCache({
    openEngine: () => openEngine(engine, { threads: 1 }),
    load(layers) {
      seen.loads++;
      return loadEncoder(folder, { layers }).parameters;
    },
    config,
    start,
    pooling,
    identity: { model, tokenizer: 'words', maxLength: LENGTH, precision, environment: engine },
    room: roomOf(room),
    padId: config.padId,
    onProgress,
    onWarning: (message) => warnings.push(message),
  });
  return { cache, warnings, seen, start };
}

export interface Outcome {
  losses: number[];
  norms: number[];
  weights: Map<string, Float32Array>;
}

/** Steps with dropout 0.1 on a split, from its tokens or from a cache. */
export async function stepsOf(
  split: Encoded[],
  situation: Situation & { steps?: number; kind?: 'classification' | 'regression' },
  cache?: PrefixCache,
): Promise<Outcome> {
  const { model = 'bert', arm = SPAN, pooling = 'first', steps = 6, kind = 'classification' } = situation;
  const { tuning = 'fine-tune' } = situation;
  const engine = await openEngine(situation.engine ?? 'compiled', { threads: 1 });
  const start = cache && prefixStart(arm);
  const { config, parameters } = loadEncoder(join(FIXTURES, model), { layers: arm.head, from: firstLayer(start) });
  const classes = kind === 'regression' ? 1 : 2;
  const head = { classes, classifier: 'mlp' as const };
  const fresh = [...initialiseAdapters(config, arm, tuning, 1), ...initialiseHead(config, head, 1)];
  for (const [name, tensor] of fresh) parameters.set(name, tensor);
  const spec: ModelSpec = {
    config,
    head: arm.head,
    pooling,
    classifier: 'mlp',
    kind,
    classes,
    rates: layerRates(config, arm, tuning, { hidden: 0.1, attention: 0.1 }),
    classifierRate: 0.1,
    adapters: spanAdapters(config, arm, tuning),
    frozen: arm.bottom === null,
    start,
  };
  const state = createState(engine, parameters, trainableNames(config, arm, { tuning, classifier: 'mlp' }));
  const batchSize = 8;
  const data: TrainingData = {
    labels: split.map((_, i) => i % 2),
    batchesPerEpoch: Math.ceil(split.length / batchSize),
    batches: (epoch) =>
      trainingBatches(split, { batchSize, order: 'pooled', seed: 1, epoch, padId: config.padId, maxLength: LENGTH }),
    inputs: cache?.inputs(split),
  };
  const losses: number[] = [];
  const norms: number[] = [];
  const options = optionsOf({ epochs: Math.ceil(steps / data.batchesPerEpoch), learningRate: 1e-3 });
  try {
    await train(engine, spec, state, data, options, {
      ...noEvaluation,
      onStep({ loss, gradientNorm }) {
        losses.push(loss);
        norms.push(gradientNorm);
      },
    });
    const tensors = [...(await readAll(state.parameters))];
    return { losses, norms, weights: new Map(tensors.map(([name, { data }]) => [name, data])) };
  } finally {
    disposeState(state);
    await engine.close();
  }
}
