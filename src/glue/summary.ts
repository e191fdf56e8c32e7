/** What a grid came to, as a file (grid.json) and as plain text. */
import { join } from 'node:path';
import { writeFileWhole } from '../files.js';
import type { GridTable, Outcome } from './execute.js';
import type { Prepared } from './prepare.js';
import { isSearch } from './search.js';

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

export function writeGrid(output: string, document: GridDocument): void {
  writeFileWhole(join(output, GRID_FILE), `${JSON.stringify(document, null, 2)}\n`);
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
  } else notes.push('learning rate: stated, not searched');
  const epoch = training.best === 'last' ? 'the last epoch counts' : 'the best epoch counts';
  notes.push(
    training.cleanSplit > 0
      ? `epoch: ${epoch}, by ${Math.round(100 * training.cleanSplit)} % of train held out by groups that share a text (seed ${splitSeed}); layers, learning rate and epoch see the rest and the held-out rows alone; dev is scored once`
      : `epoch: ${epoch}, by dev, which flatters every arm alike`,
  );
  notes.push(
    `seconds: ${jobs === 1 ? 'one run at a time' : `${jobs} runs side by side`}, ${threads} thread${threads > 1 ? 's' : ''} each; attempts that were killed count`,
  );
  if (seeds.length > 1)
    notes.push(`clean split, samples, measured layers and random arms are the same for all seeds (seed ${splitSeed})`);
  return notes;
}

/** Scores alone, a line an arm. */
export function plainList(tables: readonly GridTable[]): string {
  const points = (score: number | undefined) => (score === undefined ? '–' : (100 * score).toFixed(1));
  return tables
    .map(({ task, model, rows }) => {
      const width = Math.max(...rows.map(({ id }) => id.length));
      const lines = rows.map(({ id, runs, sameAs, note }) => {
        const scores = runs.map(({ score }) => points(score).padStart(5)).join('  ');
        return `${id.padEnd(width)}  ${sameAs === undefined ? scores || (note ?? '–') : `same as ${sameAs}`}`;
      });
      return [`${task}, dev, ${model}`, ...lines].join('\n');
    })
    .join('\n\n');
}
