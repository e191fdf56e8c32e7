/** The story of a run: read, select, attach, tune, evaluate, report. Its folder is complete when it ends. */
import { join } from 'node:path';
import type { RunConfig, TunedConfig } from '../config/schema.js';
import { openTask } from '../data/tasks.js';
import { readAll } from '../engine/moved.js';
import { writeFileWhole } from '../files.js';
import { type ArmSpec, needsSelection, parseArm, type ResolvedArm, resolveArm } from '../selection/arms.js';
import { curveOfSelection } from '../selection/select.js';
import { Diverged } from '../training/loop.js';
import type { Keeper } from '../training/prefix/keep.js';
import { disposeState } from '../training/state.js';
import { checkSpans } from './arm.js';
import { type Attached, attach } from './attach.js';
import { describeRun } from './describe-run.js';
import { engineOf, settleEngine, withEngine } from './engine.js';
import { resolveTuning } from './imported.js';
import { measureInference } from './inference-speed.js';
import { measure } from './measure.js';
import { brokenWeights, type OpenModel, openModel } from './model.js';
import { type Predictor, predictor } from './predictor.js';
import { fillPrefixCache, keepPrefix, prepareCache, type RunPrefixCache, withPrefix } from './prefix.js';
import { readRunData } from './run-data.js';
import { beginRun, claimRunFolder, FILES, writeTuned } from './run-folder.js';
import { scoreDev } from './score-dev.js';
import { stopwatch } from './stopwatch.js';
import { tune } from './tune.js';
import type { Reporter, TrainResult } from './types.js';

export async function runTrain(
  stated: RunConfig,
  output: string,
  reporter: Reporter,
  stop: () => boolean,
): Promise<TrainResult> {
  const clock = stopwatch();
  const model = openModel(stated.model);
  const { config, imported } = resolveTuning(settleEngine(stated, reporter), model.config);
  const request = parseArm(config.arm as ArmSpec);
  checkSpans(request, model, config);
  const opened = openTask(config.task);
  prepareCache(config);
  const release = claimRunFolder(output);
  const engine = await engineOf(config);
  let keeper: Keeper | undefined;
  let cache: RunPrefixCache | undefined;
  let attached: Attached | undefined;
  try {
    const data = clock.measure('read', () => readRunData(opened, model, config, reporter));
    const selection = needsSelection(request)
      ? await clock.measureAsync('select', () => {
          keeper = keepPrefix(request, model, data.trainEncoded, config, output);
          // With an engine of its own, whose memory is given back before the tuning.
          return withEngine(config, (own) =>
            measure(own, model, data.task, data.trainExamples, config, reporter, {
              keeper,
              tokens: data.trainEncoded,
            }),
          );
        })
      : undefined;
    const arm = resolveArm(request, {
      layers: model.config.layers,
      ...(selection && curveOfSelection(selection)),
      range: config.selection.range,
      seed: config.seed,
    });
    cache = await clock.measureAsync('cache', () =>
      fillPrefixCache(model, arm, data, config, output, reporter, keeper),
    );
    attached = attach(engine, model, data.task, arm, config, reporter, {
      start: cache?.start,
      imported,
      warnings: data.warnings,
    });
    if (config.training.epochs === 0 && !imported)
      data.warnings.push(
        'training.epochs is 0 and no adapter is named: what is scored is a classifier that nothing has trained',
      );
    const banks = [attached.state.parameters, attached.state.frozen];
    const predict = predictor(engine, attached.spec, banks, data.pad, cache);
    // Whatever can be wrong with what the user gave was found by now: an earlier run's files may go.
    beginRun(output, config);
    const { spec, state } = attached;
    const scored: Predictor = (...split) => clock.measureAsync('evaluate', () => predict(...split));
    const tuned = await clock
      .measureAsync('tune', () =>
        tune(engine, { spec, state }, withPrefix(data, cache), arm, scored, config, output, reporter, stop),
      )
      .catch((error) => {
        throw (error instanceof Diverged && brokenWeights(model, arm.head)) || error;
      });
    const dev = await clock.measureAsync('evaluate', () => scoreDev(data, predict, reporter, tuned.outputs));
    await writeModel(output, model, attached, arm, config);
    for (const [file, rows] of dev.predictions) writeFileWhole(join(output, file), rows);
    const result = describeRun({
      model,
      data,
      arm,
      attached,
      selection,
      cache: cache?.result(),
      config,
      tuned,
      dev,
      seconds: clock.seconds(),
    });
    // Last of all, so that neither time nor memory of the run counts it.
    if (config.measureInference) {
      result.inference = await measureInference(model, attached, arm, data, config, reporter);
    }
    // The result comes last: a folder that holds one is complete.
    writeFileWhole(join(output, FILES.result), `${JSON.stringify(result, null, 2)}\n`);
    return result;
  } finally {
    reporter.progress(undefined);
    keeper?.close();
    await cache?.close();
    if (attached) disposeState(attached.state);
    await engine.close();
    release();
  }
}

async function writeModel(
  output: string,
  model: OpenModel,
  { state }: Attached,
  arm: ResolvedArm,
  { tuning }: TunedConfig,
): Promise<void> {
  const tensors = [...(await readAll(state.parameters))];
  const { bottom, top, head } = arm;
  writeTuned(output, model.config.family, tensors, {
    format: 'pt',
    arm: JSON.stringify({ bottom, top, head }),
    tuning: JSON.stringify(tuning),
    base: model.hash,
  });
}
