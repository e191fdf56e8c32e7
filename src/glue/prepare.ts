/** From a grid's file to what runs of each model and task have in common. Whatever the user can have got wrong is found here. */

import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { methodLabel } from '../config/method-label.js';
import type { RunConfig } from '../config/schema.js';
import { UserError } from '../errors.js';
import type { Tuning } from '../model/tuning.js';
import { NoSuchArmError, needsSelection, tunesNoLayer } from '../selection/arms.js';
import { checkArm, rateKeys } from './arms.js';
import { checkTaskNames, type Grid } from './grid.js';
import { isSearch, ratePlan } from './search.js';
import { describeModel, describeTask, type Model, type TaskSource, trainRows } from './sources.js';

/** One model on one task. */
export interface Pair {
  model: Model;
  source: TaskSource;
  /** By method; arm, learning rate and seed are yet to be set. */
  configs: RunConfig[];
  /** Whether an arm has to wait for the layers to be measured. */
  measured: boolean;
}

export interface Prepared {
  grid: Grid;
  /** Names of the methods, in the grid's order. */
  methods: string[];
  tunings: Tuning[];
  pairs: Pair[];
}

/** `absent`: models without weights and GLUE tasks without files will do, for a dry run. Throws a `ConfigError` with its place. */
export function prepare(grid: Grid, { absent = false } = {}): Prepared {
  checkTaskNames(grid);
  const { models, tasks, methods } = grid.values;
  const sources = new Map<number, TaskSource>();
  const described = models.map((_, m) => {
    const model = at(grid, ['models', String(m)], () => describeModel(grid.configOf(m, 0, 0).model));
    if (!model.complete && !absent) at(grid, ['models', String(m)], () => void model.hash());
    return model;
  });
  checkModels(grid, described);
  const pairs = tellApart(described).flatMap((model, m) =>
    tasks.map((_, t): Pair => {
      const configs = methods.map((__, method) => grid.configOf(m, t, method));
      const source = sources.get(t) ?? at(grid, ['tasks', String(t)], () => describeTask(configs[0].task, { absent }));
      sources.set(t, source);
      checkArms(grid, model, configs[0]);
      return { model, source, configs, measured: grid.arms.some(needsSelection) };
    }),
  );
  checkShares(grid, pairs);
  const tunings = pairs[0].configs.map(({ tuning }, i) => stated(tuning, grid, i));
  checkRates(grid, pairs, tunings);
  const labels = tunings.map(methodLabel);
  checkReference(grid, labels);
  return { grid, pairs, tunings, methods: labels };
}

/** Folders of one name are called by as many of the folders above them as it takes. */
function tellApart(models: readonly Model[]): Model[] {
  const called = (folder: string, depth: number) => resolve(folder).split(sep).slice(-depth).join('/');
  return models.map((model) => {
    const others = models.filter(({ folder }) => resolve(folder) !== resolve(model.folder));
    let depth = 1;
    while (others.some(({ folder }) => called(folder, depth) === called(model.folder, depth))) depth++;
    return { ...model, name: called(model.folder, depth) };
  });
}

/** One model by two names would run once and stand in the plan twice. */
function checkModels({ values, fail }: Grid, models: readonly Model[]): void {
  if (models.length === 1) return;
  const seen = new Map<string, string>();
  models.forEach((model, m) => {
    const name = values.models[m];
    const key = model.complete ? `${model.hash()} ${model.tokenizerHash()}` : realpathSync(model.folder);
    const other = seen.get(key);
    if (other !== undefined)
      fail(['models', String(m)], `"${name}" and "${other}" are the same model`, 'keep one of the two');
    seen.set(key, name);
  });
}

