/** Reads what a run predicted on a split of dev: predictions.tsv with the columns index, label, prediction and the classes' probabilities. */
import type { Task } from '../data/types.js';
import { DataError } from '../errors.js';
import { readText } from '../files.js';
import type { SplitPredictions } from './types.js';

const COLUMNS = ['index', 'label', 'prediction'];
const HINT = 'the file is damaged: train the run again, or leave it out';

/** Throws a `UserError` that names the file, or a `DataError` with the line that does not fit the task. */
export function readPredictions(file: string, split: string, task: Task): SplitPredictions {
  const lines = readText(file, HINT).split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  const header = lines[0]?.split('\t') ?? [];
  if (COLUMNS.some((name, at) => header[at] !== name)) {
    throw new DataError(`the columns must begin with ${COLUMNS.join(', ')}`, { file, line: 1, hint: HINT });
  }
  const read = valueReader(task, file);
  const gold = new Float64Array(lines.length - 1);
  const predicted = new Float64Array(lines.length - 1);
  for (let row = 0; row < gold.length; row++) {
    const cells = lines[row + 1].split('\t');
    if (cells.length !== header.length) {
      const message = `has ${cells.length} columns, but the header has ${header.length}`;
      throw new DataError(message, { file, line: row + 2, hint: HINT });
    }
    if (!/^\d+$/.test(cells[0])) {
      throw new DataError(`index "${cells[0]}" is not a whole number`, { file, line: row + 2, hint: HINT });
    }
    const probability = cells.slice(COLUMNS.length).find((cell) => !(Number(cell) >= 0 && Number(cell) <= 1));
    if (task.kind !== 'regression' && probability !== undefined) {
      throw new DataError(`"${probability}" is not a probability`, { file, line: row + 2, hint: HINT });
    }
    gold[row] = read(cells[1], row + 2, 'label');
    predicted[row] = read(cells[2], row + 2, 'prediction');
  }
  if (gold.length === 0) throw new DataError('holds no predictions', { file, hint: HINT });
  return { split, gold, predicted };
}

function valueReader(task: Task, file: string): (text: string, line: number, column: string) => number {
  const ids = new Map(task.labels.map((name, id) => [name, id]));
  return (text, line, column) => {
    if (task.kind === 'regression') {
      // A run that has diverged predicts NaN.
      const value = text.trim() === '' ? Number.NaN : Number(text);
      if (Number.isFinite(value) || (column === 'prediction' && /^(NaN|-?Infinity)$/.test(text))) return value;
      throw new DataError(`${column} "${text}" is not a number`, { file, line, hint: HINT });
    }
    const id = ids.get(text);
    if (id !== undefined) return id;
    const known = task.labels.slice(0, 12).join(', ') + (task.labels.length > 12 ? ' …' : '');
    throw new DataError(`${column} "${text}" is not one of ${known}`, { file, line, hint: HINT });
  };
}
