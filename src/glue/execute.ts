/**
 * Runs a grid: measures the layers of every model and task, places the arms, searches learning rates, tunes. All of it in child
 * processes, as many at once as there are lanes; what fails is noted, and the rest goes on.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunConfig } from '../config/schema.js';
import { Interrupted, SpantuneError, UserError } from '../errors.js';
import type { SelectResult, TrainResult } from '../pipeline/types.js';
import type { Triple } from '../selection/arms.js';
import { type PlannedArm, planArms, rateKeys } from './arms.js';
import { lostSeconds } from './attempts.js';
import { selectionWork, workOf } from './estimate.js';
import type { Lanes } from './lanes.js';
import type { Pair, Prepared } from './prepare.js';
import type { Ledger } from './progress.js';
import { ratePlan, searchRate, type Trial } from './search.js';
import {
  ensureRun,
  ensureSelection,
  finishedRun,
  finishedSelection,
  type Piece,
  runFolder,
  runPiece,
  type Store,
  selectionFile,
  selectionPiece,
  type Watch,
} from './store.js';

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

export type Stage = 'select' | 'search' | 'run';

export interface ExecuteOptions {
  store: Store;
  lanes: Lanes;
  ledger: Ledger;
  /** The grid's own folder: failures are noted there. */
  output: string;
  /** Goes as far as this; `look`: takes what is finished, and starts nothing. */
  until?: Stage | 'look';
  /** One cell alone; see `cells.ts`. */
  only?: { pair: number; arm: number; seed: number };
}

/** Throws `Interrupted` when all children have ended. */
export async function execute(prepared: Prepared, options: ExecuteOptions): Promise<Outcome> {
  const { store, only } = options;
  const failures: Failure[] = [];
  mkdirSync(options.output, { recursive: true });
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

type Fail = (what: string, folder: string, error: unknown) => string;

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
    ...(measured.selection ? { selection: selectionFile(store, selectionPiece(configs[0], model, source)) } : {}),
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

/** The search, if there is one, then a run for each seed. */
async function runRow(
  prepared: Prepared,
  pair: Pair,
  row: GridRow,
  options: ExecuteOptions,
  fail: Fail,
): Promise<void> {
  const { store, only, until } = options;
  const { values } = prepared.grid;
  const { triple } = row;
  if (!triple) return;
  const plan = ratePlan(values.learningRate, rateKeys(triple, pair.model.config.layers, prepared.tunings[row.method]));
  if (!plan) return;
  const named = `${placeName(prepared, pair)} ${row.id}`;
  const seeds = only ? [only.seed] : values.seeds;
  const finals = seeds.map((seed) => ({
    seed,
    job: options.ledger.add('tune', `${named} seed ${seed}`, work(pair, row, triple)),
  }));
  if (plan.kind === 'fixed') row.learningRate = plan.rate;
  else {
    const { rates, search } = plan;
    // Announced together, so that the time left knows of them.
    const jobs = new Map(
      rates.map((rate) => [rate, options.ledger.add('search', `${named} at ${rate}`, work(pair, row, triple))]),
    );
    const trials: GridRow['trials'] = [];
    row.trials = trials;
    const found = await searchRate(rates, async (rate) => {
      const piece = pieceOf(pair, row, triple, rate, search.seed, true);
      const what = `${named}, trial at ${rate}`;
      const job = jobs.get(rate) ?? options.ledger.add('search', `${named} at ${rate}`, work(pair, row, triple));
      let score: number | null = null;
      try {
        const result = await options.lanes.run(() => job.watch(resultOf(store, piece, false, until, job)));
        score = decisive(result, search.selection);
        row.searchSeconds += result.seconds.total ?? 0;
      } catch (error) {
        job.drop();
        fail(what, runFolder(store, piece), error);
      }
      row.searchSeconds += lostSeconds(runFolder(store, piece));
      trials.push({ rate, score, folder: runFolder(store, piece) });
      return score;
    });
    trials.sort((a, b) => a.rate - b.rate);
    row.learningRate = found.best;
    if (found.best === undefined) row.note = 'no trial of the search for a learning rate came to its end';
  }
  const rate = row.learningRate;
  if (until === 'search' || rate === undefined) {
    for (const { job } of finals) job.drop();
    return;
  }
  await Promise.all(
    finals.map(async ({ seed, job }) => {
      const piece = pieceOf(pair, row, triple, rate, seed, false);
      const run: GridRun = { seed, folder: runFolder(store, piece) };
      row.runs.push(run);
      try {
        const result = await options.lanes.run(() => job.watch(resultOf(store, piece, true, until, job)));
        run.score = result.metrics.score;
        options.ledger.score(`${named} seed ${seed}`, run.score);
      } catch (error) {
        job.drop();
        run.failure = fail(`${named} seed ${seed}`, run.folder, error);
      }
      const lost = lostSeconds(run.folder);
      if (lost > 0) run.lostSeconds = lost;
    }),
  );
}

async function resultOf(
  store: Store,
  piece: Piece,
  weights: boolean,
  until: ExecuteOptions['until'],
  watch: Watch,
): Promise<TrainResult> {
  if (until !== 'look') return ensureRun(store, piece, weights, watch);
  return finishedRun(store, piece, weights) ?? notYet();
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

function notYet(): never {
  throw new UserError('not finished yet', { hint: 'run the grid without --stage compare' });
}

/** The configuration of one run, its arm in layer numbers. */
function pieceOf(
  pair: Pair,
  row: GridRow,
  { bottom, top, head }: Triple,
  learningRate: number,
  seed: number,
  trial: boolean,
): Piece {
  const config = pair.configs[row.method];
  const full: RunConfig = {
    ...config,
    arm: { name: row.name, bottom, top, head },
    // Without tuned layers there is no method; one of them runs for all.
    tuning: bottom === null ? 'fine-tune' : config.tuning,
    training: { ...config.training, learningRate },
    measureInference: config.measureInference && !trial,
    seed,
  };
  return runPiece(full, pair.model, pair.source);
}

/** What chooses a learning rate: the score on what is held out of train, or on dev. */
function decisive(result: TrainResult, selection: 'clean' | 'dev'): number | null {
  const score = selection === 'clean' ? result.heldOutScore : result.metrics.score;
  return score === undefined || !Number.isFinite(score) ? null : score;
}

function work({ model, source, configs }: Pair, { method }: GridRow, triple: Triple): number {
  return workOf(triple, model.config, configs[method], source.rows.train);
}

/** The task, with the model where the grid has several. */
export function placeName({ grid }: Prepared, { model, source }: Pair): string {
  return grid.values.models.length > 1 ? `${source.task.name} ${model.name}` : source.task.name;
}
