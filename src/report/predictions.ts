/** Predictions as tab-separated text. */
import type { PredictResult } from '../pipeline/types.js';

/** A header and one line for each input: its index, its label, and for classes how probable the label is. No line end after the last. */
export function renderPredictions({ labels, predictions }: PredictResult): string {
  const lines = predictions.map(({ index, label, scores }) =>
    labels.length > 0
      ? [index, label, (scores[labels.indexOf(String(label))] ?? Number.NaN).toFixed(4)]
      : [index, label],
  );
  const header = labels.length > 0 ? ['index', 'label', 'probability'] : ['index', 'score'];
  return [header, ...lines].map((line) => line.join('\t')).join('\n');
}
