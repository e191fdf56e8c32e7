/** A comparison as CSV (RFC 4180): one line for each row of each table, figures in full. */
import type { Comparison } from '../../comparison/types.js';
import { tablesOf } from './tables.js';

export type Value = number | string | null | undefined;

/** `table` says which a line belongs to: `overall` or `task`; the columns are those of all tables together. */
export function renderCsv(comparison: Comparison): string {
  const records = tablesOf(comparison).flatMap(({ kind, rows }) =>
    rows.map(
      ({ values, cells }) =>
        new Map<string, Value>([
          ['table', kind],
          ...Object.entries(values),
          ...cells.flatMap((cell) => Object.entries(cell.values ?? {})),
        ]),
    ),
  );
  const names = [...new Set(['table', 'task', 'model', 'row', ...records.flatMap((record) => [...record.keys()])])];
  const lines = [names, ...records.map((record) => names.map((name) => record.get(name)))];
  return `${lines.map((line) => line.map(quote).join(',')).join('\r\n')}\r\n`;
}

/** Numbers as short as they can be read back exactly; what is not a number is empty. */
export function quote(value: Value): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
