/**
 * Where a training step begins. Layers below the span are frozen and have no dropout, so that what enters the span is a pure
 * function of the input: it is computed once, and steps start from it.
 */
import type { Triple } from '../../selection/arms.js';

/** `states`: every token's state after layer `layer`; `pooled`: the one vector that the classifier reads of layer `layer`. */
export interface Start {
  kind: 'states' | 'pooled';
  layer: number;
}

/** Undefined where the span begins at layer 1: there is no prefix but the embeddings. */
export function prefixStart({ bottom, head }: Triple): Start | undefined {
  if (bottom === null) return { kind: 'pooled', layer: head };
  return bottom > 1 ? { kind: 'states', layer: bottom - 1 } : undefined;
}

/** The lowest layer whose parameters a step from `start` needs. */
export function firstLayer(start: Start | undefined): number {
  return start ? start.layer + 1 : 1;
}
