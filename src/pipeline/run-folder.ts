/**
 * A run's folder: config.yaml (resolved), result.json, metrics.jsonl, predictions.tsv (of dev; predictions_mismatched.tsv of MNLI's
 * second dev set) and tuned.safetensors, which holds what was tuned, classifier included, under Hugging Face's names; everything else
 * is in the base model that config.yaml names.
 */
import { accessSync, appendFileSync, constants, existsSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { toHuggingFace } from '../checkpoint/names.js';
import { openSafetensors } from '../checkpoint/safetensors.js';
import { writeSafetensors } from '../checkpoint/write.js';
import { loadConfig, stringifyConfig } from '../config/load.js';
import type { TunedConfig } from '../config/schema.js';
import type { Task } from '../data/types.js';
import { CheckpointError, UserError } from '../errors.js';
import { displayPath, makeFolders, readJson, reason, writeFileWhole } from '../files.js';
import { claimFolder } from '../lock.js';
import type { Family, HostTensor, ParameterName } from '../model/types.js';
import type { TrainResult } from './types.js';

export const FILES = {
  config: 'config.yaml',
  result: 'result.json',
  metrics: 'metrics.jsonl',
  predictions: 'predictions.tsv',
  mismatched: 'predictions_mismatched.tsv',
  tuned: 'tuned.safetensors',
  /** There while a process writes the folder. */
  lock: 'run.lock',
} as const;

const DAMAGED = 'the run is damaged: train it again, or copy its folder again';
const RUN_HINT = 'name the folder that `spantune train` wrote, of a run that came to its end';

/** What result.json holds beside what is printed: all that evaluating and predicting need. */
export interface RunResult extends TrainResult {
  /** What the classes are and how they are scored, so that the training data is not needed again. */
  definition: Task;
  baseHash: string;
}

/** True for a run's folder, finished or not; a model's has a config.json instead. */
export function isRunFolder(folder: string): boolean {
  return existsSync(join(folder, FILES.config)) && !existsSync(join(folder, 'config.json'));
}

/**
 * Reads what a finished run's folder says of it; `weights: false`: of one whose weights may be gone, such as a trial's.
 *
 * @throws UserError, CheckpointError that names the file that is missing or damaged.
 */
export function readRun(folder: string, { weights = true } = {}): { config: TunedConfig; result: RunResult } {
  const stranger = notARun(folder);
  if (stranger !== undefined) throw new UserError(stranger, { file: folder, hint: RUN_HINT });
  if (!existsSync(join(folder, FILES.result))) {
    const hint = `train it to its end: spantune train ${join(folder, FILES.config)} --output ${folder}`;
    throw new CheckpointError(`the run is unfinished: it has no ${FILES.result}`, { file: folder, hint });
  }
  for (const file of weights ? [FILES.config, FILES.tuned] : [FILES.config]) {
    if (!existsSync(join(folder, file)))
      throw new CheckpointError(`the run has no ${file}`, { file: folder, hint: DAMAGED });
  }
  const file = join(folder, FILES.result);
  const result = readJson(file, RUN_HINT) as Partial<RunResult> | null;
  if (
    typeof result?.arm?.head !== 'number' ||
    !Array.isArray(result.definition?.labels) ||
    typeof result.baseHash !== 'string'
  ) {
    throw new CheckpointError('is not the result of a run', { file, hint: RUN_HINT });
  }
  const config = loadConfig(join(folder, FILES.config), { checkPaths: false });
  const { tuning } = config;
  if (tuning !== 'fine-tune' && !('method' in tuning)) {
    throw new CheckpointError('does not say how the run was tuned', {
      file: join(folder, FILES.config),
      hint: RUN_HINT,
    });
  }
  return { config: { ...config, tuning }, result: result as RunResult };
}

/** Why a path is no run's folder, finished or not; undefined where it is one. */
export function notARun(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 'there is no such run folder';
  if (!stat.isDirectory()) return 'is a file, not a run folder';
  if (existsSync(join(path, FILES.config)) || existsSync(join(path, FILES.result))) return undefined;
  if (existsSync(join(path, 'config.json'))) return 'is the folder of a model, not of a run';
  if (existsSync(join(path, 'adapter_config.json'))) return 'is the folder of an exported adapter, not of a run';
  if (existsSync(join(path, 'grid.json')))
    return `holds a grid, not a run: name one of ${displayPath(join(path, 'runs'))}, of which its grid.json says what they are`;
  return `is no run folder: it holds neither ${FILES.config} nor ${FILES.result}`;
}

/**
 * Makes the folder, lest work be done in vain, leaves what stands in it, and keeps other processes from writing there. Returns what
 * gives it back, and takes it away again if it was made here and is still empty. Throws a `UserError` where the folder cannot be
 * written to, or another process is writing there.
 */
export function claimRunFolder(folder: string): () => void {
  const target = resolve(folder);
  let made: string | undefined;
  try {
    made = makeFolders(target);
    accessSync(target, constants.W_OK);
  } catch (cause) {
    const hint = 'name another folder with --output';
    const message = cause instanceof UserError ? cause.message : `cannot be written to: ${reason(cause)}`;
    throw new UserError(message, { file: folder, hint, cause });
  }
  const lock = claimFolder(
    join(target, FILES.lock),
    'another run',
    'wait for it, or name another folder with --output',
  );
  return () => {
    lock.release();
    if (made === undefined) return;
    try {
      for (let at = target; at.length >= made.length; at = dirname(at)) rmdirSync(at);
    } catch {
      // Something stands in it by now.
    }
  };
}

/** Takes an earlier run's files away, its result first, and writes the configuration. */
export function beginRun(folder: string, config: TunedConfig): void {
  const { lock: _, result, ...others } = FILES;
  for (const file of [result, ...Object.values(others)]) rmSync(join(folder, file), { force: true });
  writeFileWhole(join(folder, FILES.config), stringifyConfig(config));
}

/** Adds a line to metrics.jsonl. */
export function appendMetrics(folder: string, line: object): void {
  appendFileSync(join(folder, FILES.metrics), `${JSON.stringify(line)}\n`);
}

export function writeTuned(
  folder: string,
  family: Family,
  tensors: Iterable<readonly [ParameterName, HostTensor<Float32Array>]>,
  metadata: Record<string, string>,
): void {
  const named = [...tensors].map(([name, tensor]) => [toHuggingFace(family, name), tensor] as const);
  writeSafetensors(join(folder, FILES.tuned), named, { metadata });
}

/** The tensors among `names` (canonical) that were tuned. */
export function readTuned(
  folder: string,
  family: Family,
  names: Iterable<ParameterName>,
): Map<ParameterName, HostTensor<Float32Array>> {
  const file = openSafetensors(join(folder, FILES.tuned), { restore: DAMAGED });
  try {
    const tuned = new Map<ParameterName, HostTensor<Float32Array>>();
    for (const name of names) {
      const there = toHuggingFace(family, name);
      if (file.has(there)) tuned.set(name, file.read(there));
    }
    return tuned;
  } finally {
    file.close();
  }
}
