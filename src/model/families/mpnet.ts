/** MPNet (Song et al. 2020): no token types, and a bias by relative position that all layers share. */
import { bert } from './bert.js';
import type { FamilyDescription } from './family.js';

export const mpnet: FamilyDescription = {
  ...bert,
  family: 'mpnet',
  modelTypes: ['mpnet'],
  keys: { ...bert.keys, tokenTypes: null, relativeBuckets: 'relative_attention_num_buckets' },
  defaults: { layerNormEpsilon: 1e-12, padId: 1, tokenTypes: 0, relativeBuckets: 32 },
  // `transformers` counts positions from 2 whatever the padding id is.
  positionOffset: () => 2,
  prefix: 'mpnet.',
  layerParts: {
    query: 'attention.attn.q',
    key: 'attention.attn.k',
    value: 'attention.attn.v',
    attention: 'attention.attn.o',
    attentionNorm: 'attention.LayerNorm',
    intermediate: 'intermediate.dense',
    output: 'output.dense',
    outputNorm: 'output.LayerNorm',
  },
  embeddings: {
    'embeddings.word': 'embeddings.word_embeddings.weight',
    'embeddings.position': 'embeddings.position_embeddings.weight',
    'embeddings.norm.weight': 'embeddings.LayerNorm.weight',
    'embeddings.norm.bias': 'embeddings.LayerNorm.bias',
    'embeddings.relative': 'encoder.relative_attention_bias.weight',
  },
};
