/** Reads one split of a task from its file: GLUE's original layout by column number, everything else by column name. */
import { DataError } from '../errors.js';
import type { GlueEntry } from './glue.js';
import { labelReader } from './labels.js';
import { eachRow, formatOf, readBytes } from './rows.js';
import type { Example, Split, Task } from './types.js';

/** Where a row's parts stand, 0-based. */
interface Layout {
  text: number[];
  label?: number;
  index?: number;
  /** Cells that a row must have. */
  width: number;
  labelColumn: string;
  /** Names of the columns of text, or their numbers, 1-based. */
  textColumns: string[];
  header: boolean;
  /** Labels may be written as class ids. */
  ids: boolean;
}

interface Reading {
  task: Task;
  file: string;
  /** Decides by the first row where the parts stand. */
  layout: (first: string[]) => Layout;
  /** Every row must have a label. */
  required: boolean;
  /** −1 means no label. */
  unlabelled: boolean;
  /** Rows of too few columns are counted, not refused. */
  lenient: boolean;
  range?: [number, number];
}

/** Reads a GLUE split. Training rows of the TSV layout with too few columns are counted; elsewhere they are a `DataError`. */
export function readGlueSplit(entry: GlueEntry, name: string, file: string): Split {
  const { task, range } = entry;
  const train = name === 'train';
  const bytes = readBytes(file, `${task.name} needs it for its ${name} split`);
  const format = formatOf(file, bytes);
  const layout = (first: string[]): Layout => {
    const named = first.includes('label') || name.startsWith('test') || name === 'ax';
    if (named && entry.columns.every((column) => first.includes(column))) {
      return namedLayout(file, first, { text: entry.columns, label: 'label', labelled: false, ids: true });
    }
    if (format !== 'tsv')
      return namedLayout(file, first, { text: entry.columns, label: 'label', labelled: true, ids: true });
    return originalLayout(entry, name, file, first);
  };
  const unlabelled = !train;
  const lenient = train && format === 'tsv';
  return readExamples(bytes, format, { task, file, layout, required: train, unlabelled, lenient, range });
}

/** Reads a split by column names. */
export function readNamedSplit(
  task: Task,
  file: string,
  columns: { text: string[]; label: string },
  split: string,
): Split {
  const bytes = readBytes(file, `check task.${split}`);
  const labelled = split !== 'test';
  const layout = (first: string[]) => namedLayout(file, first, { ...columns, labelled, ids: false });
  const required = split === 'train';
  const format = formatOf(file, bytes);
  return readExamples(bytes, format, {
    task,
    file,
    layout,
    required,
    unlabelled: !required && task.kind === 'classification',
    lenient: false,
  });
}

function readExamples(bytes: Buffer, format: ReturnType<typeof formatOf>, reading: Reading): Split {
  const { task, file } = reading;
  const examples: Example[] = [];
  let skipped = 0;
  let layout: Layout | undefined;
  let readLabel: ReturnType<typeof labelReader> | undefined;
  let firstSkipped: DataError | undefined;
  eachRow(file, bytes, format, {
    begin(first) {
      layout = reading.layout(first);
      readLabel = labelReader({ ...reading, column: layout.labelColumn, ids: layout.ids });
      return layout.header;
    },
    row(cells, line) {
      if (!layout || !readLabel) return;
      const [first, second] = layout.text;
      const text = cells[first];
      const pair = second === undefined ? undefined : cells[second];
      if (cells.length < layout.width || text === undefined || (second !== undefined && pair === undefined)) {
        const problem = tooNarrow(file, line, cells, layout);
        if (!reading.lenient) throw problem;
        firstSkipped ??= problem;
        skipped++;
        return;
      }
      const example: Example = { text, line };
      if (pair !== undefined) example.pair = pair;
      if (layout.label !== undefined) {
        const label = readLabel(cells[layout.label], line);
        if (label !== undefined) example.label = label;
      }
      if (layout.index !== undefined) example.index = cells[layout.index];
      examples.push(example);
    },
  });
  if (examples.length > 0) return { file, examples, skipped };
  if (firstSkipped) throw firstSkipped;
  throw new DataError(bytes.length === 0 ? 'is empty' : 'holds no rows', {
    file,
    hint: `${task.name} expects one example a line; restore the file`,
  });
}

function tooNarrow(file: string, line: number, cells: unknown[], layout: Layout): DataError {
  const missing = cells.length >= layout.width;
  const message = missing
    ? 'a text is missing in this row'
    : `has ${count(cells.length, 'column')}, but ${layout.width} were expected`;
  const label = layout.label === undefined ? '' : ` and the label in ${layout.labelColumn}`;
  return new DataError(message, {
    file,
    line,
    hint: `the text stands in ${layout.textColumns.join(' and ')}${label}; mend or remove the row`,
  });
}

function originalLayout(entry: GlueEntry, name: string, file: string, first: string[]): Layout {
  const { header, text, label, index } = entry.splits[name];
  const width = Math.max(...text, label ?? 0, index ?? 0) + 1;
  if (header && first.length < width) {
    throw new DataError(`has ${count(first.length, 'column')}, but ${width} were expected`, {
      file,
      line: 1,
      hint: `${entry.task.name} is read in GLUE's original layout (tab-separated), or with columns ${quoted([...entry.columns, 'label'])}`,
    });
  }
  const labelName = header && label !== undefined ? `"${first[label]}"` : `${(label ?? 0) + 1}`;
  const textColumns = text.map((at) => `column ${at + 1}`);
  return {
    text,
    label,
    index,
    width,
    labelColumn: `column ${labelName}`,
    textColumns,
    header,
    ids: entry.written !== 'names',
  };
}

function namedLayout(
  file: string,
  first: string[],
  wanted: { text: string[]; label: string; labelled: boolean; ids: boolean },
): Layout {
  const position = (name: string): number => {
    const at = first.indexOf(name);
    if (at >= 0) return at;
    throw new DataError(`has no column "${name}"`, { file, line: 1, hint: `its columns are ${quoted(first)}` });
  };
  const text = wanted.text.map(position);
  const label = wanted.labelled || first.includes(wanted.label) ? position(wanted.label) : undefined;
  const at = ['index', 'idx', 'id'].map((name) => first.indexOf(name)).find((found) => found >= 0);
  const width = Math.max(...text, label ?? 0) + 1;
  return {
    text,
    label,
    index: at,
    width,
    labelColumn: `column "${wanted.label}"`,
    textColumns: wanted.text.map((name) => `"${name}"`),
    header: true,
    ids: wanted.ids,
  };
}

export function quoted(names: string[]): string {
  return names
    .slice(0, 20)
    .map((name) => `"${name.length > 40 ? `${name.slice(0, 40)}…` : name}"`)
    .join(', ');
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
