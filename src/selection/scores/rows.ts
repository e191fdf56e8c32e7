/** Chosen rows of one layer in memory, for scores that need them at once. */
import type { PooledStates } from '../states.js';

/** Most rows that such scores use; of more, a stratified sample stands for all. */
export const MOST_ROWS = 10_000;

/** Rows `chosen` (ascending) of a layer (1-based): [chosen, width]. */
export function gatherRows(states: PooledStates, layer: number, chosen: Int32Array): Float32Array {
  const { width } = states;
  const gathered = new Float32Array(chosen.length * width);
  let next = 0;
  for (const piece of states.pieces(layer - 1)) {
    const end = piece.from + piece.states.length / width;
    for (; next < chosen.length && chosen[next] < end; next++) {
      const at = (chosen[next] - piece.from) * width;
      gathered.set(piece.states.subarray(at, at + width), next * width);
    }
  }
  return gathered;
}
