/** What a cached prefix is a function of. Equal keys mean equal states; anything else is computed again. */
import { createHash } from 'node:crypto';
import type { Encoded } from '../../data/types.js';
import type { Pooling } from '../../model/inputs.js';
import type { Start } from './start.js';

export type Precision = 'float32' | 'float16';

export interface PrefixIdentity {
  /** Content hash of the model. */
  model: string;
  /** Content hash of the tokenizer's files. */
  tokenizer: string;
  /** Longest input in tokens. */
  maxLength: number;
  start: Start;
  /** What the classifier reads; of pooled vectors alone. */
  pooling: Pooling;
  precision: Precision;
  /** What else may change a last bit: engine, its version, the processor's instructions. */
  environment: string;
}

/** sha-256, in hexadecimal, of all that the states of a split depend on: the identity, and every token of the split in order. */
export function prefixKey(identity: PrefixIdentity, split: readonly Encoded[]): string {
  const { start, pooling, ...rest } = identity;
  const hash = createHash('sha256');
  hash.update(JSON.stringify({ ...rest, start, pooling: start.kind === 'pooled' ? pooling : undefined }));
  const lengths = Int32Array.from(split, ({ ids }) => ids.length);
  hash.update(lengths);
  for (const { ids, typeIds, special } of split) hash.update(ids).update(typeIds).update(special);
  return hash.digest('hex');
}
