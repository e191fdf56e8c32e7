/**
 * The public interface. Each verb runs in a worker thread of its own, as on the command line, so that the caller's thread stays
 * free; what it computes with is loaded there and nowhere else.
 *
 *     import { loadConfig, select, train } from 'spantune';
 *
 *     const config = loadConfig('configs/mrpc-selected.yaml');
 *     const { selected, arm } = await select(config);
 *     const { metrics } = await train(config, 'runs/mrpc');
 */
import { runJob } from './cli/run-job.js';
import type { RunConfig } from './config/schema.js';
import type {
  EvaluateOptions,
  EvaluateResult,
  ExportOptions,
  ExportResult,
  PredictOptions,
  PredictResult,
  Reporter,
  SelectResult,
  TrainResult,
} from './pipeline/types.js';

export {
  type LoadOptions,
  loadConfig,
  type Override,
  resolveConfig,
  setOverride,
  stringifyConfig,
} from './config/load.js';
export type { RunConfig } from './config/schema.js';
export type { MetricName, TaskSpec } from './data/types.js';
export {
  CheckpointError,
  ConfigError,
  DataError,
  EngineError,
  Interrupted,
  type Place,
  SpantuneError,
  UserError,
} from './errors.js';
export type {
  Arm,
  EvaluateOptions,
  EvaluateResult,
  ExportOptions,
  ExportResult,
  LayerScoreResult,
  LayerVariability,
  Prediction,
  PredictOptions,
  PredictResult,
  Progress,
  Reporter,
  SelectResult,
  TrainResult,
} from './pipeline/types.js';
export { type ArmRow, type ArmsOptions, renderArms } from './report/arms.js';
export { type Format, renderComparison } from './report/comparison/render.js';
export { writeReport } from './report/comparison/report.js';
export { renderSelection } from './report/selection.js';
export { type Style, styleFor } from './report/style.js';
export { renderEvaluation, renderTraining } from './report/training.js';

export interface JobOptions {
  /** Gets notes and progress while the work is under way. Default: nobody does. */
  reporter?: Reporter;
  /** Aborting it stops the work between two steps; the promise then rejects with `Interrupted`. */
  signal?: AbortSignal;
}

const silent: Reporter = { log() {}, progress() {} };

/** ν of every layer on the configuration's task, ℓ*, and the proposed arm. Rejects with a typed error that names what is wrong. */
export function select(config: RunConfig, { reporter = silent, signal }: JobOptions = {}): Promise<SelectResult> {
  return runJob({ verb: 'select', config }, { reporter, signal });
}

/** Selects (unless the arm is explicit), attaches, tunes and evaluates; writes the run folder `output`. */
export function train(
  config: RunConfig,
  output: string,
  { reporter = silent, signal }: JobOptions = {},
): Promise<TrainResult> {
  return runJob({ verb: 'train', config, output }, { reporter, signal });
}

/** Scores of a run folder on a split that has labels. */
export function evaluate(
  options: EvaluateOptions,
  { reporter = silent, signal }: JobOptions = {},
): Promise<EvaluateResult> {
  return runJob({ verb: 'evaluate', options }, { reporter, signal });
}

/** A run folder's labels for new text or for a split. */
export function predict(
  options: PredictOptions,
  { reporter = silent, signal }: JobOptions = {},
): Promise<PredictResult> {
  return runJob({ verb: 'predict', options }, { reporter, signal });
}

/** Writes a run folder's adapter in a format of Python's libraries. Rejects with a `CheckpointError` for what the format cannot hold. */
export function exportAdapter(
  options: ExportOptions,
  { reporter = silent, signal }: JobOptions = {},
): Promise<ExportResult> {
  return runJob({ verb: 'export', options }, { reporter, signal });
}
