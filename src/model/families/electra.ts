/** ELECTRA (Clark et al. 2020): BERT whose embedding tables may be narrower than its layers, with a projection between. */
import { bert } from './bert.js';
import type { FamilyDescription } from './family.js';

export const electra: FamilyDescription = {
  ...bert,
  family: 'electra',
  modelTypes: ['electra'],
  keys: { ...bert.keys, embedding: 'embedding_size' },
  prefix: 'electra.',
  embeddings: {
    ...bert.embeddings,
    'embeddings.projection.weight': 'embeddings_project.weight',
    'embeddings.projection.bias': 'embeddings_project.bias',
  },
};
