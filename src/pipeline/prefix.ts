/** The frozen-prefix cache of a run: which splits it holds, where, and under which identity. */
import type { RunConfig } from '../config/schema.js';
import { defaultThreads, openEngine } from '../engine/open.js';
import type { Triple } from '../selection/arms.js';
import { createPrefixCache, describeCache, type PrefixCache } from '../training/prefix/cache.js';
import { prepareFolder } from '../training/prefix/folder.js';
import { prefixStart, type Start } from '../training/prefix/start.js';
import { environment } from './environment.js';
import type { OpenModel } from './model.js';
import type { RunData } from './run-data.js';
import type { CacheResult, Reporter } from './types.js';

export interface RunPrefixCache extends PrefixCache {
  readonly start: Start;
  /** For result.json. */
  result(): CacheResult;
}

/**
 * Computes what enters the span of every split that the run reads; undefined where the arm has no prefix, or none is wanted. The
 * prefix's parameters are given back before the span's are loaded.
 */
export async function fillPrefixCache(
  model: OpenModel,
  arm: Triple,
  data: RunData,
  config: RunConfig,
  output: string,
  reporter: Reporter,
): Promise<RunPrefixCache | undefined> {
  const start = prefixStart(arm);
  if (!config.cache.prefix || !start) return undefined;
  const { precision, memoryBytes, diskBytes, folder } = config.cache;
  const { name, threads, cacheBytes } = config.engine;
  if (folder !== null) prepareFolder(folder);
  const cache = createPrefixCache({
    openEngine: () => openEngine(name, { threads: threads ?? defaultThreads(), cacheBytes }),
    load: (layers) => model.load(layers).parameters,
    config: model.config,
    start,
    pooling: config.classifier.pooling,
    identity: {
      // Only caches that persist are ever looked up.
      model: folder === null ? '' : model.hash,
      tokenizer: model.tokenizer.hash,
      maxLength: data.pad.maxLength,
      precision,
      environment: machine(name),
    },
    room: { memoryBytes, diskBytes, folder, temporary: output, inUse: new Set() },
    padId: data.pad.padId,
    onProgress: (subject, done, total) => reporter.progress({ phase: 'cache', subject, done, total }),
    onWarning: (message) => data.warnings.push(message),
  });
  try {
    await cache.fill('train', data.trainEncoded);
    await cache.fill(data.selectionName, data.selectionEncoded);
    if (data.devEncoded !== data.selectionEncoded) await cache.fill('dev', data.devEncoded);
    await cache.release();
  } catch (failure) {
    await cache.close();
    throw failure;
  }
  reporter.log('debug', describeCache(start, cache.splits));
  return { ...cache, start, result: () => ({ ...start, precision, splits: [...cache.splits] }) };
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
