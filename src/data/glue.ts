/**
 * The nine GLUE tasks and AX, as one table: labels, metrics, and where each split's rows stand in the original archives.
 * Names and label order are Hugging Face's (`datasets`, glue). Columns are 0-based.
 */
import type { MetricName, Task } from './types.js';

/** One split of the original layout, a TSV with quoting off. */
export interface GlueSplit {
  /** File names in the task's folder without their extension, the original's first, then Hugging Face's. */
  files: string[];
  header: boolean;
  text: number[];
  /** Absent where the split has no labels. */
  label?: number;
  /** Column of the index that submissions repeat. */
  index?: number;
  /** Rows of the full split. */
  rows: number;
}

export interface GlueEntry {
  task: Task;
  folder: string;
  /** What stands in the original's label column: class ids, class names, or a number. */
  written: 'ids' | 'names' | 'number';
  /** Text columns of the Hugging Face form, whose label column is `label`. */
  columns: string[];
  /** Least and largest score of a regression task. */
  range?: [number, number];
  /** A split without a layout (AX has neither train nor dev) is absent. */
  splits: Record<string, GlueSplit>;
}

const validation = (files: string[]) => [...files, 'validation'];
const NLI = ['entailment', 'neutral', 'contradiction'];
const TWO_WAY = ['entailment', 'not_entailment'];

function task(name: string, labels: string[], metrics: MetricName[], columns: string[]): Task {
  const kind = labels.length > 0 ? 'classification' : 'regression';
  const positiveLabel = metrics.includes('f1') ? { positiveLabel: labels[1] } : {};
  return { name, kind, labels, metrics, pair: columns.length === 2, ...positiveLabel };
}

/** The diagnostic set, scored by an MNLI model: a split of MNLI and a task of its own. */
const DIAGNOSTIC: GlueSplit = { files: ['diagnostic', 'AX'], header: true, text: [1, 2], index: 0, rows: 1104 };

/** RTE and QNLI: index, two texts, label. */
const indexed = (train: number, dev: number, test: number): Record<string, GlueSplit> => ({
  train: { files: ['train'], header: true, text: [1, 2], label: 3, rows: train },
  dev: { files: validation(['dev']), header: true, text: [1, 2], label: 3, rows: dev },
  test: { files: ['test'], header: true, text: [1, 2], index: 0, rows: test },
});

const mnliDev = (which: string, rows: number): GlueSplit => ({
  files: [`dev_${which}`, `validation_${which}`],
  header: true,
  text: [8, 9],
  label: 15,
  rows,
});
const mnliTest = (which: string, rows: number): GlueSplit => ({
  files: [`test_${which}`],
  header: true,
  text: [8, 9],
  index: 0,
  rows,
});

const MNLI = ['premise', 'hypothesis'];
const SENTENCES = ['sentence1', 'sentence2'];
const QUESTIONS = ['question1', 'question2'];
const QUESTION_SENTENCE = ['question', 'sentence'];

