/** Opening a finished run for evaluating and predicting: its folder and the base model it names, and no data unless asked. */
import { statSync } from 'node:fs';
import { openTask } from '../data/tasks.js';
import type { OpenTask, Task, TaskSpec } from '../data/types.js';
import { CheckpointError } from '../errors.js';
import { modelShapes } from '../model/parameters.js';
import { modelSpec } from './attach.js';
import { engineOf, settleEngine } from './engine.js';
import { environmentOf } from './environment.js';
import { limitLength } from './inputs.js';
import { type OpenModel, openBase } from './model.js';
import { type Predictor, predictor } from './predictor.js';
import { type RunResult, readRun, readTuned } from './run-folder.js';
import type { Reporter, RunOptions } from './types.js';

export interface OpenedRun {
  result: RunResult;
  /** The task with the run's own classes. */
  task: Task;
  /** Opens the task's files: the run's own, or those that the options name. */
  open(): OpenTask;
  /** Column of the text, or of both texts, of a task of one's own. */
  text?: string | [string, string];
  model: OpenModel;
  /** Longest input in tokens. */
  length: number;
  predict: Predictor;
  environment: Record<string, string | number>;
  close(): Promise<void>;
}

/** Throws a `CheckpointError` where the base model is another than the run was tuned from. */
export async function openRun(options: RunOptions, reporter: Reporter): Promise<OpenedRun> {
  const { config, result } = readRun(options.run);
  const model = openBase(config.model, result);
  const task = result.definition;
  const spec = modelSpec(model, task, result.arm, config);
  const { parameters } = model.load(result.arm.head);
  const { classes, classifier } = spec;
  const shapes = modelShapes(model.config, result.arm, { classes, classifier, tuning: config.tuning });
  const tuned = readTuned(options.run, model.config.family, shapes.keys());
  const { engine: usual } = config;
  const { name = usual.name, device = usual.device, threads = usual.threads } = options.engine ?? {};
  const settled = settleEngine({ engine: { ...usual, name, device, threads } }, reporter);
  const engine = await engineOf(settled);
  for (const name of shapes.keys()) {
    const tensor = tuned.get(name) ?? parameters.get(name);
    if (!tensor)
      throw new CheckpointError(`holds no ${name}`, { file: options.run, hint: 'the run is damaged: train again' });
    parameters.set(name, tensor);
  }
  const bank = engine.constants(parameters);
  const length = limitLength(model.config, config.training.maxLength);
  reporter.log('debug', `${tuned.size} tuned tensors over ${model.name}, classifier at layer ${result.arm.head}`);
  return {
    result,
    task,
    open: () => openTask(taskOf(config.task, options.data, task)),
    text: config.task.text,
    model,
    length,
    predict: predictor(engine, spec, [bank], {
      padId: model.tokenizer.padId,
      maxLength: length,
      batchSize: options.batchSize,
    }),
    environment: environmentOf(settled.engine),
    async close() {
      bank.dispose();
      await engine.close();
    },
  };
}

/** The run's task on the data at hand: its own, a folder of GLUE's layout, or one file with the run's columns for any split. */
function taskOf(spec: TaskSpec, data: string | undefined, { labels }: Task): TaskSpec {
  const own = labels.length > 0 ? { ...spec, labels } : spec;
  if (data === undefined) return own;
  const file = statSync(data, { throwIfNoEntry: false })?.isFile() ? data : undefined;
  return { ...own, data: file === undefined ? data : undefined, train: file, dev: file, test: file };
}
