/** One line of a table: the search for its learning rate, then a run for each seed. */
import type { RunConfig } from '../config/schema.js';
import { UserError } from '../errors.js';
import type { TrainResult } from '../pipeline/types.js';
import type { Triple } from '../selection/arms.js';
import { rateKeys } from './arms.js';
import { lostSeconds, runAttempts } from './attempts.js';
import type { ExecuteOptions, Fail } from './context.js';
import { workOf } from './estimate.js';
import type { GridRow, GridRun } from './outcome.js';
import { type Pair, type Prepared, placeName } from './prepare.js';
import { ratePlan, searchRate } from './search.js';
import { ensureRun, finishedRun, type Piece, runFolder, runPiece, type Store, type Watch } from './store.js';

/** The search, if there is one, then a run for each seed. */
export async function runRow(
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
  if (!plan) {
    row.note = 'the grid states no learning rate for it';
    return;
  }
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
        const result = await options.lanes.run(
          () => job.watch(resultOf(store, piece, false, until, job)),
          rates.indexOf(rate),
        );
        score = decisive(result, search.selection);
        row.searchSeconds += result.seconds.total ?? 0;
      } catch (error) {
        job.drop();
        fail(what, runFolder(store, piece), error);
      }
      row.searchSeconds += lostSeconds(runAttempts(runFolder(store, piece)));
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
    // Seeds, like trials, take turns over all rows: the first run of a row leaves its cached states to the others.
    finals.map(async ({ seed, job }, turn) => {
      const piece = pieceOf(pair, row, triple, rate, seed, false);
      const run: GridRun = { seed, folder: runFolder(store, piece) };
      row.runs.push(run);
      try {
        const result = await options.lanes.run(() => job.watch(resultOf(store, piece, true, until, job)), turn);
        run.score = result.metrics.score;
        options.ledger.score(`${named} seed ${seed}`, run.score);
      } catch (error) {
        job.drop();
        run.failure = fail(`${named} seed ${seed}`, run.folder, error);
      }
      const lost = lostSeconds(runAttempts(run.folder));
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

export function notYet(): never {
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