/** A single held-out row says nothing of a rate; where they are few, the comparison's notes say so. */
function checkShares({ values: { learningRate }, fail }: Grid, pairs: readonly Pair[]): void {
  if (!isSearch(learningRate) || learningRate.search.selection === 'dev') return;
  for (const { source, configs } of pairs) {
    const { used, heldOut } = trainRows(source, configs[0]);
    if (heldOut > 1) continue;
    const message = `a share of ${configs[0].training.cleanSplit} of the ${used} rows of ${source.task.name} holds out ${heldOut}`;
    fail(['learningRate', 'search', 'share'], message, 'hold out more, or state the rates, or selection: dev');
  }
}

/** Adapters brought along from Python say their method in their own folder, so a grid has to state it beside it. */
function stated(tuning: RunConfig['tuning'], grid: Grid, index: number): Tuning {
  if (typeof tuning === 'string' || 'method' in tuning) return tuning;
  return grid.fail(
    ['methods', String(index)],
    'a grid needs the method of an adapter',
    'such as { method: lora, from: DIR }',
  );
}

function checkArms({ arms, values, fail }: Grid, model: Model, config: RunConfig): void {
  arms.forEach((request, i) => {
    try {
      checkArm(request, model.config.layers, config, values.splitSeed);
    } catch (cause) {
      if (!(cause instanceof UserError) || cause instanceof NoSuchArmError) throw cause;
      const place = i < values.arms.length ? ['arms', String(i)] : ['baselines'];
      fail(place, `arm ${request.name} on ${model.name}: ${cause.message}`, cause.hint);
    }
  });
}

/**
 * Every method needs a rate before anything starts, and of rates to try all need equally many; which arms are `full` or `head-only` is known
 * when they are placed.
 */
function checkRates({ values, arms, fail }: Grid, pairs: readonly Pair[], tunings: readonly Tuning[]): void {
  const { layers } = pairs[0].model.config;
  const spans = [
    { bottom: 1, top: layers, head: layers },
    { bottom: layers, top: layers, head: layers },
    ...(arms.some(tunesNoLayer) ? [{ bottom: null, top: null, head: layers }] : []),
  ];
  const trials = new Map<string, number>();
  for (const tuning of tunings) {
    for (const triple of spans) {
      const keys = rateKeys(triple, layers, tuning);
      const plan = ratePlan(values.learningRate, keys);
      if (plan?.kind === 'search') trials.set(keys[0], plan.rates.length);
      if (plan) continue;
      fail(
        ['learningRate'],
        `learningRate says nothing of ${keys.join(' or ')}`,
        `add "${keys[keys.length - 1]}: 3e-5" to it`,
      );
    }
  }
  if (new Set(trials.values()).size > 1) {
    const found = [...trials].map(([key, count]) => `${key} ${count}`).join(', ');
    fail(
      ['learningRate', 'search', 'rates'],
      `learningRate.search.rates gives arms different numbers of trials: ${found}`,
      'give each list as many rates, so that no arm is favoured; what has no list of its own tries four',
    );
  }
}

/** The arm that the reference names is known to be there; so must its method be, where it names one. */
function checkReference({ values: { reference }, fail }: Grid, methods: string[]): void {
  const [arm] = reference.split(', ');
  if (reference === arm || methods.some((method) => reference === `${arm}, ${method}`)) return;
  const hint = `state "reference: ${arm}", or one of ${methods.map((method) => `"${arm}, ${method}"`).join(', ')}`;
  fail(['reference'], `the reference "${reference}" names a method that the grid does not have`, hint);
}

/** The task, with the model where the grid has several. */
export function placeName({ grid }: Prepared, { model, source }: Pair): string {
  return grid.values.models.length > 1 ? `${source.task.name} ${model.name}` : source.task.name;
}

/** What is wrong with a source, told at the line that names it. */
function at<T>(grid: Grid, path: string[], work: () => T): T {
  try {
    return work();
  } catch (cause) {
    // A row of a file, or a file of a folder, says its place better than the grid does.
    if (cause instanceof UserError && cause.place.file === undefined) grid.fail(path, cause.message, cause.hint);
    throw cause;
  }
}
