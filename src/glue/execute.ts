/**
 * Runs a grid: measures the layers of every model and task, places the arms, searches learning rates, tunes. All of it in child
 * processes, as many at once as there are lanes; what fails is noted, and the rest goes on.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Interrupted, SpantuneError } from '../errors.js';
import type { SelectResult } from '../pipeline/types.js';
import { planArms } from './arms.js';
import { lostSeconds, selectionAttempts } from './attempts.js';
import type { ExecuteOptions, Fail } from './context.js';
import { selectionWork } from './estimate.js';
import type { Failure, GridTable, Outcome } from './outcome.js';
import { type Pair, type Prepared, placeName } from './prepare.js';
import { notYet, runRow } from './row.js';
import {
  ensureSelection,
  finishedSelection,
  type Piece,
  type Store,
  selectionFile,
  selectionPiece,
  type Watch,
} from './store.js';

/** Throws `Interrupted` when all children have ended. */
export async function execute(prepared: Prepared, options: ExecuteOptions): Promise<Outcome> {
  const { store, only } = options;
  const failures: Failure[] = [];
  const fail = (what: string, folder: string, error: unknown): string => {
    if (error instanceof Interrupted) return 'interrupted';
    const known = error instanceof SpantuneError;
    const message = known ? error.describe() : String((error as Error)?.message ?? error);
    const failure = {
      what,
      folder,
      message,
      ...(known && error.hint ? { hint: error.hint } : {}),
      exitCode: known ? error.exitCode : 1,
    };
    failures.push(failure);
    if (options.until === 'look') return message;
    appendFileSync(
      join(options.output, 'failures.jsonl'),
      `${JSON.stringify({ time: new Date().toISOString(), ...failure })}\n`,
    );
    options.ledger.log('warn', `${what}: ${message}`);
    return message;
  };
  const pairs = only ? [prepared.pairs[only.pair]] : prepared.pairs;
  const tables = await Promise.all(pairs.map((pair) => runPair(prepared, pair, options, fail)));
  if (store.signal.aborted) throw new Interrupted('what is finished stays; the same command resumes');
  return { tables, failures };
}

async function runPair(prepared: Prepared, pair: Pair, options: ExecuteOptions, fail: Fail): Promise<GridTable> {
  const { grid, methods } = prepared;
  const { model, source, configs } = pair;
  const { only, store, until } = options;
  const measured = pair.measured ? await measure(prepared, pair, options, fail) : {};
  const planned = planArms(
    grid.arms,
    methods,
    { layers: model.config.layers, config: configs[0], seed: grid.values.splitSeed, ...measured },
    grid.values.reference,
  );
  const table: GridTable = {
    model: model.name,
    task: source.task.name,
    layers: model.config.layers,
    ...(measured.selection ? placeOf(selectionFile(store, selectionPiece(configs[0], model, source))) : {}),
    rows: planned.map((arm) => ({ ...arm, searchSeconds: 0, runs: [] })),
  };
  if (until === 'select') return table;
  const wanted = only && (planned[only.arm].sameAs ?? planned[only.arm].id);
  const rows = table.rows.filter(
    ({ id, triple, sameAs }) => triple && sameAs === undefined && (!only || id === wanted),
  );
  await Promise.all(rows.map((row) => runRow(prepared, pair, row, options, fail)));
  return table;
}

function placeOf(selection: string): Pick<GridTable, 'selection' | 'lostSeconds'> {
  const lost = lostSeconds(selectionAttempts(selection));
  return { selection, ...(lost > 0 ? { lostSeconds: lost } : {}) };
}

async function measure(
  prepared: Prepared,
  pair: Pair,
  { store, lanes, ledger, until }: ExecuteOptions,
  fail: Fail,
): Promise<{ selection?: SelectResult; missing?: string }> {
  const { model, source, configs } = pair;
  const piece = selectionPiece(configs[0], model, source);
  const what = `layers of ${placeName(prepared, pair)}`;
  const job = ledger.add('select', what, selectionWork(model.config, source.rows.train));
  try {
    const selection = await lanes.run(() => job.watch(selectionOf(store, piece, until, job)));
    return { selection };
  } catch (error) {
    job.drop();
    return { missing: `the layers could not be measured: ${fail(what, selectionFile(store, piece), error)}` };
  }
}

async function selectionOf(
  store: Store,
  piece: Piece,
  until: ExecuteOptions['until'],
  watch: Watch,
): Promise<SelectResult> {
  if (until !== 'look') return ensureSelection(store, piece, watch);
  return finishedSelection(store, piece) ?? notYet();
}
