/**
 * Fisher information: the trace of the empirical Fisher matrix of each layer's parameters, the mean over inputs of ‖∇ log p(y | x)‖² (as
 * in Sung, Nair and Raffel, "Training Neural Networks with Fixed Sparse Masks", NeurIPS 2021, arXiv 2111.09839, summed by layer).
 */
import type { LayerGradients } from './gradients.js';

/** `inputs`: gradients of one input each. */
export function fisher(inputs: readonly LayerGradients[]): number[] {
  const layers = inputs[0]?.gradients.length ?? 0;
  return Array.from({ length: layers }, (_, layer) => {
    const sum = inputs.reduce((total, { gradients }) => total + gradients[layer], 0);
    return sum / inputs.length;
  });
}
