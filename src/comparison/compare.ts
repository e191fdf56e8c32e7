/** Runs side by side: tables by task and model, differences from a reference, means over tasks. */
import { testDifferences } from './differences.js';
import { notesOf } from './notes.js';
import { overallRows } from './overall.js';
import { draftTables } from './tables.js';
import type { Comparison, ComparisonOptions, Remark, RunRecord } from './types.js';

export interface CompareContext {
  /** Rows of a plan that have no runs, or fewer than planned. */
  remarks?: readonly Remark[];
  /** How the runs came about; they stand before the comparison's own notes. */
  notes?: readonly string[];
}

/**
 * Compares runs; docs/comparing.md says how. Takes about a second for 24 runs on MRPC, and 20 on QQP.
 *
 * @throws UserError where runs cannot stand in one table: other dev sets, a seed twice, a reference that several rows bear.
 */
export function compare(
  records: readonly RunRecord[],
  options: ComparisonOptions,
  { remarks = [], notes = [] }: CompareContext = {},
): Comparison {
  const drafts = draftTables(records, remarks, options.reference);
  const tested = testDifferences(drafts, options);
  const tables = drafts.map(({ table }) => table);
  const overall = overallRows(tables);
  return {
    tables,
    overall,
    options,
    comparisons: tested.comparisons,
    notes: [...notes, ...notesOf({ tables, overall, tested, options, remarks })],
  };
}
