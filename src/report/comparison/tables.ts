/** From a comparison to its tables. */
import type { Comparison, TaskTable } from '../../comparison/types.js';
import type { Cell, Table } from './cells.js';
import { costColumns } from './cost-columns.js';
import { NONE } from './figures.js';
import { overallTable } from './overall-table.js';
import { scoreColumns } from './score-columns.js';
import { describeRow, taskTitle } from './task-rows.js';

/** The overall table first, where there are two tasks or more, then one of each task and model. */
export function tablesOf(comparison: Comparison): Table[] {
  return [...overallTables(comparison), ...comparison.tables.map((table) => taskTable(table, comparison))];
}

function overallTables(comparison: Comparison): Table[] {
  return comparison.overall.length > 0 ? [overallTable(comparison)] : [];
}

export function taskTable(table: TaskTable, { options }: Pick<Comparison, 'options'>): Table {
  const all = [...scoreColumns(table, options.reference), ...costColumns(table)];
  // What no run tells has no column.
  const sources = all.filter(
    ({ part, cell }) => part === 'scores' || table.rows.some((row) => cell(row).text !== NONE),
  );
  const { title, details } = taskTitle(table);
  return {
    kind: 'task',
    title,
    details,
    legend: '',
    columns: sources.map(({ cell: _, ...column }) => column),
    rows: table.rows.map((row) => ({
      ...describeRow(row, table),
      cells: sources.map(({ cell }) => (row.sameAs === undefined ? cell(row) : borrowed(cell(row)))),
    })),
  };
}

/** Another row's figures: shown, but neither marked nor told to machines a second time. */
function borrowed({ text, short, sort }: Cell): Cell {
  return {
    text,
    ...(short === undefined ? {} : { short }),
    sort,
    ...(text === '' ? {} : { mark: 'borrowed' as const }),
  };
}
