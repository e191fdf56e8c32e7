/** BERT (Devlin et al. 2019). RoBERTa and ELECTRA share its keys and names. */
import type { FamilyDescription } from './family.js';

export const bert: FamilyDescription = {
  family: 'bert',
  modelTypes: ['bert'],
  keys: {
    layers: 'num_hidden_layers',
    hidden: 'hidden_size',
    heads: 'num_attention_heads',
    intermediate: 'intermediate_size',
    vocabulary: 'vocab_size',
    positions: 'max_position_embeddings',
    activation: 'hidden_act',
    hiddenDropout: 'hidden_dropout_prob',
    attentionDropout: 'attention_probs_dropout_prob',
    classifierDropout: 'classifier_dropout',
    layerNormEpsilon: 'layer_norm_eps',
    tokenTypes: 'type_vocab_size',
    embedding: null,
    relativeBuckets: null,
  },
  defaults: { layerNormEpsilon: 1e-12, padId: 0, tokenTypes: 2, relativeBuckets: 0 },
  positionOffset: () => 0,
  prefix: 'bert.',
  layerPath: 'encoder.layer.',
  layerParts: {
    query: 'attention.self.query',
    key: 'attention.self.key',
    value: 'attention.self.value',
    attention: 'attention.output.dense',
    attentionNorm: 'attention.output.LayerNorm',
    intermediate: 'intermediate.dense',
    output: 'output.dense',
    outputNorm: 'output.LayerNorm',
  },
  embeddings: {
    'embeddings.word': 'embeddings.word_embeddings.weight',
    'embeddings.position': 'embeddings.position_embeddings.weight',
    'embeddings.type': 'embeddings.token_type_embeddings.weight',
    'embeddings.norm.weight': 'embeddings.LayerNorm.weight',
    'embeddings.norm.bias': 'embeddings.LayerNorm.bias',
  },
};
