/** What data is, from a file's row to a padded batch. Nothing here knows tensors. */

export type MetricName = 'accuracy' | 'f1' | 'macro-f1' | 'matthews' | 'pearson' | 'spearman';

/** A task: what the labels are and how it is scored. Where its rows stand in files is `tasks.ts`'s business. */
export interface Task {
  name: string;
  kind: 'classification' | 'regression';
  /** Class names in id order; empty for regression. */
  labels: string[];
  metrics: MetricName[];
  /** True where an input is two texts. */
  pair: boolean;
  /** Name of the class that F1 is about (GLUE: class 1). */
  positiveLabel?: string;
}

export interface Example {
  text: string;
  /** The second text; an empty one is still a pair. */
  pair?: string;
  /** Class id, or the score of a regression task; absent where the split has no labels. */
  label?: number;
  /** 1-based line in its file. */
  line: number;
  /** The file's own index column, where a test file has one. */
  index?: string;
}

export interface Split {
  file: string;
  examples: Example[];
  /** Training rows that could not be read, counted and reported. */
  skipped: number;
}

/** One tokenised input. All arrays have one entry per token. */
export interface Encoded {
  ids: Int32Array;
  typeIds: Uint8Array;
  /** 1 for tokens that the tokeniser's template added. */
  special: Uint8Array;
  truncated: boolean;
}

/** A padded batch; all arrays are row-major [rows, length] unless said otherwise. */
export interface Batch {
  rows: number;
  length: number;
  ids: Int32Array;
  typeIds: Int32Array;
  /** 1 for a token, 0 for padding. */
  attentionMask: Float32Array;
  /** 1 for content tokens: neither special nor padding; an input without content uses all its tokens. */
  contentMask: Float32Array;
  /** [rows]: which example of the split each row is; -1 for a filler row. */
  examples: Int32Array;
  /** [rows]: 1 for an example, 0 for a filler row. */
  weights: Float32Array;
}

/**
 * What a configuration says of a task. Either one of GLUE's by `name` with `data`, the folder that holds MRPC/train.tsv and so
 * on; or a user's own with its files and columns (by header name). Paths are absolute by the time they stand here.
 */
export interface TaskSpec {
  name: string;
  data?: string;
  train?: string;
  dev?: string;
  test?: string;
  /** Column of the text, or of the two texts of a pair. */
  text?: string | [string, string];
  label?: string;
  metric?: MetricName | MetricName[];
  kind?: 'classification' | 'regression';
  /** Class names in id order; without it the classes of the training split, sorted. */
  labels?: string[];
  /** The class that `f1` is about; without it the second class. */
  positiveLabel?: string;
  /** Training rows that selecting and tuning use; without it all. Reading a split heeds it not. */
  trainSamples?: 'all' | number;
}

/** A task whose files are at hand. */
export interface OpenTask {
  task: Task;
  /** Splits whose files exist. */
  splits: string[];
  /**
   * Reads a split once and keeps it: `train`, `dev`, `test`; MNLI's `dev_mismatched`, `test_mismatched` and `ax` too, and
   * Hugging Face's names for them. Throws a `DataError` with file and line where a row cannot be read.
   */
  split(name: string): Split;
}
