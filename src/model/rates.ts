/** Dropout rates of an arm: none in any frozen part; tuned parts use the checkpoint's, unless a configuration sets them. */
import type { Triple } from '../selection/arms.js';
import { tunesEmbeddings, tunesLayer } from './parameters.js';
import type { Tuning } from './tuning.js';
import type { EncoderConfig } from './types.js';

export interface LayerRates {
  /** After the attention's output projection and the feed-forward output; of the embeddings at layer 0. */
  hidden: number;
  /** Of the attention probabilities. */
  attention: number;
}

/** Rates that a configuration sets, each in [0, 1). */
export interface DropoutOptions {
  hidden?: number;
  attention?: number;
  classifier?: number;
}

/** Rates by layer, 0 being the embeddings. */
export function layerRates(
  config: EncoderConfig,
  triple: Triple,
  tuning: Tuning,
  dropout: DropoutOptions = {},
): (layer: number) => LayerRates {
  const tuned: LayerRates = {
    hidden: dropout.hidden ?? config.hiddenDropout,
    attention: dropout.attention ?? config.attentionDropout,
  };
  const none: LayerRates = { hidden: 0, attention: 0 };
  return (layer) =>
    (layer === 0 ? tunesEmbeddings(config, triple, tuning) : tunesLayer(triple, layer)) ? tuned : none;
}

/** Rate of both dropouts of the classifier. */
export function classifierRate(config: EncoderConfig, dropout: DropoutOptions = {}): number {
  return dropout.classifier ?? config.classifierDropout ?? config.hiddenDropout;
}
