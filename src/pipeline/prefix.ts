/** The frozen-prefix cache of a run: which splits it holds, where, and under which identity. */

import { engineLabel } from '../config/engine-label.js';
import type { RunConfig } from '../config/schema.js';
import type { Encoded } from '../data/types.js';
import type { ArmRequest, Triple } from '../selection/arms.js';
import { createPrefixCache, describeCache, type PrefixCache } from '../training/prefix/cache.js';
import { prepareFolder } from '../training/prefix/folder.js';
import { createKeeper, type Keeper } from '../training/prefix/keep.js';
import { prefixStart, type Start } from '../training/prefix/start.js';
import { armIfAny } from './arm.js';
import { engineOf } from './engine.js';
import { environment } from './environment.js';
import type { OpenModel } from './model.js';
import type { RunData } from './run-data.js';
import type { CacheResult, Reporter } from './types.js';

export interface RunPrefixCache extends PrefixCache {
  readonly start: Start;
  /** For result.json. */
  result(): CacheResult;
}

/** Makes the folder of caches that persist. Throws a `UserError` where that cannot be. */
export function prepareCache({ cache: { prefix, folder } }: RunConfig): void {
  if (prefix && folder !== null) prepareFolder(folder);
}

/**
 * Computes what enters the span of every split that the run reads; undefined where the arm has no prefix, or none is wanted. The
 * prefix's parameters are given back before the span's are loaded. What `keeper` has of it is not computed again.
 */
export async function fillPrefixCache(
  model: OpenModel,
  arm: Triple,
  data: RunData,
  config: RunConfig,
  output: string,
  reporter: Reporter,
  keeper?: Keeper,
): Promise<RunPrefixCache | undefined> {
  const start = prefixStart(arm);
  if (!config.cache.prefix || !start) {
    keeper?.close();
    return undefined;
  }
  const cache = cacheOf(model, start, config, output, data, reporter);
  try {
    await cache.fill('train', data.trainEncoded, keeper?.take(start));
    await cache.fill(data.selectionName, data.selectionEncoded);
    if (data.devEncoded !== data.selectionEncoded) await cache.fill('dev', data.devEncoded);
    await cache.release();
  } catch (failure) {
    await cache.close();
    throw failure;
  }
  reporter.log('debug', describeCache(start, cache.splits));
  const { precision } = config.cache;
  return { ...cache, start, result: () => ({ ...start, precision, splits: [...cache.splits] }) };
}

/**
 * Leaves in `cache.folder` what the arm starts from of the rows that were measured, so that a run that trains on them with the same arm finds
 * it there. Computes nothing: what `keeper` has not is left to that run.
 */
export async function leavePrefix(
  model: OpenModel,
  arm: Triple,
  encoded: Encoded[],
  config: RunConfig,
  data: Pick<RunData, 'pad' | 'warnings'>,
  reporter: Reporter,
  keeper: Keeper,
): Promise<void> {
  const start = prefixStart(arm);
  const ready = keeper.take(start);
  if (!start || !ready) return;
  const cache = cacheOf(model, start, config, config.cache.folder ?? '.', data, reporter);
  try {
    await cache.fill('train', encoded, ready);
    reporter.log('debug', describeCache(start, cache.splits));
  } finally {
    await cache.close();
  }
}

function cacheOf(
  model: OpenModel,
  start: Start,
  config: RunConfig,
  temporary: string,
  { pad, warnings }: Pick<RunData, 'pad' | 'warnings'>,
  reporter: Reporter,
): PrefixCache {
  const { precision, memoryBytes, diskBytes, folder } = config.cache;
  return createPrefixCache({
    openEngine: () => engineOf(config),
    load: (layers) => model.load(layers).parameters,
    config: model.config,
    start,
    pooling: config.classifier.pooling,
    identity: {
      // Only caches that persist are ever looked up.
      model: folder === null ? '' : model.hash,
      tokenizer: model.tokenizer.hash,
      maxLength: pad.maxLength,
      precision,
      environment: machine(engineLabel(config.engine)),
    },
    room: { memoryBytes, diskBytes, folder, temporary, inUse: new Set() },
    padId: pad.padId,
    onProgress: (subject, done, total) => reporter.progress({ phase: 'cache', subject, done, total }),
    onWarning: (message) => warnings.push(message),
  });
}

/** Keeps, while layers are measured, what the arm may start from; undefined where that is nothing, or the room is short. */
export function keepPrefix(
  request: ArmRequest,
  model: OpenModel,
  split: readonly Encoded[],
  config: RunConfig,
  folder: string,
): Keeper | undefined {
  const { prefix, precision, diskBytes } = config.cache;
  if (!prefix) return undefined;
  return createKeeper({
    starts: possibleStarts(request, model.config.layers, config),
    split,
    width: model.config.hidden,
    pooling: config.classifier.pooling,
    precision,
    diskBytes,
    folder,
  });
}

/** Where the arm would start for each layer that may be the chosen one. */
function possibleStarts(request: ArmRequest, layers: number, { selection, seed }: RunConfig): Start[] {
  const starts = new Map<number, Start>();
  for (let best = 1; best <= layers; best++) {
    const nu = Array.from({ length: layers }, (_, index) => (index + 1 === best ? 0 : 1));
    const arm = armIfAny(request, { layers, nu, range: selection.range, seed });
    const start = arm && prefixStart(arm);
    if (start) starts.set(start.layer, start);
  }
  return [...starts.values()];
}

/** The run's data with training batches that are read from the cache. */
export function withPrefix(data: RunData, cache: PrefixCache | undefined): RunData {
  if (!cache) return data;
  return { ...data, training: { ...data.training, inputs: cache.inputs(data.trainEncoded) } };
}

/** What two runs must share for their states to be equal to the last bit. */
function machine(engine: string): string {
  const { onnxruntime, tensorflow, platform, cpu, instructions } = environment(engine, 1);
  return JSON.stringify({ engine, onnxruntime, tensorflow, platform, cpu, instructions });
}
