/** From a test set's predictions to a file of the submission. */
import { DataError, SpantuneError } from '../errors.js';
import { HEADER, type SubmissionFile } from './files.js';

/** A row of a test set: its own index, and the line on which it stands. */
export interface TestRow {
  index?: string;
  line?: number;
}

/**
 * Throws a `DataError` where a test set is not the whole one that the server scores: another number of rows, no index, or indices
 * that do not run from 0. `source`: the file that it was read from; `rows`: how many it should have.
 */
export function checkTestRows(
  { file, rows: full }: SubmissionFile,
  examples: readonly TestRow[],
  source: string,
  rows = full,
): void {
  const hint = `${file} answers GLUE's own test set of ${rows} rows: restore the file`;
  if (examples.length !== rows) {
    throw new DataError(`has ${examples.length} rows, but ${rows} were expected`, { file: source, hint });
  }
  examples.forEach(({ index, line }, row) => {
    if (index === undefined) throw new DataError('has no index', { file: source, line, hint });
    if (index.trim() !== String(row)) {
      throw new DataError(`has index "${index}", but ${row} was expected`, { file: source, line, hint });
    }
  });
}

/**
 * The file's text: a header, then index and value of each prediction. Scores are clamped to their range and have three decimals. Throws
 * a `DataError` where the number of rows is another, or a label is none of the task's.
 */
export function renderFile(
  { file, labels, values, range, rows: full }: SubmissionFile,
  predictions: readonly { index: string; label: string | number }[],
  rows = full,
): string {
  if (predictions.length !== rows) {
    throw new SpantuneError(`${file} would have ${predictions.length} rows, but ${rows} were expected`);
  }
  const value = (label: string | number): string => {
    if (range) {
      const score = typeof label === 'number' ? label : Number.NaN;
      if (Number.isFinite(score)) return Math.min(Math.max(score, range[0]), range[1]).toFixed(3);
    } else {
      const id = labels.indexOf(String(label));
      if (id >= 0) return values[id];
    }
    const hint =
      'the run was trained on other classes, or its weights are no numbers: train it again on GLUE’s own data';
    throw new DataError(`prediction "${label}" has no place in ${file}`, { hint });
  };
  const lines = predictions.map(({ index, label }) => `${index.trim()}\t${value(label)}`);
  return `${[HEADER, ...lines].join('\n')}\n`;
}
