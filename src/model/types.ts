/** An encoder, apart from its weights. */
export type { HostTensor } from '../engine/types.js';

export type Family = 'bert' | 'roberta' | 'electra' | 'distilbert' | 'mpnet';
export type Activation = 'gelu' | 'gelu_tanh' | 'relu';

/** One shape for every family; read from a Hugging Face `config.json` by `checkpoint/`. */
export interface EncoderConfig {
  family: Family;
  /** Layers in the checkpoint (L). */
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  /** Rows of the position table. */
  positions: number;
  /** Row of the position table that the first token reads: 0, or padding id + 1 for RoBERTa and MPNet. */
  positionOffset: number;
  /** Rows of the token-type table; 0 where the family has none. */
  tokenTypes: number;
  /** Width of the embedding tables; differs from `hidden` in small ELECTRA models alone, which then have a projection. */
  embedding: number;
  layerNormEpsilon: number;
  activation: Activation;
  hiddenDropout: number;
  attentionDropout: number;
  /** null where the checkpoint names none: then `hiddenDropout`. */
  classifierDropout: number | null;
  padId: number;
  /** Buckets of the relative position bias (MPNet: 32); 0 where there is none. */
  relativeBuckets: number;
}

/**
 * Canonical parameter names, whatever the checkpoint calls them. Linear weights are [out, in], as in PyTorch.
 *
 *   embeddings.word [vocabulary, embedding]   embeddings.position [positions, embedding]   embeddings.type [tokenTypes, embedding]
 *   embeddings.norm.weight, .bias [embedding]   embeddings.projection.weight [hidden, embedding], .bias [hidden]   (ELECTRA, where they differ)
 *   embeddings.relative [relativeBuckets, heads]   (MPNet)
 *   layers.N.query.weight [hidden, hidden], .bias; layers.N.key.*; layers.N.value.*; layers.N.attention.* (the attention's output projection)
 *   layers.N.attentionNorm.weight, .bias; layers.N.intermediate.weight [intermediate, hidden], .bias
 *   layers.N.output.weight [hidden, intermediate], .bias; layers.N.outputNorm.weight, .bias          N is 1-based, 1…L
 *   classifier.dense.weight [hidden, hidden], .bias; classifier.output.weight [classes, hidden], .bias
 */
export type ParameterName = string;
