/** From paths to runs: a path may be a run folder, a grid's folder, or a folder that holds run folders. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import { FILES, notARun } from '../pipeline/run-folder.js';
import { gridFileIn, readGrid } from './grid-file.js';
import { readRunRecord } from './run-record.js';
import type { Remark, RunRecord } from './types.js';

/** How deep run folders are looked for below a given folder. */
const DEPTH = 3;
const HINT = 'name run folders, as `spantune train` writes them, a folder that holds some, or the folder of a grid';

export interface Gathered {
  records: RunRecord[];
  /** Rows that have no runs, or fewer than planned. */
  remarks: Remark[];
  notes: string[];
  /** Folders found on the way whose run has not come to its end, or has no weights (trials of a search). */
  leftOut: string[];
  /** What grids among the paths say. */
  reference?: string;
  margin?: number;
}

/**
 * Reads all runs of the paths, each once.
 *
 * @throws UserError where a path holds no run; UserError, CheckpointError, DataError that names the file of a run that is missing or damaged.
 */
export function gatherRuns(paths: readonly string[]): Gathered {
  const gathered: Gathered = { records: [], remarks: [], notes: [], leftOut: [] };
  const seen = new Set<string>();
  const add = (record: RunRecord) => {
    const key = `${realpathSync(record.folder)}\0${record.arm.name}\0${record.method}`;
    if (!seen.has(key)) gathered.records.push(record);
    seen.add(key);
  };
  for (const path of paths) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new UserError('there is no such folder', { file: path, hint: HINT });
    }
    const gridFile = gridFileIn(path);
    if (gridFile !== undefined) {
      const grid = readGrid(gridFile);
      grid.records.forEach(add);
      gathered.remarks.push(...grid.remarks);
      gathered.notes.push(...grid.notes.filter((note) => !gathered.notes.includes(note)));
      gathered.reference ??= grid.reference;
      gathered.margin ??= grid.margin;
      if (grid.records.length === 0) throw new UserError('no run of the grid is finished', { file: path, hint: HINT });
      continue;
    }
    if (isRun(path)) {
      add(readRunRecord(path));
      continue;
    }
    const found = runFoldersIn(path, DEPTH);
    const finished = found.filter(isFinished);
    gathered.leftOut.push(...found.filter((folder) => !finished.includes(folder)));
    if (finished.length === 0) {
      const message = found.length > 0 ? 'no run in there is finished' : 'there is no run in there';
      throw new UserError(message, { file: path, hint: HINT });
    }
    for (const folder of finished) add(readRunRecord(folder));
  }
  return gathered;
}

function runFoldersIn(folder: string, depth: number): string[] {
  if (isRun(folder)) return [folder];
  if (depth === 0) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => join(folder, name))
    .sort()
    .flatMap((inner) => runFoldersIn(inner, depth - 1));
}

const isRun = (folder: string) => notARun(folder) === undefined;
const isFinished = (folder: string) => [FILES.result, FILES.tuned].every((file) => existsSync(join(folder, file)));
