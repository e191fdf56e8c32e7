/** The story of `select`: the rows of train, ν of every layer on them, and what a run may start from. */
import { type RunConfig, splitSeedOf } from '../config/schema.js';
import { cleanSplit } from '../data/clean-split.js';
import { openTask } from '../data/tasks.js';
import type { OpenTask } from '../data/types.js';
import {
  type ArmContext,
  type ArmRequest,
  type ArmSpec,
  NoSuchArmError,
  needsSelection,
  parseArm,
  resolveArm,
  type Triple,
} from '../selection/arms.js';
import { curveOfSelection } from '../selection/select.js';
import { checkSpans } from './arm.js';
import { settleEngine, withEngine } from './engine.js';
import { encodeExamples, limitLength } from './inputs.js';
import { type MeasureOptions, measure } from './measure.js';
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
  const run = (options?: MeasureOptions) =>
    withEngine(config, (engine) => measure(engine, model, opened.task, examples, config, reporter, options));
  const request = parseArm(config.arm as ArmSpec);
  const { folder } = config.cache;
  if (folder === null || !needsSelection(request)) {
    const result = await run();
    return { ...result, warnings: [...warnings, ...result.warnings] };
  }
  const pad = { padId: model.tokenizer.padId, maxLength: limitLength(model.config, config.training.maxLength) };
  const tokens = encodeExamples(examples, model, pad.maxLength, { phase: 'read', reporter });
  const keeper = keepPrefix(request, model, tokens, config, folder);
  try {
    const result = await run({ keeper, tokens });
    const place = { layers: model.config.layers, range: config.selection.range, seed: config.seed };
    const arm = armOrNone(request, { ...place, ...curveOfSelection(result) });
    if (keeper && arm) await leavePrefix(model, arm, tokens, config, { pad, warnings }, reporter, keeper);
    return { ...result, warnings: [...warnings, ...result.warnings] };
  } finally {
    keeper?.close();
  }
}

/** The arm, where ν leaves one. */
function armOrNone(request: ArmRequest, context: ArmContext): Triple | undefined {
  try {
    return resolveArm(request, context);
  } catch (cause) {
    if (cause instanceof NoSuchArmError) return undefined;
    throw cause;
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
