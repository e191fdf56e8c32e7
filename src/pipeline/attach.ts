/** Attaching the classifier at the arm's head: what is above is not loaded, what is in the span is trained, the rest is frozen. */
import type { TrainedAdapter } from '../checkpoint/exchange.js';
import type { TunedConfig } from '../config/schema.js';
import type { Task } from '../data/types.js';
import type { Engine } from '../engine/types.js';
import { UserError } from '../errors.js';
import { initialiseAdapters, spanAdapters } from '../model/adapters/registry.js';
import { initialiseHead } from '../model/initialise.js';
import { trainableNames } from '../model/parameters.js';
import { classifierRate, layerRates } from '../model/rates.js';
import type { Triple } from '../selection/arms.js';
import { firstLayer, type Start } from '../training/prefix/start.js';
import type { ModelSpec } from '../training/programs.js';
import { createState, type TrainingState } from '../training/state.js';
import { startFrom } from './imported.js';
import { type OpenModel, tellSurplus } from './model.js';
import type { Reporter } from './types.js';

export interface Attached {
  spec: ModelSpec;
  state: TrainingState;
}

/** What the programs need to know of a run's model. */
export function modelSpec(
  model: OpenModel,
  task: Task,
  arm: Triple,
  { classifier, training, tuning }: TunedConfig,
): ModelSpec {
  const dropout = {
    hidden: training.dropout.hidden ?? undefined,
    attention: training.dropout.attention ?? undefined,
    classifier: classifier.dropout ?? undefined,
  };
  return {
    config: model.config,
    head: arm.head,
    pooling: classifier.pooling,
    classifier: classifier.kind,
    kind: task.kind,
    classes: task.kind === 'regression' ? 1 : task.labels.length,
    rates: layerRates(model.config, arm, tuning, dropout),
    classifierRate: classifierRate(model.config, dropout),
    adapters: spanAdapters(model.config, arm, tuning),
    frozen: arm.bottom === null,
  };
}

/**
 * Given `start`, steps begin with cached states: what is below is not loaded either. Given `imported`, tuning begins with that adapter; throws
 * a `UserError` where its classifier is not this task's and nothing would be trained.
 */
export function attach(
  engine: Engine,
  model: OpenModel,
  task: Task,
  arm: Triple,
  config: TunedConfig,
  reporter: Reporter,
  { start, imported, warnings = [] }: { start?: Start; imported?: TrainedAdapter; warnings?: string[] } = {},
): Attached {
  const spec = { ...modelSpec(model, task, arm, config), start };
  const { parameters, surplus } = model.load(arm.head, firstLayer(start));
  tellSurplus(model, surplus, reporter);
  const fresh = [
    ...initialiseAdapters(model.config, arm, config.tuning, config.seed),
    ...initialiseHead(model.config, { classes: spec.classes, classifier: spec.classifier }, config.seed),
  ];
  for (const [name, tensor] of fresh) parameters.set(name, tensor);
  const refused = imported && startFrom(imported, parameters, arm, model, config.classifier);
  if (refused && config.training.epochs === 0)
    throw new UserError(`${refused}, and without an epoch none is trained`, {
      hint: 'state the task and the classifier that the adapter was trained with, or training.epochs',
    });
  if (refused) warnings.push(`${refused}: a fresh one is trained`);
  const trainable = trainableNames(model.config, arm, { tuning: config.tuning, classifier: spec.classifier });
  return { spec, state: createState(engine, parameters, trainable) };
}
