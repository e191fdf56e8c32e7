/** The rows of train that a run uses: all, or the sample of them that `task.trainSamples` asks for. Selecting and tuning share them. */
import { type RunConfig, splitSeedOf } from '../config/schema.js';
import type { Example, OpenTask, Split, Task } from '../data/types.js';
import { UserError } from '../errors.js';
import { displayPath } from '../files.js';
import { binScores, rankBins } from '../selection/classes.js';
import { stratifiedSample } from '../selection/sample.js';

export interface TrainingRows {
  examples: Example[];
  warnings: string[];
}

/** Reads train. The sample is stratified by class, or by binned score. Throws a `UserError` where train has fewer rows than asked for. */
export function trainingRows({ task, split }: OpenTask, config: RunConfig): TrainingRows {
  const train = split('train');
  const { examples, file } = train;
  const warnings = skippedRows(train);
  const { trainSamples: asked = 'all' } = config.task;
  if (asked === 'all') return { examples, warnings };
  if (asked > examples.length) {
    throw new UserError(`task.trainSamples asks for ${asked} rows, but there are ${examples.length}`, {
      file,
      hint: `set task.trainSamples to ${examples.length} or less, or to all`,
    });
  }
  const strata = strataOf(task, examples);
  const sample = Array.from(stratifiedSample(strata, asked, splitSeedOf(config)), (index) => examples[index]);
  const present = new Set(sample.map(({ label }) => label));
  const absent = task.labels.filter((_, id) => !present.has(id) && strata.includes(id));
  if (absent.length > 0) warnings.push(`the sample of ${asked} training rows has no example of ${absent.join(', ')}`);
  return { examples: sample, warnings };
}

/** [examples]: the class of each, or the bin of its score, on whatever scale scores are. */
function strataOf(task: Task, examples: readonly Example[]): Int32Array {
  const labels = examples.map(({ label }) => label ?? 0);
  if (task.kind === 'classification') return Int32Array.from(labels);
  return labels.every((score) => score >= 0 && score <= 5) ? binScores(labels) : rankBins(labels);
}

/** What is to be said of training rows that could not be read. */
function skippedRows({ skipped, file }: Split): string[] {
  if (skipped === 0) return [];
  const what = skipped === 1 ? '1 training row' : `${skipped} training rows`;
  const verbs = skipped === 1 ? 'cannot be read and is' : 'cannot be read and are';
  return [`${what} of ${displayPath(file)} ${verbs} left out`];
}
