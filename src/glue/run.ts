/** A grid from its file to its document: under a lock, in lanes, resumable at any moment. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../errors.js';
import { displayPath, makeFolders } from '../files.js';
import { claimFolder } from '../lock.js';
import type { Reporter } from '../pipeline/types.js';
import { cellAt, countCells } from './cells.js';
import type { Launcher } from './child.js';
import type { Stage } from './context.js';
import { largestMemory } from './estimate.js';
import { execute } from './execute.js';
import { availableMemory, cores, createLanes, type Division, divide } from './lanes.js';
import type { Outcome } from './outcome.js';
import type { Prepared } from './prepare.js';
import { createLedger } from './progress.js';
import { makeStore } from './store.js';
import { type GridDocument, gridDocument, writeGrid } from './summary.js';

export interface GridOptions {
  /** The grid's folder. */
  output: string;
  /** Where runs and measurements lie; `output` unless several grids share them. */
  store?: string;
  jobs?: number;
  /** How spantune starts itself. */
  launcher: Launcher;
  reporter: Reporter;
  signal: AbortSignal;
}

/**
 * Runs the whole grid and writes grid.json; `look`: of what is finished, starting nothing. Throws a `UserError` where another process
 * is at it, `Interrupted` when stopped.
 */
export async function runGrid(prepared: Prepared, options: GridOptions, { look = false } = {}): Promise<GridDocument> {
  const { output } = options;
  claim(output);
  const lock = claimFolder(
    join(output, 'grid.lock'),
    'another grid',
    'wait for it, or name another folder with --output; --store shares finished runs between two',
  );
  try {
    const division = divisionOf(prepared, options.jobs);
    const outcome = await run(prepared, options, division, look ? { until: 'look' } : {});
    const document = gridDocument(prepared, outcome, division);
    writeGrid(output, document);
    return document;
  } finally {
    lock.release();
  }
}

/**
 * One cell, with what it needs of measurements and trials, or one stage of it. Any number of these may work on one folder: what
 * another computes is waited for.
 */
export async function runCell(
  prepared: Prepared,
  cell: number | undefined,
  until: Stage,
  options: GridOptions,
): Promise<Outcome> {
  claim(options.output);
  const only = cell === undefined ? undefined : cellAt(prepared, cell);
  const division =
    cell === undefined ? divisionOf(prepared, options.jobs) : { jobs: 1, threads: threadsOf(prepared) ?? cores() };
  return run(prepared, options, division, { only, until });
}

/** What of a grid is finished in a store. Starts and writes nothing. */
export function lookUp(prepared: Prepared, store: string): Promise<Outcome> {
  return execute(prepared, {
    store: { folder: resolve(store), threads: 1, launcher: [], signal: new AbortController().signal },
    lanes: createLanes(1, new AbortController().signal),
    ledger: createLedger({ progress: () => {}, log: () => {} }),
    output: store,
    until: 'look',
  });
}

/** How many runs side by side, with how many threads each. */
export function divisionOf(prepared: Prepared, jobs?: number): Division {
  const threads = threadsOf(prepared);
  const need = largestOf(prepared);
  return divide({ jobs, threads, cores: cores(), runs: countCells(prepared), need, memory: availableMemory() });
}

/** Bytes of the largest process that there may be. */
export function largestOf({ pairs }: Prepared): number {
  return Math.max(
    ...pairs.flatMap(({ model, configs }) => configs.map((config) => largestMemory(model.config, config))),
  );
}

/** As the grid states them. */
export const threadsOf = ({ pairs }: Prepared) => pairs[0].configs[0].engine.threads ?? undefined;

function run(
  prepared: Prepared,
  { output, store = output, launcher, reporter, signal }: GridOptions,
  { jobs, threads }: Division,
  part: { only?: { pair: number; arm: number; seed: number }; until?: Stage | 'look' },
): Promise<Outcome> {
  if (part.until !== 'look') makeStore(store);
  return execute(prepared, {
    store: { folder: resolve(store), threads, launcher, signal },
    lanes: createLanes(jobs, signal),
    ledger: createLedger(reporter),
    output,
    ...part,
  });
}

/** Makes the grid's folder. A run's folder is no grid's. */
function claim(output: string): void {
  if (existsSync(join(output, 'result.json'))) {
    throw new UserError('holds a run, not a grid', {
      file: displayPath(output),
      hint: 'name another folder with --output',
    });
  }
  makeFolders(output);
}
