/** The one link between `ops.ts` and a recorder at work: while a function is recorded, its own kernels stand in. */
import type { Tensor } from '@tensorflow/tfjs';

export interface RecordedOps {
  linear(x: Tensor, weight: Tensor, bias: Tensor): Tensor;
  layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor;
  gelu(x: Tensor): Tensor;
  embedding(table: Tensor, ids: Tensor): Tensor;
  scores(a: Tensor, b: Tensor, factor: number): Tensor;
}

let current: RecordedOps | undefined;

/** The recorder's forms of the operations, or undefined where operations run at once. */
export function recordedOps(): RecordedOps | undefined {
  return current;
}

/** Runs a function with the recorder's forms in place. Synchronous; restores what was there before. */
export function withRecordedOps<T>(ops: RecordedOps, body: () => T): T {
  const before = current;
  current = ops;
  try {
    return body();
  } finally {
    current = before;
  }
}
