/** RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020): BERT whose positions start after the padding id. */
import { bert } from './bert.js';
import type { FamilyDescription } from './family.js';

export const roberta: FamilyDescription = {
  ...bert,
  family: 'roberta',
  modelTypes: ['roberta', 'xlm-roberta'],
  defaults: { ...bert.defaults, padId: 1 },
  positionOffset: (padId) => padId + 1,
  prefix: 'roberta.',
};
