/** DistilBERT (Sanh et al. 2019): BERT without token types and one dropout fewer, under names of its own. */
import type { FamilyDescription } from './family.js';

export const distilbert: FamilyDescription = {
  family: 'distilbert',
  modelTypes: ['distilbert'],
  keys: {
    layers: 'n_layers',
    hidden: 'dim',
    heads: 'n_heads',
    intermediate: 'hidden_dim',
    vocabulary: 'vocab_size',
    positions: 'max_position_embeddings',
    activation: 'activation',
    hiddenDropout: 'dropout',
    attentionDropout: 'attention_dropout',
    classifierDropout: 'seq_classif_dropout',
    layerNormEpsilon: null,
    tokenTypes: null,
    embedding: null,
    relativeBuckets: null,
  },
  defaults: { layerNormEpsilon: 1e-12, padId: 0, tokenTypes: 0, relativeBuckets: 0 },
  positionOffset: () => 0,
  attentionOutputDropout: false,
  prefix: 'distilbert.',
  layerPath: 'transformer.layer.',
  layerParts: {
    query: 'attention.q_lin',
    key: 'attention.k_lin',
    value: 'attention.v_lin',
    attention: 'attention.out_lin',
    attentionNorm: 'sa_layer_norm',
    intermediate: 'ffn.lin1',
    output: 'ffn.lin2',
    outputNorm: 'output_layer_norm',
  },
  embeddings: {
    'embeddings.word': 'embeddings.word_embeddings.weight',
    'embeddings.position': 'embeddings.position_embeddings.weight',
    'embeddings.norm.weight': 'embeddings.LayerNorm.weight',
    'embeddings.norm.bias': 'embeddings.LayerNorm.bias',
  },
};
