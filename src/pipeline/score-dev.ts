/** Scores of the kept weights on dev, and the predictions on it; MNLI has two dev sets. */
import type { Encoded } from '../data/types.js';
import { type Predictor, renderPredictionRows } from './predictor.js';
import type { RunData } from './run-data.js';
import { FILES } from './run-folder.js';
import type { Reporter } from './types.js';

export interface DevResult {
  metrics: Record<string, number>;
  /** Rows of all dev sets. */
  examples: number;
  /** Text of each file of predictions, by its name in the run folder. */
  predictions: Map<string, string>;
  /** MNLI's second dev set, which no cache holds. */
  mismatched?: Encoded[];
  warnings: string[];
}

/** `known` are the kept weights' outputs on dev, where they are there already. */
export async function scoreDev(
  data: RunData,
  predict: Predictor,
  reporter: Reporter,
  known: number[][] | undefined,
): Promise<DevResult> {
  const { task, devEncoded, devExamples } = data;
  const report = (subject: string) => (done: number, total: number) =>
    reporter.progress({ phase: 'evaluate', subject, done, total });
  const outputs = known ?? (await predict(devEncoded, report('dev')));
  const { metrics, score, warnings } = data.score(outputs, devExamples);
  const predictions = new Map([[FILES.predictions as string, renderPredictionRows(task, devExamples, outputs)]]);
  const second = data.mismatched();
  if (!second) return { metrics: { ...metrics, score }, examples: devExamples.length, predictions, warnings };

  const { examples, encoded } = second;
  const others = await predict(encoded, report('dev_mismatched'));
  const more = data.score(others, examples);
  predictions.set(FILES.mismatched, renderPredictionRows(task, examples, others));
  return {
    metrics: { ...metrics, score: (score + more.score) / 2, accuracy_mismatched: more.metrics.accuracy },
    examples: devExamples.length + examples.length,
    predictions,
    mismatched: encoded,
    warnings: [...warnings, ...more.warnings],
  };
}
