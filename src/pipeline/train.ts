/** The story of a run: read, select, attach, tune, evaluate, report. Its folder is complete when it ends. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunConfig } from '../config/schema.js';
import { openTask } from '../data/tasks.js';
import { defaultThreads } from '../engine/open.js';
import type { Engine } from '../engine/types.js';
import { writeFileWhole, writeWhole } from '../files.js';
import { countParameters } from '../model/parameters.js';
import { type ArmSpec, needsSelection, parseArm, type ResolvedArm, resolveArm } from '../selection/arms.js';
import { curveOfSelection } from '../selection/select.js';
import { train } from '../training/loop.js';
import type { Keeper } from '../training/prefix/keep.js';
import { disposeState } from '../training/state.js';
import { checkSpans } from './arm.js';
import { type Attached, attach } from './attach.js';
import { engineOf, withEngine } from './engine.js';
import { environment } from './environment.js';
import { resolveTuning, type TunedConfig } from './imported.js';
import { type OpenModel, openModel } from './model.js';
import { type Predictor, predictor, renderPredictionRows } from './predictor.js';
import { fillPrefixCache, keepPrefix, prepareCache, type RunPrefixCache, withPrefix } from './prefix.js';
import { type RunData, readRunData } from './run-data.js';
import { appendMetrics, beginRun, claimRunFolder, FILES, type RunResult, writeTuned } from './run-folder.js';
import { evaluationScore } from './scores.js';
import { measure } from './select.js';
import { stopwatch } from './stopwatch.js';
import type { CacheResult, Reporter, SelectResult, TrainResult } from './types.js';

export async function runTrain(
  stated: RunConfig,
  output: string,
  reporter: Reporter,
  stop: () => boolean,
): Promise<TrainResult> {
  const clock = stopwatch();
  const model = openModel(stated.model);
  const { config, imported } = resolveTuning(stated, model.config);
  const request = parseArm(config.arm as ArmSpec);
  checkSpans(request, model, config);
  const opened = openTask(config.task);
  prepareCache(config);
  const release = claimRunFolder(output);
  const threads = config.engine.threads ?? defaultThreads();
  const engine = await engineOf(config);
  let keeper: Keeper | undefined;
  let cache: RunPrefixCache | undefined;
  let attached: Attached | undefined;
  try {
    const data = clock.measure('read', () => readRunData(opened, model, config, reporter));
    const selection = needsSelection(request)
      ? await clock.measureAsync('select', () => {
          keeper = keepPrefix(request, model, data, config, output);
          // With an engine of its own, whose memory is given back before the tuning.
          return withEngine(config, (own) =>
            measure(own, model, data.task, data.trainExamples, config, reporter, { keeper, tokens: data.trainEncoded }),
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
    attached = attach(engine, model, data.task, arm, config, reporter, { start: cache?.start, imported });
    const banks = [attached.state.parameters, attached.state.frozen];
    const predict = predictor(engine, attached.spec, banks, data.pad, cache);
    // Whatever can be wrong with what the user gave was found by now: an earlier run's files may go.
    beginRun(output, config);
    const { spec, state } = attached;
    const tuned = await clock.measureAsync('tune', () =>
      tune(engine, { spec, state }, withPrefix(data, cache), arm, predict, config, output, reporter, stop),
    );
    const dev = await clock.measureAsync('evaluate', () => scoreDev(data, predict, reporter, tuned.outputs));
    writeModel(output, model, attached, arm, config);
    writeWhole(join(output, FILES.predictions), (temporary) => writeFileSync(temporary, dev.predictions));
    const result = describe({
      model,
      data,
      arm,
      attached,
      selection,
      cache: cache?.result(),
      config,
      threads,
      tuned,
      dev,
      seconds: clock.seconds(),
    });
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

type Tuned = Awaited<ReturnType<typeof train>> & {
  /** Outputs of the kept weights on dev, where dev chose them; bit for bit what they would be again. */
  outputs?: number[][];
};

