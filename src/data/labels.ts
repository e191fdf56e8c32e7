/** What stands in a label column → class id or score, by name; and the classes of a user's own task. */
import { DataError } from '../errors.js';
import type { Task } from './types.js';

export interface LabelColumn {
  task: Task;
  file: string;
  /** The column as messages call it, such as `column "label"`. */
  column: string;
  /** Class ids stand for classes too (`0`, `1`), not names alone. */
  ids: boolean;
  /** −1 means that there is no label (Hugging Face's test splits). */
  unlabelled: boolean;
  /** A training row must have a label. */
  required: boolean;
  /** Least and largest score of a regression task. */
  range?: [number, number];
}

/** Reads one label; undefined where the row has none. Throws a `DataError` with the row's place for a label outside the task. */
export type LabelReader = (text: string | undefined, line: number) => number | undefined;

export function labelReader(options: LabelColumn): LabelReader {
  const { task, file, required, unlabelled } = options;
  const known = task.kind === 'regression' ? undefined : classIds(task.labels, options.ids);
  return (text, line) => {
    const value = text?.trim() ?? '';
    const id = known ? known.get(value) : score(value, options);
    if (id !== undefined) return id;
    const absent = text === undefined || (unlabelled && /^-1(\.0*)?$/.test(value));
    if (absent && !required) return undefined;
    const message = absent ? 'has no label' : outside(value, options);
    throw new DataError(message, { file, line, hint: expectation(options) });
  };
}

/** Distinct label texts in id order: by value where all are numbers, else by code point. */
export function sortedClasses(texts: Iterable<string>): string[] {
  const classes = [...new Set(texts)];
  const numeric = classes.every((text) => text !== '' && Number.isFinite(Number(text)));
  return numeric ? classes.sort((a, b) => Number(a) - Number(b)) : classes.sort((a, b) => (a < b ? -1 : 1));
}

function classIds(labels: string[], ids: boolean): Map<string, number> {
  const known = new Map<string, number>();
  if (ids) for (let id = 0; id < labels.length; id++) known.set(String(id), id);
  // Names come last, so that a class called "1" is found by its name.
  labels.forEach((label, id) => {
    known.set(label, id);
  });
  return known;
}

function score(value: string, { range, unlabelled }: LabelColumn): number | undefined {
  const number = value === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || (unlabelled && number === -1)) return undefined;
  return range && (number < range[0] || number > range[1]) ? undefined : number;
}

function outside(value: string, { task, ids, range }: LabelColumn): string {
  const shown = value.length > 40 ? `${value.slice(0, 40)}…` : value;
  if (task.kind === 'regression') {
    return `score "${shown}" is not a number${range ? ` from ${range[0]} to ${range[1]}` : ''}`;
  }
  const allowed = ids ? task.labels.map((_, id) => String(id)) : task.labels;
  return `label "${shown}" is not one of ${listed(allowed, ', ')}`;
}

function expectation({ task, column, ids, range }: LabelColumn): string {
  if (task.kind === 'regression') {
    return `${task.name} expects a number${range ? ` from ${range[0]} to ${range[1]}` : ''} in ${column}`;
  }
  const named = ids ? task.labels.map((label, id) => (label === String(id) ? label : `${id} (${label})`)) : task.labels;
  return `${task.name} expects ${listed(named, ' or ')} in ${column}`;
}

function listed(items: string[], joint: string): string {
  return items.length > 12 ? `${items.slice(0, 12).join(', ')} … (${items.length} classes)` : items.join(joint);
}
