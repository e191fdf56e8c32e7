/** Reads grid.json, which a grid leaves in its folder: which row of which table stands for which run folders. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { CheckpointError, UserError } from '../errors.js';
import { readJson } from '../files.js';
import type { SelectResult } from '../pipeline/types.js';
import { readRunRecord } from './run-record.js';
import type { Measuring, Remark, RunRecord } from './types.js';

const AGAIN = 'run the grid again: what is finished is not run twice, and what is damaged is made anew';

const layer = z.int().nullable();
const schema = z.looseObject({
  format: z.literal(1),
  reference: z.string(),
  margin: z.number(),
  notes: z.array(z.string()),
  tables: z.array(
    z.looseObject({
      model: z.string(),
      task: z.string(),
      selection: z.string().optional(),
      lostSeconds: z.number().optional(),
      rows: z.array(
        z.looseObject({
          id: z.string(),
          name: z.string(),
          triple: z.looseObject({ bottom: layer, top: layer, head: z.int() }).optional(),
          measured: z.boolean().optional(),
          sameAs: z.string().optional(),
          note: z.string().optional(),
          searchSeconds: z.number(),
          trials: z.array(z.looseObject({ rate: z.number(), score: z.number().nullable() })).optional(),
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
  const parsed = schema.safeParse(readJson(file, AGAIN));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CheckpointError(`"${issue?.path.join('.')}" is missing or not as a grid writes it`, {
      file,
      hint: AGAIN,
    });
  }
  const { tables, notes, reference, margin } = parsed.data;
  const gathered: GatheredGrid = { records: [], remarks: [], notes: [...notes], reference, margin };
  for (const table of tables) {
    const selection = selectionOf(table, file);
    const measuring = selection && measuringOf(selection, table.lostSeconds);
    for (const row of table.rows) {
      const records = finishedRuns(row, file).map((run) =>
        recordOf(run, table.model, row, selection, row.measured ? measuring : undefined),
      );
      gathered.records.push(...records);
      const remark = remarkOf(table, row, records[0]?.method, row.measured ? measuring : undefined);
      if (remark) gathered.remarks.push(remark);
    }
    if (selection && measuring) {
      const { others } = secondsOf(selection);
      const rounded = (seconds: number) => Number(seconds.toPrecision(2));
      const lost = table.lostSeconds
        ? `, ${rounded(table.lostSeconds)} s of them in attempts that came to nothing`
        : '';
      const judged = others > 0 ? `; further scores took ${rounded(others)} s, which no arm counts` : '';
      gathered.notes.push(
        `${table.task}: measuring the layers of ${table.model} took ${rounded(measuring.seconds)} s${lost}, once for all runs; each arm that it places counts it in full${judged}`,
      );
    }
  }
  return gathered;
}

/** A run that an earlier grid made may stand there under another arm's name: names are those of the table and its row. */
function recordOf(
  { folder, lostSeconds = 0 }: FinishedRun,
  model: string,
  row: GridRow,
  selection: SelectResult | undefined,
  measuring: Measuring | undefined,
): RunRecord {
  const record = readGridRun(folder);
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
    model,
    arm: { ...record.arm, name: row.name },
    method: methodOf(row) ?? record.method,
    cost: { ...cost, seconds },
    ...(measuring ? { measuring } : {}),
    ...(selection ? { selection } : {}),
  };
}

/** Whatever is wrong with a grid's run, the grid mends it. */
function readGridRun(folder: string): RunRecord {
  try {
    return readRunRecord(folder);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new CheckpointError(cause.message, { ...cause.place, hint: AGAIN, cause });
  }
}

/** Seconds of the pass and of the score that chooses, and those of scores that were asked for beside it. */
function secondsOf({ seconds, score, scores }: SelectResult): { choosing: number; others: number } {
  const others = scores
    .filter(({ name }) => name !== 'nu' && name !== score)
    .reduce((sum, each) => sum + each.seconds, 0);
  return { choosing: seconds - others, others };
}

/** `lost`: seconds of attempts that were killed or failed. */
function measuringOf(selection: SelectResult, lost = 0): Measuring {
  return { flops: selection.flops ?? null, seconds: secondsOf(selection).choosing + lost };
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
  return existsSync(path) ? (readJson(path, AGAIN) as SelectResult) : undefined;
}

/** What no run folder tells of a row; undefined where there is nothing. */
function remarkOf(
  { task, model }: GridTable,
  row: GridRow,
  method: string | undefined,
  measuring: Measuring | undefined,
): Remark | undefined {
  const { name, triple, sameAs, runs, trials = [] } = row;
  const untried = trials.filter(({ score }) => score === null).map(({ rate }) => rate);
  const failed = runs.filter(({ failure }) => failure !== undefined);
  const notes = [
    ...(row.note === undefined ? [] : [row.note]),
    ...(failed.length > 0 ? [`${failed.length} of ${runs.length} seeds have no result: ${failed[0]?.failure}`] : []),
    // Where all of them failed, the row's own note says so.
    ...(untried.length > 0 && untried.length < trials.length
      ? [`${untried.length} of ${trials.length} trials of its learning rate failed (${untried.join(', ')})`]
      : []),
  ];
  const note = notes.length > 0 ? notes.join('; ') : undefined;
  if (note === undefined && sameAs === undefined) return undefined;
  return {
    task,
    model,
    arm: name,
    method: methodOf(row) ?? method ?? '',
    ...(triple ? { triple: { bottom: triple.bottom, top: triple.top, head: triple.head } } : {}),
    ...(measuring ? { measuring } : {}),
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
