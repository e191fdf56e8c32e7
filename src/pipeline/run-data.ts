/** What a run reads: training batches, the split that chooses the epoch, and dev. */
import type { RunConfig } from '../config/schema.js';
import { batchRows, lengthsOf, paddingShare, trainingBatches, trainingPlan, truncatedShare } from '../data/batches.js';
import { cleanSplit } from '../data/clean-split.js';
import type { OpenTask } from '../data/tasks.js';
import type { Encoded, Example, Task } from '../data/types.js';
import { score } from '../metrics/score.js';
import type { TrainingData } from '../training/loop.js';
import { encodeExamples, limitLength } from './inputs.js';
import type { OpenModel } from './model.js';
import { decide } from './predictor.js';
import type { Reporter } from './types.js';

export interface RunData {
  task: Task;
  /** What ν and the tuning see: train, less what is held out. */
  trainExamples: Example[];
  trainEncoded: Encoded[];
  training: TrainingData;
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
  const encode = (examples: readonly Example[]) =>
    encodeExamples(examples, tokenizer, length, { phase: 'read', reporter });

  const train = split('train');
  const warnings =
    train.skipped > 0 ? [`${train.skipped} training rows of ${train.file} cannot be read and are left out`] : [];
  for (const warning of warnings) reporter.log('warn', warning);
  const devExamples = split('dev').examples;
  const devEncoded = encode(devExamples);
  const parts = options.cleanSplit > 0 ? cleanSplit(train.examples, { share: options.cleanSplit, seed }) : undefined;
  const trainExamples = parts ? parts.rest.map((i) => train.examples[i]) : train.examples;
  const encoded = encode(trainExamples);
  const held = parts?.held.map((i) => train.examples[i]);
  if (parts)
    reporter.log(
      'info',
      `${parts.held.length} of ${train.examples.length} training rows are held out, by groups that share a text`,
    );

  const pad = { padId: tokenizer.padId, maxLength: length };
  const order = { batchSize: options.batchSize, order: options.batches, seed };
  const firstEpoch = trainingPlan(lengthsOf(encoded), { ...order, epoch: 0 });
  return {
    task,
    trainExamples,
    trainEncoded: encoded,
    training: {
      labels: trainExamples.map(({ label }) => label ?? 0),
      batchesPerEpoch: firstEpoch.length,
      batches: (epoch) => trainingBatches(encoded, { ...order, ...pad, epoch }),
    },
    pad,
    selectionName: parts ? 'held-out' : 'dev',
    selectionExamples: held ?? devExamples,
    selectionEncoded: held ? encode(held) : devEncoded,
    devExamples,
    devEncoded,
    mismatched() {
      if (task.name !== 'mnli' || !splits.includes('dev_mismatched')) return undefined;
      const { examples } = split('dev_mismatched');
      return { examples, encoded: encode(examples) };
    },
    score(outputs, examples) {
      return score(
        task,
        decide(task, outputs),
        examples.map(({ label }) => label ?? Number.NaN),
      );
    },
    padding: paddingShare(firstEpoch, encoded, { rows: batchRows(options.batchSize), maxLength: length }),
    truncated: truncatedShare(encoded),
    warnings,
  };
}
