/**
 * Cosine of the representative token, the first one of an input ([CLS], <s>), between a layer and the layer below it, mean over inputs. 1: the
 * layer only scales it.
 */

export interface TokenCosine {
  /** Takes cosines [layers, rows] and which input each row is; -1 for a filler row. */
  add(cosines: Float32Array, inputs: ArrayLike<number>): void;
  /** Layers 1…L, layer 1 against the embedding output. */
  means(): number[];
}

export function createTokenCosine(layers: number): TokenCosine {
  const sums = new Float64Array(layers);
  let count = 0;
  return {
    add(cosines, inputs) {
      const rows = inputs.length;
      for (let row = 0; row < rows; row++) {
        if (inputs[row] === -1) continue;
        count++;
        for (let layer = 0; layer < layers; layer++) sums[layer] += cosines[layer * rows + row];
      }
    },
    means: () => Array.from(sums, (sum) => sum / count),
  };
}
