/** The batch that a Python script computed with: ids, types and mask [rows, length] of a safetensors file. */
import type { Safetensors } from '../src/checkpoint/safetensors.js';
import type { Batch } from '../src/data/types.js';

export function readBatch(file: Safetensors): Batch {
  const mask = file.read('mask');
  const [rows, length] = mask.shape;
  return {
    rows,
    length,
    ids: Int32Array.from(file.read('ids').data),
    typeIds: Int32Array.from(file.read('types').data),
    attentionMask: mask.data,
    contentMask: mask.data,
    examples: Int32Array.from({ length: rows }, (_, row) => row),
    weights: new Float32Array(rows).fill(1),
  };
}
