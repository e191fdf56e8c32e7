/** The tasks of the benchmarks: their files, both for spantune and for the Python peers, cut to so many rows where that is wanted. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../src/errors.js';
import { writeFileWhole } from '../src/files.js';
import { stratifiedSample } from '../src/selection/sample.js';

interface TaskFiles {
  /** Below `--data`. */
  root: 'glue' | '.';
  folder: string;
  /** Column of the label, 0-based. */
  label: number;
  header: boolean;
}

const TASKS: Record<string, TaskFiles> = {
  cola: { root: 'glue', folder: 'CoLA', label: 1, header: false },
  sst2: { root: 'glue', folder: 'SST-2', label: 1, header: true },
  mrpc: { root: 'glue', folder: 'MRPC', label: 0, header: true },
  rte: { root: 'glue', folder: 'RTE', label: 3, header: true },
  trec: { root: '.', folder: 'trec', label: 1, header: true },
};

export interface BenchmarkTask {
  /** The configuration's block. */
  block: object;
  /** What `--data` of the peers wants. */
  data: string;
}

export const TASK_NAMES = Object.keys(TASKS);

/**
 * `data` holds `glue/` and `trec/`. A training split of more than `rows` is a seeded, stratified sample of so many, written under `work`, so
 * that both sides read the same one; dev is whole.
 */
export function benchmarkTask(name: string, data: string, rows: number, work: string): BenchmarkTask {
  const { root, folder } = TASKS[name];
  const base = resolve(sampled(TASKS[name], resolve(data), rows, resolve(work, `rows-${rows}`)), root);
  if (name !== 'trec') return { block: { name, data: base }, data: base };
  const file = (split: string) => join(base, folder, `${split}.tsv`);
  return {
    block: { name, train: file('train'), dev: file('dev'), text: 'sentence', label: 'label', metric: 'accuracy' },
    data: base,
  };
}

/** The folder to read instead of `data`: itself where the split is small enough. */
function sampled({ root, folder, label, header }: TaskFiles, data: string, rows: number, work: string): string {
  const source = join(data, root, folder);
  if (!existsSync(join(source, 'train.tsv')))
    throw new UserError(`--data ${data}: there is no ${join(root, folder, 'train.tsv')} below it`, {
      hint: 'it holds glue/ and trec/',
    });
  const lines = readFileSync(join(source, 'train.tsv'), 'utf8').split('\n').filter(Boolean);
  const titles = header ? lines.splice(0, 1) : [];
  if (lines.length <= rows) return data;
  const target = join(work, root, folder);
  if (!existsSync(join(target, 'train.tsv'))) {
    const labels = lines.map((line) => line.trimEnd().split('\t')[label]);
    const classes = [...new Set(labels)].sort();
    const ids = labels.map((text) => classes.indexOf(text));
    const sample = Array.from(stratifiedSample(ids, rows, 1), (index) => lines[index]);
    cpSync(join(source, 'dev.tsv'), join(target, 'dev.tsv'), { recursive: true });
    writeFileWhole(join(target, 'train.tsv'), `${[...titles, ...sample].join('\n')}\n`);
  }
  return work;
}

/** The sentences of a split of SST-2; `data` holds its folder. */
export function sst2Sentences(data: string, split: 'train' | 'dev'): string[] {
  const file = resolve(data, `SST-2/${split}.tsv`);
  if (!existsSync(file)) throw new UserError(`--data ${data}: there is no SST-2/${split}.tsv below it`);
  const lines = readFileSync(file, 'utf8').split('\n').slice(1).filter(Boolean);
  return lines.map((line) => line.split('\t')[0]);
}
