/** Reads a grid's file: its axes checked, and the configuration that its runs of one model, task and method have in common. */
import { basename, dirname, resolve } from 'node:path';
import { type Block, fileLayer, isBlock, optionLayer, valueAt } from '../config/layers.js';
import { type Override, resolveLayers } from '../config/load.js';
import { mistakeIn, mistakeToError } from '../config/mistakes.js';
import type { RunConfig } from '../config/schema.js';
import { GLUE, glueEntry } from '../data/glue.js';
import { ConfigError, UserError } from '../errors.js';
import { nearest } from '../nearest.js';
import { type ArmRequest, type ArmSpec, PRESET_NAMES, parseArm } from '../selection/arms.js';
import { absolutePaths, mergeGrid, runLayers } from './grid-layers.js';
import { type GridFile, MISSING, schemaFor } from './schema.js';

export interface Grid {
  /** The file's name without its ending. */
  name: string;
  /** As the user typed it. */
  file: string;
  values: GridFile;
  /** In the file's order, then the baselines that are not among them. */
  arms: ArmRequest[];
  /** The resolved configuration of one model, task and method (indices); arm, learning rate and seed are yet to be set. */
  configOf(model: number, task: number, method: number): RunConfig;
  /** Throws a `ConfigError` at the place of a key, such as `['arms', '2']`. */
  fail(path: string[], message: string, hint?: string): never;
}

export interface GridOptions {
  /** Values of `--set`, in order: keys of the grid's file. Their relative paths are relative to the current folder. */
  overrides?: Override[];
  /** Whether models and data must exist. Default true. */
  checkPaths?: boolean;
}

/** Keys of a run that a grid states elsewhere. */
const ELSEWHERE = new Map([
  ['model', 'models'],
  ['task', 'tasks'],
  ['arm', 'arms'],
  ['tuning', 'methods'],
  ['seed', 'seeds'],
  ['splitSeed', 'splitSeed'],
  ['training.learningRate', 'learningRate'],
  ['output', '--output'],
]);

/** What `baselines: true` adds; `-k` becomes every number of layers that the grid's own arms name. */
const BASELINES = [
  'full',
  'top-k',
  'bottom-k',
  'random-k',
  'head-only',
  'head-only-top',
  'selected-k',
  'selected-k-top',
  'up-to-selected',
  'above-selected',
];

/** In a baseline's name, where the number of layers goes. */
const SPAN_SIZE = /-k(?=-|$)/;

const FILE_HINTS = {
  unreadable: 'give the path of a grid, such as configs/glue/miniature.yaml',
  noBlock: 'such as "models: [models/en-12x192]", one key a line',
};

/**
 * @throws ConfigError with file, line and column: bad YAML, an unknown key, a wrong value, an unknown task or arm, a path that is
 * not there.
 */
export function loadGrid(file: string, { overrides = [], checkPaths = true }: GridOptions = {}): Grid {
  const path = resolve(file);
  const stated = [
    fileLayer(path, dirname(path), file, FILE_HINTS),
    ...overrides.map(({ path: key, value, option }) => optionLayer(option, key, value, resolve('.'))),
  ];
  const layers = stated.map(absolutePaths);
  const merged = layers.reduce<Block>((under, { value }) => mergeGrid(under, value), {});
  const schema = schemaFor(merged);
  const parsed = schema.safeParse(merged);
  if (!parsed.success) {
    const mistake = mistakeIn(parsed.error, merged, layers, { schema, missing: MISSING });
    throw inGrid(mistakeToError(mistake, layers));
  }
  const values = parsed.data;
  const fail = (at: string[], message: string, hint?: string): never => {
    throw inGrid(mistakeToError({ path: at, part: 'value', message, hint }, layers));
  };
  checkAxes(values, fail);
  const arms = readArms(values, fail);
  checkReference(values, arms, fail);
  return {
    name: basename(path).replace(/\.[^.]+$/, ''),
    file,
    values,
    arms,
    fail,
    configOf: (model, task, method) =>
      inAxes(() => resolveLayers(runLayers(layers, values, { model, task, method }), { checkPaths })),
  };
}

type Fail = (path: string[], message: string, hint?: string) => never;

/** Hints speak of the grid's own documentation. */
function inGrid(error: ConfigError): ConfigError {
  if (error.hint !== 'configs/defaults.yaml explains every key') return error;
  return new ConfigError(error.message, { ...error.place, hint: 'docs/grids.md explains every key' });
}

/** A run's key, which the user never wrote, by the name of the axis it comes from. */
function inAxes<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const message = cause.message.replace(/^tuning\.method\b/, 'methods').replace(/^tuning\./, 'methods: ');
    throw new ConfigError(message, {
      ...cause.place,
      hint: cause.hint,
    });
  }
}

