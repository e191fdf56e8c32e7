/** Outputs of a tuned model for encoded inputs, and what they mean. */
import { evaluationBatches } from '../data/batches.js';
import type { Encoded, Example, Task } from '../data/types.js';
import type { Bank, Engine } from '../engine/types.js';
import { createInference } from '../training/inference.js';
import type { BatchInputs } from '../training/prefix/cache.js';
import type { ModelSpec } from '../training/programs.js';
import type { Prediction } from './types.js';

const ROWS = 32;

/** Outputs [inputs][classes]: logits, or a single score for regression. */
export type Predictor = (encoded: Encoded[], onBatch?: (done: number, total: number) => void) => Promise<number[][]>;

/** `cache`: given where the model starts from cached states. */
export function predictor(
  engine: Engine,
  spec: ModelSpec,
  banks: readonly Bank[],
  { batchSize = ROWS, ...padding }: { padId: number; maxLength: number; batchSize?: number },
  cache?: { inputs(encoded: Encoded[]): BatchInputs },
): Predictor {
  const infer = createInference(engine, spec, banks);
  return async (encoded, onBatch) => {
    let done = 0;
    onBatch?.(done, encoded.length);
    const report = (rows: number) => {
      done += rows;
      onBatch?.(done, encoded.length);
    };
    // A single input pays for no second row; the last bits of its outputs may differ from those that it has among others.
    const batches = evaluationBatches(encoded, { batchSize, least: 1, ...padding });
    const outputs = await infer(batches, encoded.length, report, cache?.inputs(encoded));
    return encoded.map((_, i) => Array.from(outputs.subarray(i * spec.classes, (i + 1) * spec.classes)));
  };
}

/** Class ids of logits (the lower id wins a tie), or the scores themselves. */
export function decide(task: Task, outputs: readonly number[][]): number[] {
  if (task.kind === 'regression') return outputs.map(([score]) => score);
  return outputs.map((logits) => logits.reduce((best, logit, id) => (logit > logits[best] ? id : best), 0));
}

/** Softmax in float64. */
export function probabilities(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - highest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** Predictions by label, with each class's probability. */
export function toPredictions(task: Task, examples: readonly Example[], outputs: readonly number[][]): Prediction[] {
  return decide(task, outputs).map((value, i) => ({
    index: examples[i].index ?? String(i),
    label: task.kind === 'regression' ? value : task.labels[value],
    scores: task.kind === 'regression' ? [] : probabilities(outputs[i]),
  }));
}

/** predictions.tsv: index, true label, predicted label, then each class's probability. */
export function renderPredictionRows(task: Task, examples: readonly Example[], outputs: readonly number[][]): string {
  const named = (label: number | undefined) => {
    if (label === undefined) return '';
    return task.kind === 'regression' ? String(label) : task.labels[label];
  };
  const header = ['index', 'label', 'prediction', ...task.labels.map((name) => `p(${name})`)];
  const rows = toPredictions(task, examples, outputs).map(({ index, label, scores }, i) => [
    index,
    named(examples[i].label),
    String(label),
    ...scores.map((score) => score.toFixed(6)),
  ]);
  return `${[header, ...rows].map((row) => row.join('\t')).join('\n')}\n`;
}
