/** What a grid came to, as a file (grid.json). */
import { join, relative, resolve } from 'node:path';
import { writeFileWhole } from '../files.js';
import type { Outcome } from './outcome.js';
import type { Prepared } from './prepare.js';
import { isSearch } from './search.js';
import { trainRows } from './sources.js';

/** Written when a grid ends, also where runs failed: which row of which table stands for which run folders. */
export interface GridDocument extends Outcome {
  format: 1;
  grid: string;
  seeds: number[];
  reference: string;
  margin: number;
  /** What a reader of the tables has to know of how the runs came about. */
  notes: string[];
}

export const GRID_FILE = 'grid.json';

export function gridDocument(
  prepared: Prepared,
  outcome: Outcome,
  division: { jobs: number; threads: number },
): GridDocument {
  const { values, file } = prepared.grid;
  const { seeds, reference, margin } = values;
  return { format: 1, grid: file, seeds, reference, margin, notes: notesOf(prepared, division), ...outcome };
}

/** Paths are written relative to the folder, so that it can be moved. */
export function writeGrid(output: string, document: GridDocument): void {
  const near = (path: string) => relative(resolve(output), path) || '.';
  const tables = document.tables.map((table) => ({
    ...table,
    ...(table.selection === undefined ? {} : { selection: near(table.selection) }),
    rows: table.rows.map((row) => ({
      ...row,
      ...(row.trials ? { trials: row.trials.map((trial) => ({ ...trial, folder: near(trial.folder) })) } : {}),
      runs: row.runs.map((run) => ({ ...run, folder: near(run.folder) })),
    })),
  }));
  writeFileWhole(join(output, GRID_FILE), `${JSON.stringify({ ...document, tables }, null, 2)}\n`);
}

/** Held-out rows below which the standard error of a score may be five points. */
const FEW = 100;

function fewHeldOut(pairs: Prepared['pairs']): string[] {
  const few = new Map(pairs.map(({ source, configs }) => [source.task.name, trainRows(source, configs[0]).heldOut]));
  return [...few].flatMap(([task, rows]) =>
    rows < FEW ? [`${task}: some ${rows} rows are held out, so few that chance has its say in rate and epoch`] : [],
  );
}

/** How learning rates and epochs were chosen, and beside what seconds were taken. */
export function notesOf({ grid, pairs }: Prepared, { jobs, threads }: { jobs: number; threads: number }): string[] {
  const { learningRate, splitSeed, seeds } = grid.values;
  const notes: string[] = [];
  const { training } = pairs[0].configs[0];
  if (isSearch(learningRate)) {
    const { seed, selection } = learningRate.search;
    notes.push(
      selection === 'clean'
        ? `learning rate: searched for each task, arm and method with seed ${seed}, which no final run has; the score on rows held out of train decides, by groups that share a text; the search's seconds are part of the cost`
        : `learning rate: searched for each task, arm and method with seed ${seed}, which no final run has; the score on dev decides, which flatters every arm alike; the search's seconds are part of the cost`,
    );
    if (selection === 'clean') notes.push(...fewHeldOut(pairs));
  } else notes.push('learning rate: stated, not searched');
  const last = training.best === 'last';
  const heldOut = `${Math.round(100 * training.cleanSplit)} % of train held out by groups that share a text (seed ${splitSeed})`;
  if (training.cleanSplit > 0) {
    const epoch = last ? `the last one counts; ${heldOut}` : `the best one counts, by ${heldOut}`;
    notes.push(
      `epoch: ${epoch}; layers, learning rate and epoch see the rest and the held-out rows alone; dev is scored once`,
    );
  } else {
    notes.push(
      `epoch: ${last ? 'the last one counts, so that dev chooses none' : 'the best one counts, by dev, which flatters every arm alike'}`,
    );
  }
  notes.push(
    `seconds: ${jobs === 1 ? 'one run at a time' : `${jobs} runs side by side`}, ${threads} thread${threads > 1 ? 's' : ''} each; attempts that were killed count`,
  );
  if (seeds.length > 1)
    notes.push(`clean split, samples, measured layers and random arms are the same for all seeds (seed ${splitSeed})`);
  return notes;
}
