/**
 * What a layer score is: a function of one layer's pooled states, or of something else that was measured beside them. All are
 * oriented so that higher is better.
 */
import type { Multiply } from '../multiply.js';
import type { Moments } from './moments.js';

/** Pooled states of all layers as ν's pass left them: float32, in memory or in a file, read piece by piece. */
export interface PooledStates {
  layers: number;
  rows: number;
  width: number;
  /** [rows]: which input each row is. */
  inputs: Int32Array;
  /** [rows]: class of each row, an index into the classes that ν kept; bins for regression. */
  classOf: Int32Array;
  /** Classes that ν kept. */
  classes: number;
  /** The rows of a layer (0-based); `states` [n, width] is overwritten by the next piece. */
  pieces(layer: number): Iterable<{ from: number; states: Float32Array }>;
}

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
