/** A study's tables, in the forms that are written: terminal text, Markdown, CSV. */
import { quote, type Value } from '../comparison/csv.js';
import { escapeMarkdown } from '../comparison/markdown.js';
import { wrap } from '../comparison/text.js';
import { plain, type Style, widthOf } from '../style.js';
import { renderTable } from '../table.js';

export interface StudyTable {
  /** What its lines are called in CSV. */
  kind: string;
  title: string;
  columns: { title: string; align: 'left' | 'right' }[];
  rows: StudyRow[];
  /** What its figures need to be read; may be empty. */
  legend: string;
}

export interface StudyRow {
  /** In the columns' order. */
  cells: string[];
  /** In full, by name, for CSV. */
  values: Record<string, Value>;
}

/** A study as people and machines read it. */
export interface StudyDocument {
  /** Beginning of the names of its files. */
  name: string;
  tables: StudyTable[];
  notes: string[];
  plots: { name: string; svg: string }[];
  /** All that the tables are made of. */
  data: unknown;
}

export const STUDY_FORMATS = ['text', 'markdown', 'csv', 'json'] as const;
export type StudyFormat = (typeof STUDY_FORMATS)[number];

const WIDTH = 120;
const GAP = 2;

export function renderStudy(document: StudyDocument, format: StudyFormat, style: Style = plain): string {
  switch (format) {
    case 'text':
      return renderText(document, style);
    case 'markdown':
      return renderMarkdown(document);
    case 'csv':
      return renderCsv(document);
    case 'json':
      return `${JSON.stringify(document.data, null, 2)}\n`;
  }
}

function renderText({ tables, notes }: StudyDocument, style: Style): string {
  const blocks = tables.map((table) =>
    [
      style.bold(table.title),
      blocksOf(table)
        .map((shown) => layOut(table, shown, style))
        .join('\n\n'),
      ...wrap(table.legend, WIDTH).map(style.dim),
    ].join('\n'),
  );
  const told = notes.flatMap((note) => wrap(note, WIDTH)).map(style.dim);
  return `${[...blocks, told.join('\n')].filter((block) => block !== '').join('\n\n')}\n`;
}

function layOut({ columns, rows }: StudyTable, shown: readonly number[], style: Style): string {
  const heads = shown.map((at) => ({ title: style.dim(columns[at].title), align: columns[at].align }));
  const lines = rows.map(({ cells }) => shown.map((at) => cells[at]));
  return renderTable(heads, lines, { gap: GAP });
}

/** Indices of the columns that fit side by side, in blocks one below the other, each with the first column. */
function blocksOf({ columns, rows }: StudyTable): number[][] {
  const widths = columns.map(({ title }, at) =>
    Math.max(widthOf(title), ...rows.map(({ cells }) => widthOf(cells[at]))),
  );
  const blocks: number[][] = [[0]];
  let width = widths[0];
  for (let at = 1; at < columns.length; at++) {
    width += GAP + widths[at];
    if (width > WIDTH && blocks[blocks.length - 1].length > 1) {
      blocks.push([0]);
      width = widths[0] + GAP + widths[at];
    }
    blocks[blocks.length - 1].push(at);
  }
  return blocks;
}

function renderMarkdown({ tables, notes }: StudyDocument): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const blocks = tables.map(({ title, columns, rows, legend }) =>
    [
      `## ${escapeMarkdown(title)}`,
      [
        line(columns.map((column) => escapeMarkdown(column.title))),
        line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
        ...rows.map(({ cells }) => line(cells.map(escapeMarkdown))),
      ].join('\n'),
      ...(legend === '' ? [] : [escapeMarkdown(legend)]),
    ].join('\n\n'),
  );
  const list = notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n');
  return `${[...blocks, list].filter((block) => block !== '').join('\n\n')}\n`;
}

/** One line a row (RFC 4180), figures in full; `table` says which table a line is of. */
function renderCsv({ tables }: StudyDocument): string {
  const records = tables.flatMap(({ kind, rows }) =>
    rows.map(({ values }): Record<string, Value> => ({ table: kind, ...values })),
  );
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const lines = [names.map(quote), ...records.map((record) => names.map((name) => quote(record[name])))];
  return `${lines.map((cells) => cells.join(',')).join('\r\n')}\r\n`;
}

/** A column of figures. */
export const right = (title: string) => ({ title, align: 'right' as const });
/** A column of text. */
export const left = (title: string) => ({ title, align: 'left' as const });
