/** What the grid tests share: a grid over the tiny model and its small tasks, and the command line run on it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadGrid } from '../../src/glue/grid.js';
import { type Prepared, prepare } from '../../src/glue/prepare.js';
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
