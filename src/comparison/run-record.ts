/** A finished run's folder as a record: what result.json, config.yaml, metrics.jsonl and the predictions tell, held against each other. */

import { join } from 'node:path';
import { z } from 'zod';
import { openSafetensors } from '../checkpoint/safetensors.js';
import { methodLabel } from '../config/method-label.js';
import { CheckpointError } from '../errors.js';
import { displayPath, readText } from '../files.js';
import { score } from '../metrics/score.js';
import { FILES, type RunResult, readRun } from '../pipeline/run-folder.js';
import { readPredictions } from './predictions.js';
import type { RunRecord, SplitPredictions } from './types.js';

const HINT = 'train the run again, or leave it out';
const number = z.number();

/** What is read here beyond what `readRun` makes sure of. */
const resultSchema = z.looseObject({
  model: z.string(),
  layers: number,
  seed: number,
  trainableParameters: number,
  peakMemory: number,
  epochs: number,
  metrics: z.looseObject({ score: number }).catchall(number),
  seconds: z.record(z.string(), number),
  environment: z.record(z.string(), z.union([z.string(), number])),
  warnings: z.array(z.string()),
  devExamples: number.optional(),
  cost: z.looseObject({ trainingFlops: number, inferenceFlops: number, storedParameters: number }).optional(),
  inference: z.looseObject({ latency: number, throughput: number }).optional(),
});

/**
 * Reads a run's folder; `weights: false`: also of a run whose weights were let go.
 *
 * @throws UserError, CheckpointError, DataError that names the file that is missing or damaged, and the line where there is one.
 */
export function readRunRecord(folder: string, { weights = true } = {}): RunRecord {
  const { config, result } = readRun(folder, { weights });
  if (weights) openSafetensors(join(folder, FILES.tuned)).close();
  const file = join(folder, FILES.result);
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success) {
    const key = parsed.error.issues[0]?.path.join('.');
    throw new CheckpointError(`"${key}" is missing or not as a run writes it`, { file, hint: HINT });
  }
  const { cost, inference, metrics, devExamples } = parsed.data;
  const task = result.definition;
  const splits = [readPredictions(join(folder, FILES.predictions), 'dev', task)];
  if (metrics.accuracy_mismatched !== undefined)
    splits.push(readPredictions(join(folder, FILES.mismatched), 'dev_mismatched', task));
  checkPredictions(folder, result, splits, devExamples);
  return {
    folder,
    model: result.model,
    modelHash: result.baseHash,
    task,
    arm: result.arm,
    layers: result.layers,
    method: methodLabel(config.tuning),
    learningRate: config.training.learningRate,
    seed: result.seed,
    metrics: result.metrics,
    score: metrics.score,
    splits,
    collapsed: splits.every(({ predicted }) => predicted.every((value) => Object.is(value, predicted[0]))),
    cost: {
      trainingFlops: cost?.trainingFlops ?? null,
      inferenceFlops: cost?.inferenceFlops ?? null,
      trainableParameters: result.trainableParameters,
      storedParameters: cost?.storedParameters ?? null,
      seconds: result.seconds,
      peakMemory: result.peakMemory,
      ...(inference ? { inference: { latency: inference.latency, throughput: inference.throughput } } : {}),
    },
    ...(result.selection ? { selection: result.selection } : {}),
    ...readMetrics(join(folder, FILES.metrics), parsed.data.epochs),
    config,
    environment: result.environment,
    warnings: result.warnings,
  };
}

/** The predictions must be all of dev's, and give the score that the run reported. */
function checkPredictions(
  folder: string,
  { definition, metrics }: RunResult,
  splits: readonly SplitPredictions[],
  examples: number | undefined,
): void {
  const file = join(folder, FILES.predictions);
  const rows = splits.reduce((sum, { gold }) => sum + gold.length, 0);
  if (examples !== undefined && rows !== examples) {
    throw new CheckpointError(`${rows} predictions, but the run scored ${examples} examples of dev`, {
      file,
      hint: HINT,
    });
  }
  const scores = splits.map(({ predicted, gold }) => score(definition, predicted, gold).score);
  const seen = scores.reduce((sum, value) => sum + value, 0) / scores.length;
  if (Math.abs(seen - metrics.score) > 1e-6) {
    const points = (value: number) => (100 * value).toFixed(2);
    const message = `the predictions score ${points(seen)}, but ${FILES.result} says ${points(metrics.score)}`;
    throw new CheckpointError(message, { file, hint: HINT });
  }
}

const lineSchema = z.union([
  z.looseObject({ step: number, epoch: number, evaluation: z.looseObject({ score: number }) }),
  // A loss that is not finite is written as null.
  z.looseObject({ step: number, epoch: number, loss: number.nullable(), seconds: number }),
]);

function readMetrics(file: string, epochs: number): Pick<RunRecord, 'steps' | 'evaluations'> {
  const steps: RunRecord['steps'] = [];
  const evaluations: RunRecord['evaluations'] = [];
  if (epochs === 0) return { steps, evaluations };
  readText(file, HINT)
    .split('\n')
    .forEach((text, at) => {
      if (text === '') return;
      const parsed = lineSchema.safeParse(parseLine(text));
      if (!parsed.success) {
        const message = `is not a line of a run's log: ${text.slice(0, 60)}`;
        throw new CheckpointError(message, { file: displayPath(file), line: at + 1, hint: HINT });
      }
      const { data } = parsed;
      const { step, epoch } = data;
      if ('evaluation' in data) evaluations.push({ step, epoch, score: (data.evaluation as { score: number }).score });
      else steps.push({ step, epoch, loss: (data.loss as number | null) ?? Number.NaN, seconds: Number(data.seconds) });
    });
  return { steps, evaluations };
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