export const GLUE: GlueEntry[] = [
  {
    task: task('cola', ['unacceptable', 'acceptable'], ['matthews'], ['sentence']),
    folder: 'CoLA',
    written: 'ids',
    columns: ['sentence'],
    splits: {
      train: { files: ['train'], header: false, text: [3], label: 1, rows: 8551 },
      dev: { files: validation(['dev']), header: false, text: [3], label: 1, rows: 1043 },
      test: { files: ['test'], header: true, text: [1], index: 0, rows: 1063 },
    },
  },
  {
    task: task('sst2', ['negative', 'positive'], ['accuracy'], ['sentence']),
    folder: 'SST-2',
    written: 'ids',
    columns: ['sentence'],
    splits: {
      train: { files: ['train'], header: true, text: [0], label: 1, rows: 67349 },
      dev: { files: validation(['dev']), header: true, text: [0], label: 1, rows: 872 },
      test: { files: ['test'], header: true, text: [1], index: 0, rows: 1821 },
    },
  },
  {
    task: task('mrpc', ['not_equivalent', 'equivalent'], ['f1', 'accuracy'], SENTENCES),
    folder: 'MRPC',
    written: 'ids',
    columns: SENTENCES,
    splits: {
      train: { files: ['train'], header: true, text: [3, 4], label: 0, rows: 3668 },
      dev: { files: validation(['dev']), header: true, text: [3, 4], label: 0, rows: 408 },
      test: { files: ['test'], header: true, text: [3, 4], index: 0, rows: 1725 },
    },
  },
  {
    task: task('qqp', ['not_duplicate', 'duplicate'], ['f1', 'accuracy'], QUESTIONS),
    folder: 'QQP',
    written: 'ids',
    columns: QUESTIONS,
    splits: {
      train: { files: ['train'], header: true, text: [3, 4], label: 5, rows: 363846 },
      dev: { files: validation(['dev']), header: true, text: [3, 4], label: 5, rows: 40430 },
      test: { files: ['test'], header: true, text: [1, 2], index: 0, rows: 390965 },
    },
  },
  {
    task: task('stsb', [], ['pearson', 'spearman'], SENTENCES),
    folder: 'STS-B',
    written: 'number',
    columns: SENTENCES,
    range: [0, 5],
    splits: {
      train: { files: ['train'], header: true, text: [7, 8], label: 9, rows: 5749 },
      dev: { files: validation(['dev']), header: true, text: [7, 8], label: 9, rows: 1500 },
      test: { files: ['test'], header: true, text: [7, 8], index: 0, rows: 1379 },
    },
  },
  {
    task: task('mnli', NLI, ['accuracy'], MNLI),
    folder: 'MNLI',
    written: 'names',
    columns: MNLI,
    splits: {
      train: { files: ['train'], header: true, text: [8, 9], label: 11, rows: 392702 },
      dev: mnliDev('matched', 9815),
      dev_mismatched: mnliDev('mismatched', 9832),
      test: mnliTest('matched', 9796),
      test_mismatched: mnliTest('mismatched', 9847),
      ax: DIAGNOSTIC,
    },
  },
  {
    task: task('qnli', TWO_WAY, ['accuracy'], QUESTION_SENTENCE),
    folder: 'QNLI',
    written: 'names',
    columns: QUESTION_SENTENCE,
    splits: indexed(104743, 5463, 5463),
  },
  {
    task: task('rte', TWO_WAY, ['accuracy'], SENTENCES),
    folder: 'RTE',
    written: 'names',
    columns: SENTENCES,
    splits: indexed(2490, 277, 3000),
  },
  {
    task: task('wnli', ['not_entailment', 'entailment'], ['accuracy'], SENTENCES),
    folder: 'WNLI',
    written: 'ids',
    columns: SENTENCES,
    splits: indexed(635, 71, 146),
  },
  {
    task: task('ax', NLI, ['matthews'], MNLI),
    folder: 'AX',
    written: 'names',
    columns: MNLI,
    splits: { test: DIAGNOSTIC },
  },
];

/** Folders that may hold AX's file, beside the data folder itself. */
export const DIAGNOSTIC_FOLDERS = ['diagnostic', 'AX'];

/** The entry of a name or folder name (`sst2`, `SST-2`), whatever its case; undefined where GLUE has none. */
export function glueEntry(name: string): GlueEntry | undefined {
  const wanted = plain(name);
  return GLUE.find((entry) => wanted === plain(entry.task.name) || wanted === plain(entry.folder));
}

const SPLIT_NAMES: Record<string, string> = { validation: 'dev', diagnostic: 'ax' };
const MATCHED: Record<string, string> = {
  dev_matched: 'dev',
  validation_matched: 'dev',
  validation_mismatched: 'dev_mismatched',
  test_matched: 'test',
};

/** Other names of a task's split: Hugging Face's, and where there is a mismatched one, those in full. */
export function splitName(name: string, splits: readonly string[]): string {
  const lower = name.toLowerCase();
  const matched = splits.includes('dev_mismatched') ? MATCHED[lower] : undefined;
  return matched ?? SPLIT_NAMES[lower] ?? lower;
}

const plain = (name: string) => name.toLowerCase().replaceAll('-', '');
