/** Opening a finished run for evaluating and predicting: its folder and the base model it names. */
import { type OpenTask, openTask } from '../data/tasks.js';
import type { Tokenizer } from '../data/tokenizer.js';
import type { Task } from '../data/types.js';
import { defaultThreads, openEngine } from '../engine/open.js';
import type { Engine } from '../engine/types.js';
import { CheckpointError } from '../errors.js';
import { modelShapes } from '../model/parameters.js';
import { modelSpec } from './attach.js';
import { limitLength } from './inputs.js';
import { openModel } from './model.js';
import { type Predictor, predictor } from './predictor.js';
import { type RunResult, readRun, readTuned } from './run-folder.js';
import type { Reporter, RunOptions } from './types.js';

export interface OpenedRun {
  result: RunResult;
  /** The task with the run's own classes. */
  task: Task;
  opened: OpenTask;
  /** Column of the text, or of both texts, of a task of one's own. */
  text?: string | [string, string];
  tokenizer: Tokenizer;
  /** Longest input in tokens. */
  length: number;
  predict: Predictor;
  engine: Engine;
}

/** Throws a `CheckpointError` where the base model is another than the run was tuned from. */
export async function openRun(options: RunOptions, reporter: Reporter): Promise<OpenedRun> {
  const { config, result } = readRun(options.run);
  const model = openModel(config.model);
  if (model.hash !== result.baseHash) {
    throw new CheckpointError('the base model is not the one that this run was tuned from', {
      file: config.model,
      hint: 'put the original model back, or train again',
    });
  }
  const opened = openTask(taskOf(config.task, options.data, result));
  const task = { ...opened.task, labels: result.labels };
  const spec = modelSpec(model, task, result.arm, config);
  const { parameters } = model.load(result.arm.head);
  const shapes = modelShapes(model.config, result.arm.head, { classes: spec.classes, classifier: spec.classifier });
  const tuned = readTuned(options.run, model.config.family, shapes.keys());
  const engine = await openEngine(options.engine?.name ?? config.engine.name, {
    threads: options.engine?.threads ?? config.engine.threads ?? defaultThreads(),
    cacheBytes: config.engine.cacheBytes,
  });
  const bank = engine.bank([...shapes].map(([name, shape]) => ({ name, shape })));
  for (const name of shapes.keys()) {
    const tensor = tuned.get(name) ?? parameters.get(name);
    if (!tensor)
      throw new CheckpointError(`holds no ${name}`, { file: options.run, hint: 'the run is damaged: train again' });
    bank.write(name, tensor.data);
  }
  const length = limitLength(model.config, config.training.maxLength);
  reporter.log('debug', `${tuned.size} tuned tensors over ${model.name}, classifier at layer ${result.arm.head}`);
  return {
    result,
    task,
    opened,
    text: config.task.text,
    tokenizer: model.tokenizer,
    length,
    predict: predictor(engine, spec, [bank], { padId: model.tokenizer.padId, maxLength: length }),
    engine,
  };
}

/** The run's task on other data: a folder of GLUE's layout, or for a task of one's own a file with the run's columns. */
function taskOf(
  task: Parameters<typeof openTask>[0],
  data: string | undefined,
  { labels }: RunResult,
): Parameters<typeof openTask>[0] {
  if (data === undefined) return task;
  if (task.text === undefined) return { ...task, data, train: undefined, dev: undefined, test: undefined };
  const own = labels.length > 0 ? { labels } : {};
  return { ...task, ...own, data: undefined, train: undefined, dev: data, test: data };
}
