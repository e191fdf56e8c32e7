/** The files of a submission to GLUE's server: their names, the test sets that they answer, the values that stand in them. */
import { GLUE, type GlueEntry } from '../data/glue.js';

export interface SubmissionFile {
  /** Name in the zip. */
  file: string;
  /** Task of the run that predicts it (AX: mnli), and which of its splits. */
  task: string;
  split: string;
  /** Rows of the test set. */
  rows: number;
  /** Class names in id order, and what is written for each; both empty for scores. */
  labels: readonly string[];
  values: readonly string[];
  /** Least and largest score. */
  range?: readonly [number, number];
}

export const HEADER = 'index\tprediction';

/** Files of MNLI's runs by split; every other task has one of its folder's name. */
const MNLI_FILES: Readonly<Record<string, string>> = { test: 'MNLI-m', test_mismatched: 'MNLI-mm', ax: 'AX' };

/** All eleven, in the order of GLUE's tasks. */
export const SUBMISSION_FILES: readonly SubmissionFile[] = GLUE.filter(({ task }) => task.name !== 'ax').flatMap(
  (entry) =>
    entry.task.name === 'mnli'
      ? Object.entries(MNLI_FILES).map(([split, name]) => describe(entry, split, name))
      : [describe(entry, 'test', entry.folder)],
);

/** The tasks that need a run of their own. */
export const SUBMISSION_TASKS: readonly string[] = [...new Set(SUBMISSION_FILES.map(({ task }) => task))];

function describe({ task, written, range, splits }: GlueEntry, split: string, name: string): SubmissionFile {
  const values = written === 'ids' ? task.labels.map((_, id) => String(id)) : written === 'names' ? task.labels : [];
  const rows = splits[split].rows;
  return {
    file: `${name}.tsv`,
    task: task.name,
    split,
    rows,
    labels: task.labels,
    values,
    ...(range ? { range } : {}),
  };
}