function checkAxes({ models, tasks, methods, seeds, run, learningRate }: GridFile, fail: Fail): void {
  const axes = { models, tasks, methods, seeds };
  for (const [axis, items] of Object.entries(axes)) {
    const written = items.map((item) => JSON.stringify(item));
    const twice = written.findIndex((item, i) => written.indexOf(item) < i);
    if (twice >= 0) fail([axis, String(twice)], `${axis} names ${written[twice]} twice`, 'keep one of the two');
  }
  const names = tasks.map((task) => (typeof task === 'string' ? task : task.name));
  const again = names.findIndex((name, i) => name !== undefined && names.indexOf(name) < i);
  if (again >= 0) {
    const place = typeof tasks[again] === 'string' ? [String(again)] : [String(again), 'name'];
    fail(['tasks', ...place], `two tasks are named "${names[again]}"`, 'give one of them another name');
  }
  for (const [key, instead] of ELSEWHERE) {
    if (valueAt(run, key.split('.')) === undefined) continue;
    fail(['run', ...key.split('.')], `"${key}" is not a key of "run" in a grid`, `state it as ${instead}`);
  }
  if (typeof learningRate === 'number' || !('search' in learningRate) || !isBlock(learningRate.search)) return;
  const { search } = learningRate;
  if (seeds.includes(Number(search.seed))) {
    const message = `learningRate.search.seed is ${search.seed}, which is among the seeds`;
    fail(['learningRate', 'search', 'seed'], message, 'search with a seed that no final run has');
  }
  if (search.share !== undefined && search.selection === 'dev') {
    fail(['learningRate', 'search', 'share'], 'nothing is held out when dev selects', 'drop it, or selection: clean');
  }
  if (search.selection === 'clean' && valueAt(run, ['training', 'cleanSplit']) !== undefined) {
    const hint = 'state learningRate.search.share alone: the final runs have the same clean split';
    fail(['run', 'training', 'cleanSplit'], 'the clean split is stated by the search', hint);
  }
}

function readArms({ arms, baselines, run }: GridFile, fail: Fail): ArmRequest[] {
  const requests = arms.map((spec, i) => readArm(spec as ArmSpec, ['arms', String(i)], fail));
  const names = requests.map(({ name }) => name);
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice >= 0)
    fail(['arms', String(twice)], `arms names ${names[twice]} twice`, 'keep one of the two, or give it a name');

  const stated = valueAt(run, ['selection', 'k']);
  const ks = new Set(requests.flatMap((request) => (request.kind === 'preset' && request.k > 0 ? [request.k] : [])));
  if (ks.size === 0) ks.add(typeof stated === 'number' ? stated : 2);
  const wanted = Array.isArray(baselines) ? baselines : baselines ? BASELINES : [];
  wanted.forEach((name, i) => {
    if (SPAN_SIZE.test(name) && !BASELINES.includes(name)) {
      const near = nearest(name, BASELINES);
      const hint = near ? `did you mean "${near}"?` : `baselines: ${BASELINES.join(', ')}`;
      fail(['baselines', String(i)], `there is no baseline "${name}"`, hint);
    }
    for (const k of SPAN_SIZE.test(name) ? ks : [0]) {
      const request = readArm(name.replace(SPAN_SIZE, `-${k}`), ['baselines', String(i)], fail);
      if (!requests.some((other) => other.name === request.name)) requests.push(request);
    }
  });
  if (requests.length > 0) return requests;
  return fail(
    ['arms'],
    'the grid has no arms',
    `such as "arms: [full, top-2, selected-2]"; known: ${PRESET_NAMES.join(', ')}`,
  );
}

function readArm(spec: ArmSpec, path: string[], fail: Fail): ArmRequest {
  try {
    return parseArm(spec);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    return fail(path, cause.message, cause.hint);
  }
}

function checkReference({ reference }: GridFile, arms: ArmRequest[], fail: Fail): void {
  const [arm] = reference.split(', ');
  const names = arms.map(({ name }) => name);
  if (names.includes(arm)) return;
  const near = nearest(arm, names);
  const state = `add it to the arms, or state "reference: " with one of ${names.join(', ')}`;
  fail(['reference'], `the reference "${arm}" is not among the arms`, near ? `did you mean "${near}"?` : state);
}

/** Throws, at its place in the file, where a task is told by its name alone and GLUE has none such. */
export function checkTaskNames({ values: { tasks }, fail }: Grid): void {
  const known = GLUE.map(({ task }) => task.name).filter((name) => name !== 'ax');
  tasks.forEach((task, i) => {
    if (typeof task !== 'string' || glueEntry(task)) return;
    const near = nearest(task, known);
    fail(
      ['tasks', String(i)],
      `there is no task "${task}"`,
      near ? `did you mean "${near}"?` : `GLUE's are ${known.join(', ')}; one of your own needs train, dev and columns`,
    );
  });
}
