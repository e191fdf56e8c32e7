/** A comparison as JSON: all that its tables are made of, without the long arrays of each run. */
import type { Comparison, RunRecord } from '../../comparison/types.js';

/** A run without its predictions and its loss step by step. */
export type RunSummary = Omit<RunRecord, 'splits' | 'steps'> & { splits: { split: string; examples: number }[] };

/** Two blanks of indentation. What is not a number (NaN, Infinity) is null. */
export function renderJson({ tables, ...rest }: Comparison): string {
  const document = { ...rest, tables: tables.map((table) => ({ ...table, records: table.records.map(summary) })) };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function summary({ splits, steps: _, ...record }: RunRecord): RunSummary {
  return { ...record, splits: splits.map(({ split, gold }) => ({ split, examples: gold.length })) };
}
