/** From ν of the layers to the layer that a span ends at. Layers are 1-based; `nu[0]` is ν of layer 1. */
import { UserError } from '../errors.js';

/**
 * Where the argmin of selected-k runs: `fit`, over the layers k…L, so that k layers always fit below the head; `all`, over
 * 1…L, the span then cut at layer 1.
 */
export type SelectionRange = 'fit' | 'all';

/** The layer with the lowest ν among from…to, ties to the lower layer. */
export function bestLayer(nu: ArrayLike<number>, from = 1, to = nu.length): number {
  let best = from;
  for (let layer = from + 1; layer <= to; layer++) if (nu[layer - 1] < nu[best - 1]) best = layer;
  return best;
}

/** The span of selected-k: it ends at `head`. `note` says what the range changed, where it did. */
export interface SelectedSpan {
  bottom: number;
  head: number;
  note?: string;
}

/** k layers that end at the layer chosen by ν, or by another score, `by`. Throws a `UserError` where k exceeds the number of layers. */
export function selectedSpan(nu: ArrayLike<number>, k: number, range: SelectionRange, by = 'lowest ν'): SelectedSpan {
  const layers = nu.length;
  checkSpan(k, layers);
  const plain = bestLayer(nu);
  if (range === 'all') {
    if (plain >= k) return { bottom: plain - k + 1, head: plain };
    const fewer = plain === 1 ? 'one layer is' : `${inWords(plain)} layers are`;
    return {
      bottom: 1,
      head: plain,
      note: `${by} among all layers; cut at layer 1, so ${fewer} tuned instead of ${inWords(k)}`,
    };
  }
  const head = bestLayer(nu, k);
  const span = { bottom: head - k + 1, head };
  if (head === plain) return span;
  const note =
    k === layers
      ? `only at layer ${k} do ${inWords(k)} layers fit`
      : `${by} among layers ${k}-${layers}, where ${inWords(k)} layers fit`;
  return { ...span, note };
}

/**
 * The first of the k consecutive layers whose scores, `values` (lower is better), have the smallest sum, ties to the lower layers. Throws
 * a `UserError` where k exceeds the number of layers.
 */
export function bestSpan(values: ArrayLike<number>, k: number): number {
  checkSpan(k, values.length);
  const sums = Array.from({ length: values.length - k + 1 }, (_, from) => {
    let sum = 0;
    for (let layer = from; layer < from + k; layer++) sum += values[layer];
    return sum;
  });
  return bestLayer(sums);
}

/** Throws a `UserError` where k layers do not fit into the model. */
export function checkSpan(k: number, layers: number): void {
  if (k > layers) {
    throw new UserError(`${k} layers cannot be tuned: the model has ${layers}`, {
      hint: `choose a number from 1 to ${layers}`,
    });
  }
}

const WORDS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];

function inWords(count: number): string {
  return WORDS[count] ?? String(count);
}
