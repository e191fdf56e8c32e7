/** A task's metrics and their mean, the task score. */
import type { MetricName, Task } from '../data/types.js';
import { SpantuneError, UserError } from '../errors.js';
import { accuracy } from './accuracy.js';
import { allFinite, isConstant, pearson, spearman } from './correlation.js';
import { f1, macroF1 } from './f1.js';
import { matthews } from './matthews.js';

export interface Score {
  /** Each metric of the task; fractions, not per cent. */
  metrics: Record<string, number>;
  /** Their mean. */
  score: number;
  /** What makes a metric say little, such as constant predictions. */
  warnings: string[];
}

/**
 * Scores predictions (class ids, or raw outputs of a regression task) against gold labels of the same order. Throws a `UserError`
 * where there is nothing to score.
 */
export function score(task: Task, predictions: ArrayLike<number>, gold: ArrayLike<number>): Score {
  if (predictions.length !== gold.length) {
    throw new SpantuneError(`${predictions.length} predictions do not fit ${gold.length} labels`);
  }
  if (gold.length === 0) {
    throw new UserError(`${task.name} has no labelled examples to score`, { hint: 'choose a split with labels' });
  }
  const metrics: Record<string, number> = {};
  for (const name of task.metrics) metrics[name] = metric(name, task, predictions, gold);
  const values = Object.values(metrics);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { metrics, score: mean, warnings: warningsOf(task, predictions, gold) };
}

function metric(name: MetricName, task: Task, predictions: ArrayLike<number>, gold: ArrayLike<number>): number {
  switch (name) {
    case 'accuracy':
      return accuracy(predictions, gold);
    case 'f1':
      return f1(predictions, gold, positiveClass(task));
    case 'macro-f1':
      return macroF1(predictions, gold);
    case 'matthews':
      return matthews(predictions, gold);
    case 'pearson':
      return pearson(predictions, gold);
    case 'spearman':
      return spearman(predictions, gold);
  }
}

/** Class id that F1 is about: the named class, else class 1. */
export function positiveClass(task: Task): number {
  return task.positiveLabel === undefined ? 1 : task.labels.indexOf(task.positiveLabel);
}

function warningsOf(task: Task, predictions: ArrayLike<number>, gold: ArrayLike<number>): string[] {
  const correlations = task.metrics.filter((name) => ['matthews', 'pearson', 'spearman'].includes(name));
  if (correlations.length === 0) return [];
  const verb = correlations.length === 1 ? 'is' : 'are';
  const named = `${correlations.join(' and ')} ${verb} undefined and count${correlations.length === 1 ? 's' : ''} as 0`;
  if (!allFinite(predictions)) return [`some predictions are not finite: ${named}`];
  if (isConstant(predictions)) return [`all predictions are the same: ${named}`];
  if (isConstant(gold)) return [`all labels are the same: ${named}`];
  return [];
}
