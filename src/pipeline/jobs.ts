/** The pipeline's stories by verb. A worker thread imports the one that it is asked for, and nothing else. */
import type { RunConfig } from '../config/schema.js';
import type { EstimateOptions, EstimateResult } from './estimate.js';
import type { RobustnessOptions, RobustnessResult } from './robustness.js';
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
} from './types.js';

/** What is to be done; plain data, so that it crosses a thread's border. */
export type Job =
  | { verb: 'select'; config: RunConfig }
  | { verb: 'train'; config: RunConfig; output: string }
  | { verb: 'evaluate'; options: EvaluateOptions }
  | { verb: 'predict'; options: PredictOptions }
  | { verb: 'export'; options: ExportOptions }
  | { verb: 'estimate'; options: EstimateOptions }
  | { verb: 'robustness'; options: RobustnessOptions };

export type Verb = Job['verb'];

export interface Results {
  select: SelectResult;
  train: TrainResult;
  evaluate: EvaluateResult;
  predict: PredictResult;
  export: ExportResult;
  estimate: EstimateResult;
  robustness: RobustnessResult;
}

export interface Stories {
  runSelect(config: RunConfig, reporter: Reporter): Promise<SelectResult>;
  /** `stop` is polled between optimiser steps; when it says so, throws `Interrupted` with all files closed. */
  runTrain(config: RunConfig, output: string, reporter: Reporter, stop: () => boolean): Promise<TrainResult>;
  runEvaluate(options: EvaluateOptions, reporter: Reporter): Promise<EvaluateResult>;
  runPredict(options: PredictOptions, reporter: Reporter): Promise<PredictResult>;
  runExport(options: ExportOptions, reporter: Reporter): Promise<ExportResult>;
  runEstimate(options: EstimateOptions, reporter: Reporter): Promise<EstimateResult>;
  runRobustness(options: RobustnessOptions, reporter: Reporter): Promise<RobustnessResult>;
}

/** Imports the verb's story and runs it. To be called inside a worker thread: it computes natively and blocks. */
export async function runStory(job: Job, reporter: Reporter, stop: () => boolean): Promise<Results[Verb]> {
  const story = (await import(`./${job.verb}.js`)) as Stories;
  switch (job.verb) {
    case 'select':
      return story.runSelect(job.config, reporter);
    case 'train':
      return story.runTrain(job.config, job.output, reporter, stop);
    case 'evaluate':
      return story.runEvaluate(job.options, reporter);
    case 'predict':
      return story.runPredict(job.options, reporter);
    case 'export':
      return story.runExport(job.options, reporter);
    case 'estimate':
      return story.runEstimate(job.options, reporter);
    case 'robustness':
      return story.runRobustness(job.options, reporter);
  }
}
