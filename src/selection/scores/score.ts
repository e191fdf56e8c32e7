/**
 * What a layer score is: a function of one layer's pooled states, or of something else that was measured beside them. All are
 * oriented so that higher is better.
 */
import type { Multiply } from '../multiply.js';
import type { PooledStates } from '../states.js';
import type { Moments } from './moments.js';

/** What one layer's scores share. */
export interface LayerInput {
  /** 1-based. */
  layer: number;
  kind: 'classification' | 'regression';
  states: PooledStates;
  /** [rows]: the score of each row in regression, its class otherwise. */
  targets: Float64Array;
  /** [rows]: fold of each row, 0-based; rows that share a text are in one fold. */
  folds: Int32Array;
  foldCount: number;
  /** Rows (ascending) that scores use whose cost grows too fast for all of them. */
  sample: Int32Array;
  /** Centred sums of the layer, by fold; computed once. */
  moments(): Moments;
  multiply: Multiply;
}

/** Higher is better; null where the layer's states don't define it. */
export type StateScore = (input: LayerInput) => number | null | Promise<number | null>;
