/** What a grid's runs read: models and tasks, with identities by content. Nothing is loaded of a model but its configuration. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readEncoderConfig } from '../checkpoint/config.js';
import { filesHash, modelHash } from '../checkpoint/hash.js';
import { openWeights } from '../checkpoint/weights.js';
import type { RunConfig } from '../config/schema.js';
import { glueEntry } from '../data/glue.js';
import { openTask } from '../data/tasks.js';
import { loadTokenizer } from '../data/tokenizer.js';
import type { OpenTask, Task } from '../data/types.js';
import { UserError } from '../errors.js';
import type { EncoderConfig } from '../model/types.js';
import { FILES, isRunFolder, readRun } from '../pipeline/run-folder.js';

export interface Model {
  name: string;
  folder: string;
  config: EncoderConfig;
  /** Whether there is more than a configuration. */
  complete: boolean;
  /** As `OpenModel.hash`: of configuration and weights. */
  hash(): string;
  tokenizerHash(): string;
}

export interface TaskSource {
  task: Task;
  /** Rows of train (before a sample or a split is taken of them) and of dev, MNLI's two sets together. */
  rows: { train: number; dev: number };
  /** False where the files are absent: rows are then those of GLUE's full splits. */
  present: boolean;
  /** SHA-256 of each file that runs read, by split. */
  hashes: Record<string, string>;
}

/** Throws a `UserError` or `CheckpointError` where the folder is no model. */
export function describeModel(folder: string): Model {
  if (!existsSync(folder) || !isRunFolder(folder)) return describeBase(folder);
  const { config, result } = readRun(folder);
  const base = describeBase(config.model);
  return {
    name: basename(folder),
    folder,
    config: { ...base.config, layers: result.arm.head },
    complete: base.complete,
    hash: once(() => `${result.baseHash}+${filesHash([join(folder, FILES.tuned)])}`),
    tokenizerHash: base.tokenizerHash,
  };
}

function describeBase(folder: string): Model {
  return {
    name: basename(folder),
    folder,
    config: readEncoderConfig(folder),
    complete: hasWeights(folder),
    hash: once(() => modelHash(folder)),
    tokenizerHash: once(() => loadTokenizer(folder).hash),
  };
}

function hasWeights(folder: string): boolean {
  try {
    openWeights(folder).close();
    return true;
  } catch (cause) {
    if (cause instanceof UserError) return false;
    throw cause;
  }
}

/** Opens a task and looks at the files that runs read. `absent`: GLUE's own sizes will do where there are no files. */
export function describeTask(spec: RunConfig['task'], { absent = false } = {}): TaskSource {
  const entry = spec.text === undefined ? glueEntry(spec.name) : undefined;
  const splits = entry?.task.name === 'mnli' ? ['train', 'dev', 'dev_mismatched'] : ['train', 'dev'];
  const opened = absent && !isThere(spec) ? undefined : openTask(spec);
  if (entry && absent && !splits.every((name) => opened?.splits.includes(name))) {
    const rows = (name: string) => entry.splits[name]?.rows ?? 0;
    const dev = splits.slice(1).reduce((sum, name) => sum + rows(name), 0);
    return { task: entry.task, rows: { train: rows('train'), dev }, present: false, hashes: {} };
  }
  return look(opened ?? openTask(spec), splits);
}

/** Every split is read, so that a row that cannot be read is told before anything runs. */
function look(opened: OpenTask, splits: string[]): TaskSource {
  const hashes: Record<string, string> = {};
  const rows = { train: 0, dev: 0 };
  for (const name of splits) {
    // MNLI's second dev set may be absent.
    if (name === 'dev_mismatched' && !opened.splits.includes(name)) continue;
    const { file, examples } = opened.split(name);
    hashes[name] = filesHash([file]);
    rows[name === 'train' ? 'train' : 'dev'] += examples.length;
  }
  return { task: opened.task, rows, present: true, hashes };
}

/** Rows of train that a run uses, and how many of those it holds out, about. */
export function trainRows(
  { rows }: TaskSource,
  { task: { trainSamples = 'all' }, training }: RunConfig,
): { used: number; heldOut: number } {
  const used = trainSamples === 'all' ? rows.train : Math.min(trainSamples, rows.train);
  return { used, heldOut: Math.round(training.cleanSplit * used) };
}

function isThere({ data, train, dev }: RunConfig['task']): boolean {
  return [data, train, dev].every((path) => path === undefined || existsSync(path));
}

/** SHA-256 of all files of a folder, such as an adapter's. */
export function folderHash(folder: string): string {
  const files = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  return filesHash(files);
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
