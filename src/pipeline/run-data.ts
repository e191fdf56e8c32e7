/** What a run reads: training batches, the split that chooses the epoch, and dev. */
import { type RunConfig, splitSeedOf } from '../config/schema.js';
import {
  batchRows,
  lengthsOf,
  type Plan,
  paddingShare,
  trainingBatches,
  trainingPlan,
  truncatedShare,
} from '../data/batches.js';
import { cleanSplit } from '../data/clean-split.js';
import type { Encoded, Example, OpenTask, Task } from '../data/types.js';
import { score } from '../metrics/score.js';
import type { TrainingData } from '../training/loop.js';
import { encodeExamples, limitLength, requireLabels } from './inputs.js';
import type { OpenModel } from './model.js';
import { decide } from './predictor.js';
import { trainingRows } from './training-rows.js';
import type { Reporter } from './types.js';

export interface RunData {
  task: Task;
  /** What ν and the tuning see: train, less what is held out. */
  trainExamples: Example[];
  trainEncoded: Encoded[];
  training: TrainingData;
  /** Which examples stand in which batch of an epoch (0-based). */
  plan(epoch: number): Plan;
  /** The split that chooses the epoch: dev, or what is held out of train. */
  selectionName: string;
  selectionExamples: Example[];
  selectionEncoded: Encoded[];
  devExamples: Example[];
  devEncoded: Encoded[];
  /** MNLI's second dev set, where its file is there. */
  mismatched(): { examples: Example[]; encoded: Encoded[] } | undefined;
  score(
    outputs: number[][],
    examples: readonly Example[],
  ): { metrics: Record<string, number>; score: number; warnings: string[] };
  /** Share of padding in the first epoch's batches. */
  padding: number;
  pad: { padId: number; maxLength: number };
  truncated: number;
  warnings: string[];
}

export function readRunData(opened: OpenTask, model: OpenModel, config: RunConfig, reporter: Reporter): RunData {
  const { task, split, splits } = opened;
  const { training: options, seed } = config;
  const { tokenizer } = model;
  const length = limitLength(model.config, options.maxLength);
  const encode = (examples: readonly Example[]) => encodeExamples(examples, model, length, { phase: 'read', reporter });

  const { examples: all, warnings } = trainingRows(opened, config);
  const dev = split('dev');
  requireLabels(dev, 'dev', 'training scores on it: name a file with labels');
  const devExamples = dev.examples;
  const devEncoded = encode(devExamples);
  const parts =
    options.cleanSplit > 0 ? cleanSplit(all, { share: options.cleanSplit, seed: splitSeedOf(config) }) : undefined;
  const trainExamples = parts ? parts.rest.map((i) => all[i]) : all;
  const encoded = encode(trainExamples);
  const held = parts?.held.map((i) => all[i]);
  if (parts) {
    reporter.log(
      'info',
      `${parts.held.length} of ${all.length} training rows are held out, by groups that share a text`,
    );
    const { length } = parts.dropped;
    if (length > 0) warnings.push(`${rows(length)} in neither part: their short texts stand in texts of both`);
  }

  const pad = { padId: tokenizer.padId, maxLength: length };
  const order = { batchSize: options.batchSize, order: options.batches, seed };
  const lengths = lengthsOf(encoded);
  const plan = (epoch: number) => trainingPlan(lengths, { ...order, epoch });
  const firstEpoch = plan(0);
  return {
    task,
    trainExamples,
    trainEncoded: encoded,
    training: {
      labels: trainExamples.map(({ label }) => label ?? 0),
      batchesPerEpoch: firstEpoch.length,
      batches: (epoch) => trainingBatches(encoded, { ...order, ...pad, epoch }),
    },
    plan,
    pad,
    selectionName: parts ? 'held-out' : 'dev',
    selectionExamples: held ?? devExamples,
    selectionEncoded: held ? encode(held) : devEncoded,
    devExamples,
    devEncoded,
    mismatched() {
      if (task.name !== 'mnli' || !splits.includes('dev_mismatched')) return undefined;
      const mismatched = split('dev_mismatched');
      requireLabels(mismatched, 'dev_mismatched', 'training scores on it: name a file with labels');
      const { examples } = mismatched;
      return { examples, encoded: encode(examples) };
    },
    score(outputs, examples) {
      return score(
        task,
        decide(task, outputs),
        examples.map(({ label }) => label ?? Number.NaN),
      );
    },
    padding: paddingShare(firstEpoch, encoded, {
      rows: batchRows(options.batchSize, encoded.length),
      maxLength: length,
    }),
    truncated: truncatedShare(encoded),
    warnings,
  };
}

const rows = (count: number) => (count === 1 ? '1 training row is' : `${count} training rows are`);
