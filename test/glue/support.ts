/** What the grid tests share: a grid over the tiny model and its small tasks, the command line run on it, stopped, and looked at. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadGrid } from '../../src/glue/grid.js';
import { type Prepared, prepare } from '../../src/glue/prepare.js';
import type { GridDocument } from '../../src/glue/summary.js';
import { type Outcome, spantune } from '../cli/support.js';
import { temporary, writeModel, writeTopics } from '../pipeline/support.js';

export interface Bench {
  folder: string;
  model: string;
  task: ReturnType<typeof writeTopics>;
  /** Writes a grid and says under which name. */
  write(values?: object): string;
  prepared(values?: object): Prepared;
}

/** One tiny model (three layers), one task, one epoch. */
export function bench(): Bench {
  const folder = temporary();
  const model = writeModel(join(folder, 'model'));
  const task = writeTopics(join(folder, 'topics'), { train: 48, dev: 16 });
  let made = 0;
  const write = (values: object = {}) => {
    const file = join(folder, `grid-${made++}.yaml`);
    const run = {
      training: { epochs: 1, batchSize: 16 },
      classifier: { pooling: 'mean' },
      selection: { halfSamples: 10 },
      engine: { threads: 1 },
    };
    const grid = { models: [model], tasks: [task], arms: ['full', 'selected-2'], learningRate: 5e-3, run, ...values };
    writeFileSync(file, stringify(grid));
    return file;
  };
  return { folder, model, task, write, prepared: (values) => prepare(loadGrid(write(values))) };
}

export const read = (output: string): GridDocument => JSON.parse(readFileSync(join(output, 'grid.json'), 'utf8'));

/** Folders of runs and trials, finished or not. */
export function runsOf(output: string): string[] {
  const runs = join(output, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(runs, name));
}

export const begun = (output: string) => runsOf(output).filter((run) => existsSync(join(run, 'attempts.jsonl')));
export const isDone = (run: string) => existsSync(join(run, 'result.json'));

export const scores = (output: string) =>
  read(output).tables.flatMap(({ rows }) =>
    rows.map(({ id, learningRate, runs }) => [id, learningRate, runs.map(({ seed, score }) => [seed, score])]),
  );

/** Waits until the condition holds, minutes if need be: a machine that does other work beside is several times slower. */
export async function until(condition: () => boolean): Promise<void> {
  for (const start = Date.now(); Date.now() - start < 240_000; ) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail('it did not come to that');
}

/** Whether a process has the path among its words. */
export function isBusy(path: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(path);
      } catch {
        return false;
      }
    });
}

/** Runs the grid, one run at a time, and sends the signal once `ready`. */
export async function stoppedBy(
  signal: NodeJS.Signals,
  grid: string,
  output: string,
  ready: (output: string) => boolean,
): Promise<Outcome> {
  let kill: ((signal: NodeJS.Signals) => void) | undefined;
  const outcome = spantune(['glue', grid, '--output', output, '--jobs', '1', '--verbose'], {
    onStart: (end) => {
      kill = end;
    },
  });
  await until(() => kill !== undefined && ready(output));
  kill?.(signal);
  return outcome;
}
