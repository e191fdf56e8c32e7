/** How ν and the layer that it chooses bear other shares of the classes and fewer inputs: one forward pass, then many draws. */
import { type RunConfig, splitSeedOf } from '../config/schema.js';
import { openTask } from '../data/tasks.js';
import { SpantuneError, UserError } from '../errors.js';
import { stream } from '../random.js';
import { stratifiedSample } from '../selection/sample.js';
import type { PooledStates } from '../selection/states.js';
import {
  allowsRatios,
  drawCounts,
  imbalancedCounts,
  imbalanceSize,
  variabilityOfRows,
} from '../selection/subsamples.js';
import { settleEngine, withEngine } from './engine.js';
import { measure } from './measure.js';
import { openModel } from './model.js';
import { seenRows } from './select.js';
import type { Reporter, SelectResult } from './types.js';

const USUAL_SIZES = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];

export interface RobustnessOptions {
  /** Model, task, samples, seed as for select. */
  config: RunConfig;
  /** How many times rarer than each other class one class is. */
  ratios: number[];
  /** Inputs drawn at every ratio; as many as the classes allow unless told. */
  size?: number;
  /** Numbers of inputs for the study of scarcity; those of the usual ones that there are not are passed over. */
  sizes?: number[];
  /** Draws at each ratio and each number. */
  draws: number;
}

/** ν at one ratio or number of inputs: [draw][layer], layer 1 first; not finite where it is not defined. */
export interface RobustnessLevel {
  level: number;
  nu: number[][];
}

export interface RobustnessResult {
  /** On all inputs. */
  selection: SelectResult;
  /** Inputs of each class that ν kept. */
  classSizes: number[];
  imbalance: { size: number; levels: RobustnessLevel[] };
  /** The last level is all inputs, once. */
  scarcity: { levels: RobustnessLevel[] };
  seconds: number;
  warnings: string[];
}

/** Throws what `runSelect` throws, and a `UserError` where the states do not fit or the classes allow no such draws. */
export async function runRobustness(options: RobustnessOptions, reporter: Reporter): Promise<RobustnessResult> {
  const began = performance.now();
  const config = settleEngine(options.config, reporter);
  const model = openModel(config.model);
  const opened = openTask(config.task);
  const { examples, warnings } = seenRows(opened, config);
  let found: Drawn | undefined;
  const onStates = (states: PooledStates | string, nu: number[]) => {
    if (typeof states === 'string') {
      throw new UserError(`the draws need the pooled states, for which there is no room: ${states}`, {
        hint: 'measure on fewer inputs (selection.samples), or allow more disk (selection.stateBytes)',
      });
    }
    found = drawAll(states, nu, options, splitSeedOf(config), reporter);
  };
  // ν alone: no other score is asked for here, and no resampling.
  const { selection } = config;
  const plain = { ...config, selection: { ...selection, score: 'nu' as const, scores: [], halfSamples: 0 } };
  const measured = await withEngine(config, (engine) =>
    measure(engine, model, opened.task, examples, plain, reporter, { onStates }),
  );
  if (!found) throw new SpantuneError('no states were handed out');
  const seconds = (performance.now() - began) / 1000;
  return { selection: measured, ...found, seconds, warnings: [...warnings, ...measured.warnings, ...found.warnings] };
}

type Drawn = Omit<RobustnessResult, 'selection' | 'seconds'>;

/** Ratios without the largest that the classes do not allow; all of them where they allow none, which is then an error. */
function possibleRatios(classSizes: number[], ratios: number[]): number[] {
  const ordered = [...ratios].sort((a, b) => a - b);
  for (let count = ordered.length; count > 0; count--) {
    const kept = ordered.slice(0, count);
    if (allowsRatios(classSizes, kept)) return ratios.filter((ratio) => kept.includes(ratio));
  }
  return ratios;
}

/** Layer by layer, so that one of them is in memory at a time. */
function drawAll(
  states: PooledStates,
  nu: number[],
  options: RobustnessOptions,
  seed: number,
  reporter: Reporter,
): Drawn {
  const { classOf, classes, width, rows, layers } = states;
  const { draws } = options;
  const members = Array.from({ length: classes }, (_, label) =>
    // In the order of the inputs, not of their arrival.
    Int32Array.from({ length: rows }, (__, row) => row)
      .filter((row) => classOf[row] === label)
      .sort((a, b) => states.inputs[a] - states.inputs[b]),
  );
  const classSizes = members.map(({ length }) => length);
  const ratios = possibleRatios(classSizes, options.ratios);
  const warnings = options.ratios
    .filter((ratio) => !ratios.includes(ratio))
    .map(
      (ratio) =>
        `no class can be ${ratio} times rarer than the others here: the smallest has ${Math.min(...classSizes)}`,
    );
  const largest = imbalanceSize(classSizes, ratios);
  const size = options.size ?? largest;
  if (size > largest) {
    throw new UserError(`--size ${size}: at most ${largest} inputs can be drawn at every ratio`, {
      hint: 'leave it out for as many as there can be, or state smaller ratios',
    });
  }
  const ordered = members.flatMap((group) => Array.from(group));
  const labels = ordered.map((row) => classOf[row]);
  const imbalance = ratios.map((ratio) => ({
    level: ratio,
    rows: Array.from({ length: draws }, (_, draw) =>
      drawCounts(
        members,
        imbalancedCounts(classes, size, ratio, draw % classes),
        stream(seed, 'imbalance', ratio, draw),
      ),
    ),
  }));
  for (const count of options.sizes ?? []) {
    if (count >= rows) warnings.push(`no draw of ${count} inputs: there are ${rows}`);
  }
  const scarcity = (options.sizes ?? USUAL_SIZES)
    .filter((count) => count < rows)
    .map((count) => ({
      level: count,
      rows: Array.from({ length: draws }, (_, draw) =>
        stratifiedSample(labels, count, stream(seed, 'scarcity', count, draw).bits()).map((index) => ordered[index]),
      ),
    }));
  const levels = [...imbalance, ...scarcity].map((drawn) => ({
    ...drawn,
    nu: drawn.rows.map(() => new Array<number>(layers).fill(Number.NaN)),
  }));
  const total = layers * levels.length;
  let done = 0;
  for (let layer = 0; layer < layers; layer++) {
    const all = new Float32Array(rows * width);
    for (const piece of states.pieces(layer)) all.set(piece.states, piece.from * width);
    for (const { rows: drawn, nu: values } of levels) {
      drawn.forEach((rowsOfDraw, draw) => {
        values[draw][layer] = variabilityOfRows(all, width, classOf, classes, rowsOfDraw);
      });
      reporter.progress({ phase: 'select', subject: 'draws', done: ++done, total });
    }
  }
  const told = levels.map(({ level, nu: values }): RobustnessLevel => ({ level, nu: values }));
  return {
    classSizes,
    warnings,
    imbalance: { size, levels: told.slice(0, ratios.length) },
    scarcity: { levels: [...told.slice(ratios.length), { level: rows, nu: [nu] }] },
  };
}
