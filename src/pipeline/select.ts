/** The story of `select`: the rows of train, ν of every layer on them, and what a run may start from. */
import { type RunConfig, splitSeedOf } from '../config/schema.js';
import { cleanSplit } from '../data/clean-split.js';
import { openTask } from '../data/tasks.js';
import type { OpenTask } from '../data/types.js';
import { type ArmSpec, needsSelection, parseArm } from '../selection/arms.js';
import { curveOfSelection } from '../selection/select.js';
import { armIfAny, checkSpans } from './arm.js';
import { settleEngine, withEngine } from './engine.js';
import { environmentOf } from './environment.js';
import { encodeExamples, limitLength } from './inputs.js';
import { measure } from './measure.js';
import { openModel } from './model.js';
import { keepPrefix, leavePrefix, prepareCache } from './prefix.js';
import { type TrainingRows, trainingRows } from './training-rows.js';
import type { Reporter, SelectResult } from './types.js';

/** Measures the layers. With `cache.folder`, what the configuration's arm starts from is left there for the run that trains it. */
export async function runSelect(stated: RunConfig, reporter: Reporter): Promise<SelectResult> {
  const config = settleEngine(stated, reporter);
  const model = openModel(config.model);
  checkSpans(undefined, model, config);
  const opened = openTask(config.task);
  prepareCache(config);
  const { examples, warnings } = seenRows(opened, config);
  const request = parseArm(config.arm as ArmSpec);
  const { prefix, folder } = config.cache;
  const pad = { padId: model.tokenizer.padId, maxLength: limitLength(model.config, config.training.maxLength) };
  const leaves = prefix && folder !== null && needsSelection(request);
  const tokens = leaves ? encodeExamples(examples, model, pad.maxLength, { phase: 'read', reporter }) : undefined;
  const keeper = leaves && tokens ? keepPrefix(request, model, tokens, config, folder) : undefined;
  try {
    const result = await withEngine(config, (engine) =>
      measure(engine, model, opened.task, examples, config, reporter, { keeper, tokens }),
    );
    if (keeper && tokens) {
      const place = { layers: model.config.layers, range: config.selection.range, seed: config.seed };
      const arm = armIfAny(request, { ...place, ...curveOfSelection(result) });
      if (arm) await leavePrefix(model, arm, tokens, config, { pad, warnings }, reporter, keeper);
    }
    const environment = environmentOf(config.engine);
    return { ...result, environment, warnings: [...warnings, ...result.warnings] };
  } finally {
    keeper?.close();
  }
}

/** The rows of train that are measured. As in a run with a clean split: what is held out is not looked at. */
export function seenRows(opened: OpenTask, config: RunConfig): TrainingRows {
  const { examples, warnings } = trainingRows(opened, config);
  const { cleanSplit: share } = config.training;
  if (share === 0) return { examples, warnings };
  const { rest } = cleanSplit(examples, { share, seed: splitSeedOf(config) });
  return { examples: rest.map((index) => examples[index]), warnings };
}
