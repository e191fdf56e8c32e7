/** How the layers of a span are tuned: all their weights, or an adapter method with its options. Nothing here knows tensors. */

/** The linear parts of a layer that LoRA can be put beside, by canonical name; `attention` is the attention's output projection. */
export const LORA_TARGETS = ['query', 'key', 'value', 'attention', 'intermediate', 'output'] as const;
export type LoraTarget = (typeof LORA_TARGETS)[number];

interface AnyAdapter {
  /** Whether both LayerNorms of the tuned layers are trained too. */
  layerNorms: boolean;
  /** The folder of the adapter that tuning starts from; a fresh one unless told. */
  from?: string;
}

/** Two sequential adapters a layer, as in the paper's code (after Houlsby et al. 2019). */
export interface BottleneckOptions extends AnyAdapter {
  method: 'bottleneck';
  /** Width of the bottleneck. */
  size: number;
  /** Rate of the dropout within it. */
  dropout: number;
}

/** One sequential adapter a layer, after the feed-forward part (Pfeiffer et al. 2021); AdapterHub's `seq_bn`. */
export interface PfeifferOptions extends AnyAdapter {
  method: 'pfeiffer';
  /** The bottleneck is so many times narrower than the layer. */
  reductionFactor: number;
}

/** One adapter a layer beside the feed-forward part (He et al. 2022); AdapterHub's `par_bn`. */
export interface ParallelOptions extends AnyAdapter {
  method: 'parallel';
  reductionFactor: number;
  /** What its output is multiplied by. */
  scale: number;
}

/** Low-rank changes beside linear parts (Hu et al. 2022). */
export interface LoraOptions extends AnyAdapter {
  method: 'lora';
  rank: number;
  /** The change is multiplied by alpha / rank. */
  alpha: number;
  /** Rate of the dropout before the change. */
  dropout: number;
  targets: LoraTarget[];
}

/** Factors on keys, values and the input of the feed-forward output (Liu et al. 2022). */
export interface Ia3Options extends AnyAdapter {
  method: 'ia3';
}

/** All biases (Ben Zaken et al. 2022); `layerNorms` adds the weights of the LayerNorms. */
export interface BitFitOptions extends AnyAdapter {
  method: 'bitfit';
}

/** Trained keys and values before each layer's own (Li and Liang 2021), without reparameterisation. */
export interface PrefixOptions extends AnyAdapter {
  method: 'prefix';
  /** How many of them. */
  length: number;
}

export type AdapterOptions =
  | BottleneckOptions
  | PfeifferOptions
  | ParallelOptions
  | LoraOptions
  | Ia3Options
  | BitFitOptions
  | PrefixOptions;
export type AdapterName = AdapterOptions['method'];

/** How the tuned layers are tuned. */
export type Tuning = 'fine-tune' | AdapterOptions;
