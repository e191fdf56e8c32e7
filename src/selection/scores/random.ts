/** A score that knows nothing: uniform in [0, 1), drawn by the seed; what any other score has to beat. */
import { stream } from '../../random.js';

/** One number for each of the layers 1…`layers`. */
export function randomScore(layers: number, seed: number): number[] {
  return Array.from({ length: layers }, (_, index) => stream(seed, 'random score', index + 1).uniform());
}
