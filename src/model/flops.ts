/**
 * Floating-point operations of an arm, by arithmetic: matrix products alone, a multiplication and an addition being two. All else (norms,
 * activations, look-ups in tables, the optimiser) is linear in the states or the weights and left out, as it is customary: Kaplan et al.
 * 2020 (§2.1) count 2 operations a weight and token forward and twice as many backward; to that come attention's products over pairs of
 * tokens. Here every product is counted by itself, so that the backward pass of partly frozen models is exact too.
 */
import type { Triple } from '../selection/arms.js';
import { addedParameters, tunedNames } from './adapters/registry.js';
import type { Pooling } from './inputs.js';
import { tunesEmbeddings, tunesLayer } from './parameters.js';
import type { HeadShape } from './shapes.js';
import type { Tuning } from './tuning.js';
import type { EncoderConfig } from './types.js';

/** What goes through a model, padding included; loads add up. */
export interface Load {
  rows: number;
  /** Sum over batches of rows × padded length. */
  tokens: number;
  /** Sum over batches of rows × padded length². */
  squaredTokens: number;
}

export const NO_LOAD: Load = { rows: 0, tokens: 0, squaredTokens: 0 };

/** The load of one batch of `rows` inputs that are padded to `length` tokens. */
export function batchLoad(rows: number, length: number): Load {
  return { rows, tokens: rows * length, squaredTokens: rows * length * length };
}

/** a + times · b. */
export function addLoad(a: Load, b: Load, times = 1): Load {
  return {
    rows: a.rows + times * b.rows,
    tokens: a.tokens + times * b.tokens,
    squaredTokens: a.squaredTokens + times * b.squaredTokens,
  };
}

export interface FlopOptions extends HeadShape {
  tuning: Tuning;
  /**
   * `first`: the layer that the classifier reads computes the first token alone, and of the others keys and values, as it does with the
   * pooling `first`; `all`: it is a layer like others.
   */
  headTokens: 'first' | 'all';
}

/** What a run computes of the classifier's layer: where nothing but the classifier is trained, all of it, as the cache keeps it. */
export function headTokensOf(pooling: Pooling, { bottom }: Triple): FlopOptions['headTokens'] {
  return pooling === 'first' && bottom !== null ? 'first' : 'all';
}

/** A matrix product: its operations, and how many of its two operands need a gradient; each costs the same operations again. */
interface Product {
  flops: number;
  gradients: number;
}

/** One linear part, [n, in] · [out, in]ᵀ: 2 · n · in · out. */
function linear(n: number, into: number, out: number, states: boolean, weights: boolean): Product {
  return { flops: 2 * n * into * out, gradients: Number(states) + Number(weights) };
}

interface Passing {
  products: Product[];
  /** Whether the states that leave depend on something trained, so that a gradient comes back to them. */
  trained: boolean;
}

/**
 * The products of layer n (1-based), d wide: query, key, value and attention output, 2 · d² each a token; scores and mixing, 2 · d each a
 * pair of tokens; both feed-forward parts, 2 · d · intermediate each a token; and those of an adapter. `trained`: whether the states
 * that enter depend on something trained.
 */
function layerProducts(
  config: EncoderConfig,
  n: number,
  load: Load,
  tuning: Tuning | undefined,
  trained: boolean,
  single: boolean,
): Passing {
  const { hidden: d, intermediate } = config;
  const adapter = tuning === undefined || tuning === 'fine-tune' ? undefined : tuning;
  const names = new Set(tuning === undefined ? [] : tunedNames(config, n, tuning));
  const tunes = (part: string, kind: 'weight' | 'bias') => names.has(`layers.${n}.${part}.${kind}`);
  const added = adapter ? addedParameters(config, { bottom: n, top: n, head: n }, adapter) : new Map();
  const widthOf = (name: string): number => added.get(`layers.${n}.${name}`)?.shape[0] ?? 0;
  const products: Product[] = [];

  /** A linear part with what stands beside it; whether its output needs a gradient. */
  const project = (part: string, rows: number, into: number, out: number, enters: boolean): boolean => {
    const states = enters || (adapter?.method === 'ia3' && part === 'output');
    products.push(linear(rows, into, out, states, tunes(part, 'weight')));
    const rank = widthOf(`lora.${part}.a`);
    if (rank > 0) products.push(linear(rows, into, rank, states, true), linear(rows, rank, out, true, true));
    const scaled = names.has(`layers.${n}.ia3.${part}`);
    return states || tunes(part, 'weight') || tunes(part, 'bias') || rank > 0 || scaled;
  };
  /** Down and up again; the upward product reads what the downward one trains. */
  const bottleneck = (at: string, rows: number, enters: boolean): boolean => {
    const width = widthOf(`${at}.down.weight`);
    if (width > 0) products.push(linear(rows, d, width, enters, true), linear(rows, width, d, true, true));
    return enters || width > 0;
  };

  const prefix = widthOf('prefix.key');
  // An adapter's own attention is computed for all tokens.
  const asking = single && prefix === 0 ? load.rows : load.tokens;
  const pairs = single && prefix === 0 ? load.tokens : load.squaredTokens;
  const query = project('query', asking, d, d, trained);
  const key = project('key', load.tokens, d, d, trained);
  const value = project('value', load.tokens, d, d, trained);
  products.push({ flops: 2 * pairs * d, gradients: Number(query) + Number(key) });
  products.push({ flops: 2 * pairs * d, gradients: Number(query || key) + Number(value) });
  if (prefix > 0) products.push(linear(asking, d, prefix, query, true), linear(asking, prefix, d, true, true));
  const mixed = query || key || value || prefix > 0;

  const attended = bottleneck('bottleneck.attention', asking, project('attention', asking, d, d, mixed));
  const norm = (part: string) => tunes(part, 'weight') || tunes(part, 'bias');
  const middle = attended || trained || norm('attentionNorm');
  const wide = project('intermediate', asking, d, intermediate, middle);
  const narrow = bottleneck('bottleneck.output', asking, project('output', asking, intermediate, d, wide));
  // Pfeiffer's adapter reads what the layer would give, the parallel one what feed-forward reads.
  const before = bottleneck('pfeiffer', asking, narrow || middle || norm('outputNorm'));
  const beside = bottleneck('parallel', asking, middle);
  return { products, trained: narrow || before || beside || norm('outputNorm') };
}

