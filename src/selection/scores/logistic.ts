/**
 * Logistic probe: logistic regression with a squared penalty on standardised states, on four fifths of the rows and tried on the fifth,
 * for each of five folds; rows that share a text stay in one fold. The score is the share of right answers.
 */
import { fitLogistic } from './fit-logistic.js';
import { gatherRows } from './rows.js';
import type { LayerInput } from './score.js';

/** Null with a single fold, or where a fold's other rows are of one class. */
export function logistic(input: LayerInput): number | null {
  const { states, layer, sample, folds, foldCount } = input;
  if (foldCount < 2) return null;
  const { width, classes } = states;
  const rows = gatherRows(states, layer, sample);
  const labels = Int32Array.from(sample, (row) => states.classOf[row]);
  let right = 0;
  for (let fold = 0; fold < foldCount; fold++) {
    const train = [...sample.keys()].filter((i) => folds[sample[i]] !== fold);
    if (new Set(train.map((i) => labels[i])).size < 2) return null;
    const { weights, biases } = fitLogistic(rows, labels, train, { width, classes });
    for (let i = 0; i < sample.length; i++) {
      if (folds[sample[i]] !== fold) continue;
      let [best, answer] = [Number.NEGATIVE_INFINITY, 0];
      for (let c = 0; c < classes; c++) {
        let logit = biases[c];
        for (let j = 0; j < width; j++) logit += weights[c * width + j] * rows[i * width + j];
        if (logit > best) [best, answer] = [logit, c];
      }
      if (answer === labels[i]) right++;
    }
  }
  return right / sample.length;
}
