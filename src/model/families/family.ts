/**
 * What sets one encoder family apart, as data: the keys of its `config.json` and the names of its weights. A new family is one
 * file beside this one, a line in `registry.ts`, and a name in `Family`. Nothing here knows tensors.
 */
import type { Family } from '../types.js';

/** The parts of a layer that have a weight and a bias, by their canonical names. */
export const LAYER_PARTS = [
  'query',
  'key',
  'value',
  'attention',
  'attentionNorm',
  'intermediate',
  'output',
  'outputNorm',
] as const;
export type LayerPart = (typeof LAYER_PARTS)[number];

/** Which key of `config.json` holds what; null where the family has no such key. */
export interface ConfigKeys {
  layers: string;
  hidden: string;
  heads: string;
  intermediate: string;
  vocabulary: string;
  positions: string;
  activation: string;
  hiddenDropout: string;
  attentionDropout: string;
  classifierDropout: string | null;
  layerNormEpsilon: string | null;
  tokenTypes: string | null;
  embedding: string | null;
  relativeBuckets: string | null;
}

export interface FamilyDescription {
  family: Family;
  /** Values of `model_type` in `config.json`. */
  modelTypes: readonly string[];
  keys: ConfigKeys;
  /** What `transformers` assumes where an optional key is absent. */
  defaults: { layerNormEpsilon: number; padId: number; tokenTypes: number; relativeBuckets: number };
  /** Row of the position table that the first token reads. */
  positionOffset(padId: number): number;
  /** Whether the attention's output projection is followed by dropout. */
  attentionOutputDropout: boolean;
  /** Prefix of the weights' names in checkpoints with a head, such as `bert.`. */
  prefix: string;
  /** Path before a layer's 0-based number, such as `encoder.layer.`. */
  layerPath: string;
  layerParts: Readonly<Record<LayerPart, string>>;
  /** Canonical to Hugging Face names of everything under `embeddings.`, without the prefix. */
  embeddings: Readonly<Record<string, string>>;
}
