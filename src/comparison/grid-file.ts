/** Reads grid.json, which a grid leaves in its folder: which row of which table stands for which run folders. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { CheckpointError } from '../errors.js';
import { readJson } from '../files.js';
import type { SelectResult } from '../pipeline/types.js';
import { readRunRecord } from './run-record.js';
import type { Remark, RunRecord } from './types.js';

const layer = z.int().nullable();
const schema = z.looseObject({
  reference: z.string(),
  margin: z.number(),
  notes: z.array(z.string()),
  tables: z.array(
    z.looseObject({
      model: z.string(),
      task: z.string(),
      selection: z.string().optional(),
      rows: z.array(
        z.looseObject({
          id: z.string(),
          name: z.string(),
          triple: z.looseObject({ bottom: layer, top: layer, head: z.int() }).optional(),
          sameAs: z.string().optional(),
          note: z.string().optional(),
          searchSeconds: z.number(),
          runs: z.array(
            z.looseObject({
              seed: z.int(),
              folder: z.string(),
              failure: z.string().optional(),
              lostSeconds: z.number().optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});
type GridTable = z.output<typeof schema>['tables'][number];
type GridRow = GridTable['rows'][number];

export interface GatheredGrid {
  records: RunRecord[];
  remarks: Remark[];
  notes: string[];
  /** As the grid says. */
  reference: string;
  margin: number;
}

/** Throws a `CheckpointError` that names the file where it is not what a grid writes, and what reading a run throws. */
export function readGrid(file: string): GatheredGrid {
  const hint = 'run the grid again: what is finished is not run twice';
  const parsed = schema.safeParse(readJson(file, hint));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CheckpointError(`"${issue?.path.join('.')}" is missing or not as a grid writes it`, { file, hint });
  }
  const { tables, notes, reference, margin } = parsed.data;
  const gathered: GatheredGrid = { records: [], remarks: [], notes: [...notes], reference, margin };
  for (const table of tables) {
    const selection = selectionOf(table, file);
    for (const row of table.rows) {
      const records = finishedRuns(row, file).map((run) => recordOf(run, row, selection));
      gathered.records.push(...records);
      const remark = remarkOf(table, row, records[0]?.method);
      if (remark) gathered.remarks.push(remark);
    }
    if (selection) {
      const seconds = selection.seconds.toPrecision(2);
      gathered.notes.push(
        `${table.task}: measuring the layers of ${table.model} took ${Number(seconds)} s, once for all arms and seeds; it is no part of a run's cost`,
      );
    }
  }
  return gathered;
}

/** A run that an earlier grid made may stand there under another arm's name: names are the rows'. */
function recordOf(
  { folder, lostSeconds = 0 }: FinishedRun,
  row: GridRow,
  selection: SelectResult | undefined,
): RunRecord {
  const record = readRunRecord(folder);
  const { cost } = record;
  // Attempts that were killed are part of what the run took, and so is the search for its rate.
  const more: Record<string, number> = {
    ...(lostSeconds > 0 ? { lost: lostSeconds } : {}),
    ...(row.searchSeconds > 0 ? { search: row.searchSeconds } : {}),
  };
  const { total = 0, ...phases } = cost.seconds;
  const seconds = { ...phases, ...more, total: Object.values(more).reduce((sum, each) => sum + each, total) };
  return {
    ...record,
    arm: { ...record.arm, name: row.name },
    method: methodOf(row) ?? record.method,
    cost: { ...cost, seconds },
    ...(selection ? { selection } : {}),
  };
}

interface FinishedRun {
  folder: string;
  lostSeconds?: number;
}

const finishedRuns = (row: GridRow, file: string): FinishedRun[] =>
  row.runs
    .filter(({ failure }) => failure === undefined)
    .map(({ folder, lostSeconds }) => ({ folder: placed(folder, 'runs', file), lostSeconds }));

/** Paths are those of the machine that ran the grid; a folder that was moved as a whole has the same things in it. */
function placed(path: string, kind: 'runs' | 'selections', file: string): string {
  const there = resolve(dirname(file), path);
  const moved = join(dirname(file), kind, basename(path));
  return !existsSync(there) && existsSync(moved) ? moved : there;
}

function selectionOf({ selection }: GridTable, file: string): SelectResult | undefined {
  if (selection === undefined) return undefined;
  const path = placed(selection, 'selections', file);
  return existsSync(path) ? (readJson(path) as SelectResult) : undefined;
}

/** What no run folder tells of a row; undefined where there is nothing. */
function remarkOf({ task, model }: GridTable, row: GridRow, method: string | undefined): Remark | undefined {
  const { name, triple, sameAs, runs } = row;
  const failed = runs.filter(({ failure }) => failure !== undefined);
  const failure =
    failed.length > 0 ? `${failed.length} of ${runs.length} seeds failed: ${failed[0]?.failure}` : undefined;
  const note = row.note ?? failure;
  if (note === undefined && sameAs === undefined) return undefined;
  return {
    task,
    model,
    arm: name,
    method: methodOf(row) ?? method ?? '',
    ...(triple ? { triple: { bottom: triple.bottom, top: triple.top, head: triple.head } } : {}),
    ...(note === undefined ? {} : { note }),
  };
}

/** A grid with several methods names them in its rows. */
function methodOf({ id, name }: GridRow): string | undefined {
  return id.startsWith(`${name}, `) ? id.slice(name.length + 2) : undefined;
}

export const gridFileIn = (folder: string): string | undefined => {
  const file = join(folder, 'grid.json');
  return existsSync(file) ? file : undefined;
};
