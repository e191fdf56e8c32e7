/**
 * Where runs and measurements lie by their hash: runs/HASH (a run folder), selections/HASH.json, cache/ (what enters tuned spans).
 * What is there is not computed again, whoever computed it; what another process computes right now is waited for.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readRunRecord } from '../comparison/run-record.js';
import { stringifyConfig } from '../config/load.js';
import type { RunConfig } from '../config/schema.js';
import { Interrupted, SpantuneError } from '../errors.js';
import { makeFolders, readJson, writeFileWhole } from '../files.js';
import { isLock, takeLock } from '../lock.js';
import { FILES } from '../pipeline/run-folder.js';
import type { SelectResult, TrainResult } from '../pipeline/types.js';
import { beginAttempt, type Outcome, runAttempts, selectionAttempts } from './attempts.js';
import { type Launcher, runChild } from './child.js';
import { hashOf, runIdentity, selectionIdentity } from './identity.js';
import type { Model, TaskSource } from './sources.js';

export interface Store {
  folder: string;
  /** Threads of each child. */
  threads: number;
  launcher: Launcher;
  signal: AbortSignal;
}

/** One piece of work, known by its hash. */
export interface Piece {
  hash: string;
  config: RunConfig;
}

/** What a piece tells while it computes. */
export interface Watch {
  /** Share of the work done, such as `epoch 2/3  loss 0.41`, and the best score so far, a fraction. */
  onProgress?(fraction: number, detail: string, score?: number): void;
  /** What was finished is damaged, as the message says, and is made again. */
  onDamage?(message: string): void;
}

export function runPiece(config: RunConfig, model: Model, task: TaskSource): Piece {
  return { hash: hashOf(runIdentity(config, model, task)), config };
}

export function selectionPiece(config: RunConfig, model: Model, task: TaskSource): Piece {
  return { hash: hashOf(selectionIdentity(config, model, task)), config };
}

const RUNS = 'runs';
const SELECTIONS = 'selections';

export const runFolder = ({ folder }: Pick<Store, 'folder'>, { hash }: Piece) => join(folder, RUNS, hash);
export const selectionFile = ({ folder }: Pick<Store, 'folder'>, { hash }: Piece) =>
  join(folder, SELECTIONS, `${hash}.json`);

/** Throws a `UserError` where a store's folders cannot be made, before the first run finds that out. */
export function makeStore(folder: string): void {
  for (const name of [RUNS, SELECTIONS]) makeFolders(join(folder, name));
}

/**
 * The run's result, if it came to its end and its files are whole: what is damaged is made again. A run whose weights were let go counts
 * unless `weights` asks for them.
 */
export function finishedRun(store: Pick<Store, 'folder'>, piece: Piece, weights: boolean): TrainResult | undefined {
  const folder = runFolder(store, piece);
  const result = readResult<TrainResult>(join(folder, FILES.result));
  return result && damageOf(folder, weights) === undefined ? result : undefined;
}

/** What is wrong with the files of a run that has a result. */
function damageOf(folder: string, weights: boolean): string | undefined {
  try {
    readRunRecord(folder, { weights });
    return undefined;
  } catch (cause) {
    if (cause instanceof SpantuneError) return cause.describe();
    throw cause;
  }
}

export function finishedSelection(store: Pick<Store, 'folder'>, piece: Piece): SelectResult | undefined {
  return readResult<SelectResult>(selectionFile(store, piece));
}

/** The run's result, computed unless it is there. `weights`: whether the tuned weights stay. Throws what the child throws. */
export async function ensureRun(store: Store, piece: Piece, weights: boolean, watch: Watch = {}): Promise<TrainResult> {
  const folder = runFolder(store, piece);
  return whenMine(
    store,
    `${folder}.lock`,
    () => finishedRun(store, piece, weights),
    async () => {
      const damage = existsSync(join(folder, FILES.result)) ? damageOf(folder, weights) : undefined;
      if (damage) watch.onDamage?.(damage);
      const file = join(folder, 'cell.yaml');
      const end = beginAttempt(runAttempts(folder));
      const result = await attempt(end, async () => {
        writeFileWhole(file, stringifyConfig(placed(piece.config, store)));
        const words = ['train', file, '--output', folder, '--overwrite', '--json'];
        return runChild<TrainResult>(words, { ...store, onLine: listen(watch, () => scoreSoFar(folder)) });
      });
      rmSync(file, { force: true });
      if (!weights) rmSync(join(folder, FILES.tuned), { force: true });
      return result;
    },
  );
}

/** The measurement, made unless it is there. */
export async function ensureSelection(store: Store, piece: Piece, watch: Watch = {}): Promise<SelectResult> {
  const target = selectionFile(store, piece);
  return whenMine(
    store,
    `${target}.lock`,
    () => finishedSelection(store, piece),
    async () => {
      const file = target.replace(/json$/, 'yaml');
      // Several arms may come of it, each with states of its own: runs cache what they read.
      const config = { ...piece.config, cache: { ...piece.config.cache, prefix: false } };
      writeFileWhole(file, stringifyConfig(placed(config, store)));
      const result = await attempt(beginAttempt(selectionAttempts(target)), async () => {
        const options = { ...store, onLine: listen(watch) };
        const measured = await runChild<SelectResult>(['select', '--config', file, '--json'], options);
        writeFileWhole(target, `${JSON.stringify(measured, null, 2)}\n`);
        return measured;
      });
      rmSync(file, { force: true });
      return result;
    },
  );
}

/** The configuration as the child gets it: its threads, and the cache that all runs share. */
function placed(config: RunConfig, { folder, threads }: Store): RunConfig {
  const cache = { ...config.cache, folder: config.cache.folder ?? join(folder, 'cache') };
  return { ...config, cache, engine: { ...config.engine, threads } };
}

async function attempt<T>(end: (outcome: Outcome) => void, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    end('done');
    return result;
  } catch (error) {
    end(error instanceof Interrupted ? 'interrupted' : 'failed');
    throw error;
  }
}

/** Makes the thing under its lock, or waits until another process has made it. */
async function whenMine<T>(
  store: Store,
  lockFile: string,
  look: () => T | undefined,
  make: () => Promise<T>,
): Promise<T> {
  makeFolders(dirname(lockFile));
  for (;;) {
    const there = look();
    if (there) return there;
    const lock = takeLock(lockFile);
    if (isLock(lock)) {
      try {
        return look() ?? (await make());
      } finally {
        lock.release();
      }
    }
    await pause(500, store.signal);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new Interrupted());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

function readResult<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return readJson(file) as T;
  } catch (cause) {
    if (cause instanceof SpantuneError) return undefined;
    throw cause;
  }
}

/** The best score that the run's log tells so far, a fraction. */
function scoreSoFar(folder: string): number | undefined {
  try {
    const lines = readFileSync(join(folder, FILES.metrics), 'utf8').split('\n');
    const last = lines.findLast((line) => line.includes('"best":true'));
    const score = last && (JSON.parse(last) as { evaluation?: { score?: number } }).evaluation?.score;
    return typeof score === 'number' ? score : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the child's progress lines, such as `tune  full  62 %  epoch 2/3  loss 0.41`. */
function listen({ onProgress }: Watch, best?: () => number | undefined): ((line: string) => void) | undefined {
  if (!onProgress) return undefined;
  return (line) => {
    const match = /^(?:tune|select {2}states)\s.*?([\d.]+) %\s*(.*)$/.exec(line);
    if (match) onProgress(Number(match[1]) / 100, match[2], best?.());
  };
}