/** The loop, with its reports: metrics.jsonl gets a line a step and a line an evaluation. */
async function tune(
  engine: Engine,
  { spec, state }: Attached,
  data: RunData,
  arm: ResolvedArm,
  predict: Predictor,
  config: TunedConfig,
  output: string,
  reporter: Reporter,
  stop: () => boolean,
): Promise<Tuned> {
  const { training, seed } = config;
  const began = performance.now();
  const phase = { phase: 'tune', subject: arm.name };
  const steps = training.epochs * Math.ceil(data.training.batchesPerEpoch / training.accumulation);
  let tokens = 0;
  let loss = Number.NaN;
  let outputs: number[][] = [];
  let kept: number[][] | undefined;
  const options = {
    ...training,
    clipNorm: training.clipNorm ?? 0,
    best: training.best === 'last' ? ('last' as const) : ('score' as const),
    seed,
  };
  reporter.progress({ ...phase, done: 0, total: steps, detail: `epoch 1/${training.epochs}` });
  const tuned = await train(engine, spec, state, data.training, options, {
    async evaluate() {
      outputs = await predict(data.selectionEncoded, (done, total) =>
        reporter.progress({ phase: 'evaluate', subject: data.selectionName, done, total }),
      );
      const { metrics, score, warnings } = data.score(outputs, data.selectionExamples);
      for (const warning of warnings) reporter.log('debug', warning);
      return { score: evaluationScore(data.task, metrics, score, training.best), metrics: { ...metrics, score } };
    },
    onStep({ step, epoch, loss: last, learningRate, gradientNorm, tokens: seen }) {
      tokens += seen;
      if (Number.isFinite(last)) loss = Number.isNaN(loss) ? last : 0.95 * loss + 0.05 * last;
      const seconds = (performance.now() - began) / 1000;
      appendMetrics(output, { step, epoch, loss: last, learningRate, gradientNorm, seconds });
      const speed = `${(tokens / seconds / 1000).toFixed(1)} k tokens/s`;
      const detail = `epoch ${epoch}/${training.epochs}  loss ${loss.toFixed(3)}  ${speed}`;
      reporter.progress({ ...phase, done: step, total: steps, detail });
    },
    onEvaluation({ step, epoch, score, metrics, best }) {
      if (best || !kept || options.best === 'last') kept = outputs;
      appendMetrics(output, { step, epoch, split: data.selectionName, evaluation: metrics, best });
      reporter.log(
        'debug',
        `epoch ${epoch}: ${data.selectionName} score ${(100 * score).toFixed(1)}${best ? ', best so far' : ''}`,
      );
    },
    stop,
  });
  return { ...tuned, outputs: data.selectionEncoded === data.devEncoded ? kept : undefined };
}

interface DevResult {
  metrics: Record<string, number>;
  predictions: string;
  warnings: string[];
}

/** Scores of the kept weights on dev (MNLI: on both dev sets), and the predictions on it; `known` are their outputs on dev. */
async function scoreDev(
  data: RunData,
  predict: Predictor,
  reporter: Reporter,
  known: number[][] | undefined,
): Promise<DevResult> {
  const report = (subject: string) => (done: number, total: number) =>
    reporter.progress({ phase: 'evaluate', subject, done, total });
  const outputs = known ?? (await predict(data.devEncoded, report('dev')));
  const { metrics, score, warnings } = data.score(outputs, data.devExamples);
  const all: Record<string, number> = { ...metrics, score };
  const mismatched = data.mismatched();
  if (mismatched) {
    const more = data.score(await predict(mismatched.encoded, report('dev_mismatched')), mismatched.examples);
    all.accuracy_mismatched = more.metrics.accuracy;
    all.score = (score + more.score) / 2;
    warnings.push(...more.warnings);
  }
  return { metrics: all, predictions: renderPredictionRows(data.task, data.devExamples, outputs), warnings };
}

function writeModel(
  output: string,
  model: OpenModel,
  { state }: Attached,
  arm: ResolvedArm,
  { tuning }: TunedConfig,
): void {
  const { parameters } = state;
  const tensors = parameters.names.map(
    (name) => [name, { shape: parameters.shape(name), data: parameters.read(name) }] as const,
  );
  const { bottom, top, head } = arm;
  writeTuned(output, model.config.family, tensors, {
    format: 'pt',
    arm: JSON.stringify({ bottom, top, head }),
    tuning: JSON.stringify(tuning),
    base: model.hash,
  });
}

function describe(run: {
  model: OpenModel;
  data: RunData;
  arm: ResolvedArm;
  attached: Attached;
  selection: SelectResult | undefined;
  cache: CacheResult | undefined;
  config: TunedConfig;
  threads: number;
  tuned: Tuned;
  dev: DevResult;
  seconds: Record<string, number>;
}): RunResult {
  const { model, data, arm, attached, selection, cache, config, threads, tuned, dev, seconds } = run;
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
    bestEpoch: tuned.bestEpoch,
    epochs: tuned.epochs,
    seconds,
    peakMemory: process.resourceUsage().maxRSS * 1024,
    seed: config.seed,
    ...(selection ? { selection } : {}),
    ...(cache ? { cache } : {}),
    padding: data.padding,
    truncated: data.truncated,
    environment: environment(config.engine.name, threads),
    warnings,
    definition: data.task,
    baseHash: model.hash,
  };
}
