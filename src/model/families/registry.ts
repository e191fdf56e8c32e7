/** Every family that is known. */
import type { Family } from '../types.js';
import { bert } from './bert.js';
import { distilbert } from './distilbert.js';
import { electra } from './electra.js';
import type { FamilyDescription } from './family.js';
import { mpnet } from './mpnet.js';
import { roberta } from './roberta.js';

export const FAMILIES: Readonly<Record<Family, FamilyDescription>> = { bert, roberta, electra, distilbert, mpnet };

/** The family of a `model_type`, or undefined. */
export function familyOf(modelType: string): FamilyDescription | undefined {
  return Object.values(FAMILIES).find((family) => family.modelTypes.includes(modelType));
}
