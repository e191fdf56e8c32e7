/** A task's rows: what they are called, what is to be noted, and whose figures they show. */
import type { ComparisonRow, TaskTable } from '../../comparison/types.js';
import { formatInteger } from '../format.js';
import { shortArm } from '../training.js';

export interface DescribedRow {
  id: string;
  label: string;
  empty: boolean;
  notes: string[];
  values: Record<string, number | string | null>;
}

export function taskTitle(table: TaskTable): { title: string; details: string[] } {
  const counts = table.rows.map(({ scores }) => scores.length).filter((count) => count > 0);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const seeds =
    counts.length === 0 ? 'no runs' : `${least < most ? `${least}-` : ''}${most} seed${most > 1 ? 's' : ''}`;
  const encoder = `${table.model} (${table.layers} layers)`;
  return { title: `${table.task.name}, dev`, details: [seeds, `${formatInteger(table.examples)} examples`, encoder] };
}

/**
 * The row as tables name it: its id, with the arm's layers behind the arm's name (`selected-2 (3-4 @ 4), lora rank 8`). An arm that
 * does not exist has no layers to tell.
 */
export function rowLabel({ id, arm, layers, scores }: ComparisonRow): string {
  const named = shortArm(arm, layers);
  if (scores.length === 0 || id.startsWith(named) || !id.startsWith(arm.name)) return id;
  return named + id.slice(arm.name.length);
}

export function describeRow(row: ComparisonRow, table: TaskTable): DescribedRow {
  return {
    id: row.id,
    label: rowLabel(row),
    empty: row.scores.length === 0,
    notes: notesOf(row),
    values: {
      task: table.task.name,
      model: table.model,
      examples: table.examples,
      row: row.id,
      arm: row.arm.name,
      method: row.method,
      bottom: row.arm.bottom,
      top: row.arm.top,
      head: row.arm.head > 0 ? row.arm.head : null,
      layers: row.layers,
      same_as: row.sameAs ?? null,
      collapsed_seeds: row.collapsed.join(' '),
      note: row.note ?? null,
    },
  };
}

function notesOf({ sameAs, collapsed, scores, note }: ComparisonRow): string[] {
  const notes: string[] = [];
  if (sameAs !== undefined) notes.push(`same as ${sameAs}`);
  if (collapsed.length > 0 && sameAs === undefined) notes.push(describeCollapse(collapsed, scores.length));
  if (note !== undefined && note !== '' && !notes.includes(note)) notes.push(note);
  return notes;
}

function describeCollapse(collapsed: number[], runs: number): string {
  if (collapsed.length === runs) return runs === 1 ? 'collapsed' : `collapsed: all ${runs} seeds`;
  return `collapsed: seed${collapsed.length > 1 ? 's' : ''} ${collapsed.join(', ')}`;
}

/** Highest mean of the rows that ran, where at least two did. */
export function bestMean(table: TaskTable): number | undefined {
  const means = table.rows.filter(({ scores, sameAs }) => scores.length > 0 && sameAs === undefined).map((r) => r.mean);
  return means.length > 1 ? Math.max(...means) : undefined;
}

/** Names of the metrics, where the task has more than one. */
export function metricNames(table: TaskTable): string[] {
  const named = new Set(table.rows.flatMap(({ metrics }) => Object.keys(metrics)));
  named.delete('score');
  return named.size > 1 ? [...named] : [];
}
