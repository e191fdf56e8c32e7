/**
 * Relative gradient norm: ‖∇‖ / ‖θ‖ of each layer, mean over batches (Lee et al., "Surgical Fine-Tuning Improves Adaptation to
 * Distribution Shifts", ICLR 2023, arXiv 2210.11466).
 */
import type { LayerGradients } from './gradients.js';

/** `batches`: gradients of the mean loss of a batch each. */
export function gradientNorm(batches: readonly LayerGradients[]): number[] {
  const layers = batches[0]?.gradients.length ?? 0;
  return Array.from({ length: layers }, (_, layer) => {
    const sum = batches.reduce(
      (total, { gradients, weights }) => total + Math.sqrt(gradients[layer] / weights[layer]),
      0,
    );
    return sum / batches.length;
  });
}
