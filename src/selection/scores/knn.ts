/**
 * Ten nearest neighbours by Euclidean distance, each row left out in its turn: the share of rows whose neighbours' majority is their own
 * class (ties go to the first class), or R² of the neighbours' mean score for regression.
 */
import { columnMeans } from './moments.js';
import { gatherRows } from './rows.js';
import type { LayerInput } from './score.js';

const NEIGHBOURS = 10;
/** Queries and references of one matrix product. */
const QUERIES = 256;
const REFERENCES = 1024;

/** Null with a single row. */
export async function knn(input: LayerInput): Promise<number | null> {
  const { states, layer, sample, kind, targets } = input;
  const count = Math.min(NEIGHBOURS, sample.length - 1);
  if (count < 1) return null;
  const rows = gatherRows(states, layer, sample);
  const mean = columnMeans(states, layer);
  for (let i = 0; i < rows.length; i++) rows[i] -= mean[i % states.width];
  const neighbours = await nearestRows(rows, states.width, count, input.multiply);

  let right = 0;
  let error = 0;
  let [sum, square] = [0, 0];
  for (let row = 0; row < sample.length; row++) {
    const own = neighbours.subarray(row * count, (row + 1) * count);
    const target = targets[sample[row]];
    if (kind === 'regression') {
      let estimate = 0;
      for (const neighbour of own) estimate += targets[sample[neighbour]] / count;
      error += (estimate - target) ** 2;
      sum += target;
      square += target * target;
      continue;
    }
    const votes = new Int32Array(states.classes);
    for (const neighbour of own) votes[states.classOf[sample[neighbour]]]++;
    if (votes.indexOf(Math.max(...votes)) === states.classOf[sample[row]]) right++;
  }
  if (kind === 'classification') return right / sample.length;
  const spread = square - (sum * sum) / sample.length;
  return spread > 0 ? 1 - error / spread : null;
}

/** The `count` nearest other rows of each row of [n, width]: [n, count], nearest first. */
async function nearestRows(
  rows: Float32Array,
  width: number,
  count: number,
  multiply: LayerInput['multiply'],
): Promise<Int32Array> {
  const n = rows.length / width;
  const norms = new Float64Array(n);
  for (let i = 0; i < rows.length; i++) norms[Math.floor(i / width)] += rows[i] * rows[i];
  const nearest = new Int32Array(n * count).fill(-1);
  const distances = new Float64Array(n * count).fill(Number.POSITIVE_INFINITY);
  // Products of few shapes: the last block of either side is filled up with zeros.
  const queries = Math.min(QUERIES, n);
  const references = Math.min(REFERENCES, n);
  const left = new Float32Array(queries * width);
  for (let from = 0; from < n; from += references) {
    const inBlock = Math.min(references, n - from);
    const transposed = new Float32Array(width * references);
    for (let i = 0; i < inBlock; i++) {
      for (let j = 0; j < width; j++) transposed[j * references + i] = rows[(from + i) * width + j];
    }
    for (let start = 0; start < n; start += queries) {
      const asked = Math.min(queries, n - start);
      left.fill(0).set(rows.subarray(start * width, (start + asked) * width));
      const products = await multiply(left, queries, width, transposed, references);
      for (let q = 0; q < asked; q++) {
        const row = start + q;
        const last = (row + 1) * count - 1;
        for (let i = 0; i < inBlock; i++) {
          const distance = norms[row] + norms[from + i] - 2 * products[q * references + i];
          if (!(distance < distances[last]) || from + i === row) continue;
          let at = last;
          for (; at > row * count && distance < distances[at - 1]; at--) {
            distances[at] = distances[at - 1];
            nearest[at] = nearest[at - 1];
          }
          distances[at] = distance;
          nearest[at] = from + i;
        }
      }
    }
  }
  return nearest;
}