/** The products of layers `above` + 1 … `to` and, from the lowest on, of the embeddings' projection. */
function encoderProducts(
  config: EncoderConfig,
  arm: Triple,
  load: Load,
  { tuning, headTokens, above, to }: Pick<FlopOptions, 'tuning' | 'headTokens'> & { above: number; to: number },
): Passing {
  const { embedding, hidden } = config;
  let trained = above === 0 && tunesEmbeddings(config, arm, tuning);
  const products: Product[] = [];
  if (above === 0 && embedding !== hidden) products.push(linear(load.tokens, embedding, hidden, trained, trained));
  for (let n = above + 1; n <= to; n++) {
    const single = headTokens === 'first' && n === arm.head;
    const layer = layerProducts(config, n, load, tunesLayer(arm, n) ? tuning : undefined, trained, single);
    products.push(...layer.products);
    trained = layer.trained;
  }
  return { products, trained };
}

/** The products of a model that starts from the states of layer `above` (0: from tokens), classifier included. */
function modelProducts(
  config: EncoderConfig,
  arm: Triple,
  load: Load,
  options: FlopOptions & { above: number },
): Product[] {
  const { hidden } = config;
  const { products, trained } = encoderProducts(config, arm, load, { ...options, to: arm.head });
  const dense = options.classifier === 'mlp' ? [linear(load.rows, hidden, hidden, trained, true)] : [];
  const states = dense.length > 0 || trained;
  return [...products, ...dense, linear(load.rows, hidden, options.classes, states, true)];
}

const forward = (products: readonly Product[]): number => products.reduce((sum, { flops }) => sum + flops, 0);
const withBackward = (products: readonly Product[]): number =>
  products.reduce((sum, { flops, gradients }) => sum + flops * (1 + gradients), 0);

/** Layers below all that is trained: what a cache computes once. With nothing but the classifier trained, all up to it. */
export function prefixLayers({ bottom, head }: Triple): number {
  return bottom === null ? head : bottom - 1;
}

/** One forward pass of all layers and all tokens, without a classifier: what measuring ν takes. */
export function selectionFlops(config: EncoderConfig, load: Load): number {
  const arm = { bottom: null, top: null, head: config.layers };
  return forward(
    encoderProducts(config, arm, load, { tuning: 'fine-tune', headTokens: 'all', above: 0, to: config.layers })
      .products,
  );
}

/** One forward pass of the layers below the span, all tokens: what filling the cache takes. */
export function prefixFlops(config: EncoderConfig, arm: Triple, load: Load): number {
  const frozen = { bottom: null, top: null, head: arm.head };
  const to = prefixLayers(arm);
  // Without layers there is no pass: steps begin with tokens.
  if (to === 0) return 0;
  return forward(
    encoderProducts(config, frozen, load, { tuning: 'fine-tune', headTokens: 'all', above: 0, to }).products,
  );
}

/** Outputs for a load, from tokens on, or from the cached states below the span. */
export function inferenceFlops(
  config: EncoderConfig,
  arm: Triple,
  load: Load,
  { cached = false, ...options }: FlopOptions & { cached?: boolean },
): number {
  return forward(modelProducts(config, arm, load, { ...options, above: cached ? prefixLayers(arm) : 0 }));
}

/**
 * Forward and backward pass: a product costs its operations once more for each operand with a gradient. So tuned layers come to three times
 * their forward pass, frozen ones that gradients pass through to about two, those below the span to one, or none where they are cached.
 */
export function stepFlops(
  config: EncoderConfig,
  arm: Triple,
  load: Load,
  { cached = false, ...options }: FlopOptions & { cached?: boolean },
): number {
  return withBackward(modelProducts(config, arm, load, { ...options, above: cached ? prefixLayers(arm) : 0 }));
}

/** What a run puts through its model, phase by phase. Lengths are enough to know it. */
export interface TrainingWork extends FlopOptions {
  /** All batches of all epochs. */
  training: Load;
  /** All batches of all evaluations. */
  evaluating: Load;
  /** Whether steps and evaluations start from the cached states below the span. */
  cached: boolean;
  /** What goes through the layers below the span by itself: once to fill the cache, or every time where there was no room. */
  filling?: Load;
}

/** All matrix products of a run, but those of measuring layers. */
export function trainingFlops(config: EncoderConfig, arm: Triple, work: TrainingWork): number {
  const { training, evaluating, cached, filling = NO_LOAD, ...options } = work;
  return (
    (cached ? prefixFlops(config, arm, filling) : 0) +
    stepFlops(config, arm, training, { ...options, cached }) +
    inferenceFlops(config, arm, evaluating, { ...options, cached })
  );
}
