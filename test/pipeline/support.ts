/** What the pipeline tests share: a tiny model's folder, small learnable tasks as files, a reporter that remembers. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import type { Block } from '../../src/config/layers.js';
import { resolveConfig } from '../../src/config/load.js';
import type { RunConfig } from '../../src/config/schema.js';
import { runEvaluate } from '../../src/pipeline/evaluate.js';
import { runPredict } from '../../src/pipeline/predict.js';
import type { RunResult } from '../../src/pipeline/run-folder.js';
import { runTrain } from '../../src/pipeline/train.js';
import type { EvaluateOptions, PredictOptions, Progress, Reporter } from '../../src/pipeline/types.js';
import { stream } from '../../src/random.js';
import { FIXTURES } from '../model/support.js';

/** A folder for one test file's files; gone when its tests are done. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-pipeline-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const LAND = ['mountain', 'forest', 'meadow', 'valley', 'desert', 'canyon', 'prairie', 'orchard'];
export const SEA = ['harbour', 'current', 'island', 'lagoon', 'anchor', 'whale', 'tide', 'reef'];
const OTHER = ['the', 'a', 'old', 'quiet', 'small', 'is', 'was', 'near', 'far', 'and'];
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
export const VOCABULARY = [...SPECIAL, ...OTHER, ...LAND, ...SEA, '.', ','];

/** The BERT of the model fixtures (three layers of width 32, 61 words at most, 24 positions) with words of its own. */
export function writeModel(folder: string, vocabulary: readonly string[] = VOCABULARY): string {
  mkdirSync(folder, { recursive: true });
  const bert = join(FIXTURES, 'bert');
  for (const file of readdirSync(bert)) {
    if (file !== 'expected.safetensors') copyFileSync(join(bert, file), join(folder, file));
  }
  writeFileSync(join(folder, 'vocab.txt'), `${vocabulary.join('\n')}\n`);
  return folder;
}

export function write(path: string, rows: (string | number)[][]): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${rows.map((row) => row.join('\t')).join('\n')}\n`);
  return path;
}

/** A sentence about one of the two, or about both by turns. */
function sentence(random: ReturnType<typeof stream>, words: readonly string[]): string {
  const pick = (list: readonly string[]) => list[random.integer(list.length)];
  return Array.from({ length: 3 + random.integer(4) }, (_, i) => (i % 3 === 1 ? pick(OTHER) : pick(words))).join(' ');
}

/** Rows of sentence and label: land and sea alternate. */
export function topics(count: number, seed: number): [text: string, label: string][] {
  const random = stream(seed, 'topics');
  return Array.from({ length: count }, (_, i) => [sentence(random, i % 2 ? SEA : LAND), i % 2 ? 'sea' : 'land']);
}

/** Pairs, and how alike their topics are: 2 the same, 0 different; or 1, one of them about both. */
export function pairs(count: number, seed: number): [first: string, second: string, alike: number][] {
  const random = stream(seed, 'pairs');
  return Array.from({ length: count }, (_, i) => {
    const alike = i % 3;
    const first = random.integer(2) ? SEA : LAND;
    const second = alike === 2 ? first : alike === 0 ? (first === SEA ? LAND : SEA) : [...LAND, ...SEA];
    return [sentence(random, first), sentence(random, second), alike];
  });
}

/** The topics as a user's own task: a train and a dev file. */
export function writeTopics(folder: string, { train = 64, dev = 24 } = {}) {
  const header = ['sentence', 'label'];
  return {
    name: 'topics',
    train: write(join(folder, 'train.tsv'), [header, ...topics(train, 1)]),
    dev: write(join(folder, 'dev.tsv'), [header, ...topics(dev, 2)]),
  };
}

/** A reporter that keeps what it is told. */
export function listener() {
  const logs: { level: string; message: string }[] = [];
  const progress: Progress[] = [];
  const reporter: Reporter = {
    log: (level, message) => void logs.push({ level, message }),
    progress: (state) => void (state && progress.push(state)),
  };
  return { logs, progress, reporter };
}

export const quiet: Reporter = { log() {}, progress() {} };

/** A configuration for the tiny model, which learns fast by the mean over tokens; on one thread. */
export function configOf(values: Block): RunConfig {
  const training = { epochs: 2, batchSize: 16, learningRate: 5e-3, ...(values.training as Block | undefined) };
  const engine = { threads: 1, ...(values.engine as Block | undefined) };
  const selection = { halfSamples: 20, ...(values.selection as Block | undefined) };
  const classifier = { pooling: 'mean', ...(values.classifier as Block | undefined) };
  return resolveConfig({ ...values, training, engine, selection, classifier });
}

export async function trained(config: RunConfig, output: string, reporter = quiet): Promise<RunResult> {
  await runTrain(config, output, reporter, () => false);
  return readResult(output);
}

export const evaluated = (options: EvaluateOptions) => runEvaluate({ ...options, engine: { threads: 1 } }, quiet);
export const predicted = (options: PredictOptions) => runPredict({ ...options, engine: { threads: 1 } }, quiet);

export const readResult = (run: string): RunResult => JSON.parse(readFileSync(join(run, 'result.json'), 'utf8'));
export const readBytesOf = (run: string, file: string) => readFileSync(join(run, file));

/** Lines of metrics.jsonl: steps and evaluations. */
export function readMetrics(run: string) {
  const lines: Record<string, unknown>[] = readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return {
    steps: lines.filter((line) => 'loss' in line),
    evaluations: lines.filter((line) => 'evaluation' in line) as unknown as {
      step: number;
      epoch: number;
      best: boolean;
      seconds: number;
      evaluation: Record<string, number>;
    }[],
  };
}

/** Cells of a tab-separated file, its header by itself. */
export function readTable(path: string): { header: string[]; rows: string[][] } {
  const [header, ...rows] = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  return { header, rows };
}
