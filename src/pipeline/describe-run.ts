/** A run's result: what was tuned, what came of it, what it cost. */
import type { TunedConfig } from '../config/schema.js';
import { countParameters } from '../model/parameters.js';
import type { ResolvedArm } from '../selection/arms.js';
import type { Attached } from './attach.js';
import { costOf } from './cost.js';
import { environmentOf } from './environment.js';
import type { OpenModel } from './model.js';
import type { RunData } from './run-data.js';
import type { RunResult } from './run-folder.js';
import type { DevResult } from './score-dev.js';
import type { Tuned } from './tune.js';
import type { CacheResult, SelectResult } from './types.js';

export function describeRun(run: {
  model: OpenModel;
  data: RunData;
  arm: ResolvedArm;
  attached: Attached;
  selection: SelectResult | undefined;
  cache: CacheResult | undefined;
  config: TunedConfig;
  tuned: Tuned;
  dev: DevResult;
  seconds: Record<string, number>;
}): RunResult {
  const { model, data, arm, attached, selection, cache, config, tuned, dev, seconds } = run;
  const { spec } = attached;
  const counts = countParameters(model.config, arm, {
    tuning: config.tuning,
    classifier: spec.classifier,
    classes: spec.classes,
  });
  const { note: _, ...triple } = arm;
  const warnings = [...data.warnings, ...(selection?.warnings ?? []), ...dev.warnings];
  if (tuned.skipped > 0)
    warnings.push(`${tuned.skipped} steps had a gradient that was not finite and were passed over`);
  return {
    task: data.task.name,
    model: model.name,
    arm: triple,
    tuning: config.tuning,
    layers: model.config.layers,
    trainableParameters: counts.trainable,
    totalParameters: counts.total,
    metrics: dev.metrics,
    ...(data.selectionName === 'dev' ? {} : { heldOutScore: tuned.metrics.score }),
    bestEpoch: tuned.bestEpoch,
    epochs: tuned.epochs,
    trainExamples: data.trainExamples.length,
    devExamples: dev.examples,
    cost: costOf({ ...run, encoder: model.config, spec, storedParameters: counts.total }),
    seconds,
    peakMemory: process.resourceUsage().maxRSS * 1024,
    seed: config.seed,
    ...(selection ? { selection } : {}),
    ...(cache ? { cache } : {}),
    padding: data.padding,
    truncated: data.truncated,
    environment: environmentOf(config.engine),
    warnings,
    definition: data.task,
    baseHash: model.hash,
  };
}
