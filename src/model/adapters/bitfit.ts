/** BitFit (Ben Zaken et al. 2022): the biases of the tuned layers are trained, those of the LayerNorms among them; nothing is added. */
import type { BitFitOptions } from '../tuning.js';
import type { AdapterMethod } from './adapter.js';

export const bitfit: AdapterMethod<BitFitOptions> = {
  added: () => new Map(),
  trains: (name) => name.endsWith('.bias'),
  merge() {
    // What is trained are weights of the layer already.
  },
};
