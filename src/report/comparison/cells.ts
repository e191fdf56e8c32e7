/**
 * What a comparison's tables are made of: cells with their text for people, what to sort them by, and their figures in full for
 * machines. Every format (terminal, Markdown, CSV, LaTeX, HTML) lays these out.
 */
import type { Verdict } from '../../comparison/types.js';

/** Best mean of its column, a verdict, or figures that another row measured. */
export type Mark = 'best' | Verdict | 'borrowed';

export interface Cell {
  text: string;
  /** Shorter, for the terminal. */
  short?: string;
  /** What sorting goes by; null sorts last. */
  sort: number | string | null;
  mark?: Mark;
  /** Figures in full, by the names they have in CSV. */
  values?: Record<string, number | string | null>;
}

export interface Column {
  title: string;
  /** Title on the terminal, where it differs. */
  short?: string;
  /** What the figures are, one phrase. */
  about: string;
  align: 'left' | 'right';
  /** The table it belongs to where scores and costs stand apart. */
  part: 'scores' | 'cost';
  /**
   * Place on the terminal: columns with the highest number go first where the width does not allow all; without a number a column
   * does not stand there.
   */
  terminal?: number;
}

export interface Row {
  id: string;
  label: string;
  /** Nothing was measured: the cells are dashes, and the notes say why. */
  empty: boolean;
  /** In the columns' order. */
  cells: Cell[];
  /** Such as `same as top-2` or `collapsed: seed 2`. */
  notes: string[];
  values: Record<string, number | string | null>;
}

export interface Table {
  kind: 'overall' | 'task';
  title: string;
  /** What stands after the title, piece by piece. */
  details: string[];
  /** What its figures need to be read, where their titles do not tell; one line. */
  legend: string;
  columns: Column[];
  rows: Row[];
}

/** Where a column's cells come from. */
export interface ColumnSource<R> extends Column {
  cell(row: R): Cell;
}

/** The columns of one part. */
export function partOf(table: Table, part: Column['part']): Table {
  return pick(
    table,
    table.columns.flatMap((column, index) => (column.part === part ? [index] : [])),
  );
}

/** The columns with these indices, and of each row the cells that belong to them. */
export function pick(table: Table, kept: number[]): Table {
  return {
    ...table,
    columns: kept.map((index) => table.columns[index]),
    rows: table.rows.map((row) => ({ ...row, cells: kept.map((index) => row.cells[index]) })),
  };
}

export function hasPart(table: Table, part: Column['part']): boolean {
  return table.columns.some((column) => column.part === part);
}
