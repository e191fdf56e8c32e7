/** A user's own task: files with named columns, classes stated or taken from the training split. */
import { DataError, UserError } from '../errors.js';
import { splitName } from './glue.js';
import { sortedClasses } from './labels.js';
import { eachRow, formatOf, readBytes } from './rows.js';
import { quoted, readNamedSplit } from './splits.js';
import type { MetricName, OpenTask, Split, Task, TaskSpec } from './types.js';

/** Text columns that are looked for where none are named, in this order. */
export const USUAL_COLUMNS = [
  ['sentence1', 'sentence2'],
  ['premise', 'hypothesis'],
  ['question1', 'question2'],
  ['question', 'sentence'],
  ['text1', 'text2'],
  ['sentence'],
  ['text'],
  ['question'],
];

/** Opens a task whose files are known, by split. Throws `UserError` or `DataError` where the specification does not fit. */
export function openOwnTask(spec: TaskSpec, files: Record<string, string>): OpenTask {
  const label = spec.label ?? 'label';
  const text = spec.text === undefined ? usualColumns(files.train ?? files.dev ?? files.test) : [spec.text].flat();
  const kind = spec.kind ?? 'classification';
  const labels = kind === 'regression' ? [] : (spec.labels ?? classesOf(spec, files.train, label));
  const task: Task = { name: spec.name, kind, labels, metrics: metricsOf(spec, kind), pair: text.length === 2 };
  if (task.metrics.includes('f1')) task.positiveLabel = positiveLabel(spec, labels);

  const cache = new Map<string, Split>();
  return {
    task,
    splits: Object.keys(files),
    split(wanted) {
      const name = splitName(wanted, Object.keys(files));
      const file = Object.hasOwn(files, name) ? files[name] : undefined;
      if (file === undefined) {
        const known = Object.keys(files).join(', ');
        throw new UserError(`${spec.name} has no split "${wanted}"`, {
          hint: `its splits are ${known}; name the file of another as task.train, task.dev or task.test`,
        });
      }
      const split = cache.get(name) ?? readNamedSplit(task, file, { text, label }, name);
      cache.set(name, split);
      return split;
    },
  };
}

function metricsOf(spec: TaskSpec, kind: Task['kind']): MetricName[] {
  const metrics = [
    spec.metric ?? (kind === 'regression' ? ['pearson', 'spearman'] : 'accuracy'),
  ].flat() as MetricName[];
  for (const metric of metrics) {
    const forScores = metric === 'pearson' || metric === 'spearman';
    if (forScores === (kind === 'regression')) continue;
    const hint = forScores
      ? 'set task.kind to regression, or choose accuracy, f1, macro-f1 or matthews'
      : 'choose pearson or spearman, or set task.kind to classification';
    throw new UserError(`metric "${metric}" does not fit a ${kind} task`, { hint });
  }
  return metrics;
}

function positiveLabel(spec: TaskSpec, labels: string[]): string {
  const label = spec.positiveLabel ?? labels[1];
  if (labels.includes(label)) return label;
  throw new UserError(`positive label "${label}" is no class of ${spec.name}`, {
    hint: `its classes are ${quoted(labels)}`,
  });
}

/** The classes of the training split. */
function classesOf(spec: TaskSpec, file: string | undefined, label: string): string[] {
  if (file === undefined) {
    throw new UserError(`${spec.name} states no classes, and has no training split to take them from`, {
      hint: 'list them in task.labels, or name the training file in task.train',
    });
  }
  const bytes = readBytes(file, 'check task.train');
  const classes = new Set<string>();
  let at = -1;
  eachRow(file, bytes, formatOf(file, bytes), {
    begin(first) {
      at = first.indexOf(label);
      if (at >= 0) return true;
      throw new DataError(`has no column "${label}"`, {
        file,
        line: 1,
        hint: `its columns are ${quoted(first)}; name the label's in task.label`,
      });
    },
    row(cells, line) {
      const value = cells[at]?.trim();
      if (value) classes.add(value);
      else {
        throw new DataError('has no label', { file, line, hint: `every training row needs one in column "${label}"` });
      }
    },
  });
  if (classes.size >= 2) return sortedClasses(classes);
  const message =
    classes.size === 0 ? (bytes.length === 0 ? 'is empty' : 'holds no rows') : 'holds rows of one class only';
  throw new DataError(message, { file, hint: `${spec.name} needs a training split of at least two classes` });
}

function usualColumns(file: string): string[] {
  const bytes = readBytes(file, 'check the files of the task');
  let names: string[] = [];
  // The rest of the file is read with its split; here a quoted field may be cut off, which is no mistake.
  const head = firstRecord(bytes);
  eachRow(file, head, formatOf(file, bytes), {
    begin(first) {
      names = first;
      return true;
    },
    row() {},
  });
  const found = USUAL_COLUMNS.find((columns) => columns.every((column) => names.includes(column)));
  if (found) return found;
  if (names.length === 0) throw new DataError('is empty', { file, hint: 'the first line names the columns' });
  throw new DataError('has no column that is known to hold text', {
    file,
    line: 1,
    hint: `its columns are ${quoted(names)}; name the text's in task.text`,
  });
}

function firstRecord(bytes: Buffer): Buffer {
  const end = bytes.indexOf(10);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
