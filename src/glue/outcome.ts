/** What came of a grid, as plain data: grid.json holds it, and the comparison reads it. */
import { formatPoints } from '../report/format.js';
import type { PlannedArm } from './arms.js';
import type { Trial } from './search.js';

export interface GridRun {
  seed: number;
  /** The run folder. */
  folder: string;
  /** Task score on dev; absent where the run did not come to its end. */
  score?: number;
  failure?: string;
  /** Of attempts that were killed or failed: part of the cost. */
  lostSeconds?: number;
}

/** A line of a table: an arm with a method, and what came of it. */
export interface GridRow extends PlannedArm {
  learningRate?: number;
  /** Of the search for it. */
  trials?: (Trial & { folder: string })[];
  /** Of all trials, attempts that were killed included. */
  searchSeconds: number;
  runs: GridRun[];
}

export interface GridTable {
  model: string;
  task: string;
  layers: number;
  /** Where the measured layers are kept. */
  selection?: string;
  /** Of attempts at measuring that were killed or failed. */
  lostSeconds?: number;
  rows: GridRow[];
}

export interface Failure {
  /** Such as `mrpc full seed 1`. */
  what: string;
  folder: string;
  message: string;
  hint?: string;
  /** 2: the user can mend it; 1: our fault. */
  exitCode: number;
}

export interface Outcome {
  tables: GridTable[];
  failures: Failure[];
}

/** What a cell or a stage left finished, a line each. */
export function finishedLines({ tables }: Outcome): string[] {
  const lines = tables.flatMap(({ task, selection, rows }) => [
    ...(selection === undefined ? [] : [`${task}: layers measured`]),
    ...rows.flatMap(({ id, runs, trials = [] }) => [
      ...(trials.length > 0 ? [`${task} ${id}: ${trials.length} trials`] : []),
      ...runs.flatMap(({ seed, score }) =>
        score === undefined ? [] : [`${task} ${id} seed ${seed}: score ${formatPoints(score)}`],
      ),
    ]),
  ]);
  return lines.map((line) => `finished ${line}`);
}
