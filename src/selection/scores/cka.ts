/**
 * Linear CKA between a layer and the one below it: ‖X̃ᵀ Ỹ‖² / (‖X̃ᵀ X̃‖ ‖Ỹᵀ Ỹ‖), Frobenius norms of products of centred states (Kornblith
 * et al., "Similarity of Neural Network Representations Revisited", ICML 2019, arXiv 1905.00414). 1: the layer changes nothing but a
 * rotation and a scale.
 */

import type { PooledStates } from '../states.js';
import { columnMeans } from './moments.js';
import type { LayerInput } from './score.js';

/** Rows of one product. */
const CHUNK = 1024;

/** Null at layer 1, whose lower neighbour is not pooled, and where either layer's states are all one. */
export async function cka({ states, layer, multiply }: LayerInput): Promise<number | null> {
  if (layer === 1) return null;
  const { width } = states;
  const sums = [0, 1, 2].map(() => new Float64Array(width * width));
  const [lower, upper] = [layer - 1, layer].map((of) => chunks(states, of));
  for (const x of lower) {
    const y = upper.next().value ?? x;
    const transposes = [transpose(x, width), transpose(y, width)];
    const pairs: [Float32Array, Float32Array][] = [
      [transposes[0], y],
      [transposes[0], x],
      [transposes[1], y],
    ];
    for (const [p, [left, right]] of pairs.entries()) {
      const product = await multiply(left, width, left.length / width, right, width);
      for (let i = 0; i < product.length && i < sums[p].length; i++) sums[p][i] += product[i];
    }
  }
  const [cross, own, other] = sums.map((sum) => sum.reduce((square, value) => square + value * value, 0));
  return own > 0 && other > 0 ? cross / Math.sqrt(own * other) : null;
}

/** Centred rows of a layer (1-based), all chunks of one size, the last one filled up with zeros. */
function* chunks(states: PooledStates, layer: number): Generator<Float32Array> {
  const { rows, width } = states;
  const mean = columnMeans(states, layer);
  const size = Math.min(CHUNK, rows);
  let chunk = new Float32Array(size * width);
  let filled = 0;
  for (const piece of states.pieces(layer - 1)) {
    for (let at = 0; at < piece.states.length; at += width) {
      for (let j = 0; j < width; j++) chunk[filled + j] = piece.states[at + j] - mean[j];
      filled += width;
      if (filled < chunk.length) continue;
      yield chunk;
      chunk = new Float32Array(size * width);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk;
}

function transpose(rows: Float32Array, width: number): Float32Array {
  const count = rows.length / width;
  const result = new Float32Array(rows.length);
  for (let i = 0; i < count; i++) for (let j = 0; j < width; j++) result[j * count + i] = rows[i * width + j];
  return result;
}
