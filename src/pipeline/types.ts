/** What the pipeline's stories tell while they run, and what they hand back. Plain data: it crosses a thread's border. */
import type { Triple } from '../selection/arms.js';

/** People's text and progress while work is under way; results come as return values. */
export interface Reporter {
  log(level: 'info' | 'warn' | 'debug', message: string): void;
  progress(progress: Progress | undefined): void;
}

export interface Progress {
  /** What is under way, one word: `select`, `tune`, `evaluate`, `predict`. */
  phase: string;
  /** The arm's name, or the split's. */
  subject?: string;
  done: number;
  total: number;
  /** Such as `epoch 2/3  loss 0.41  5.1 k tokens/s`. */
  detail?: string;
}

export interface LayerVariability {
  layer: number;
  nu: number;
  /** 95 % interval of ν; null where there was no room to resample. */
  low: number | null;
  high: number | null;
  /** Share of half-samples in which the layer has the lowest ν; null likewise. */
  share: number | null;
}

export interface Arm extends Triple {
  name: string;
}

export interface SelectResult {
  task: string;
  model: string;
  /** Layers × width, as the model's folder says. */
  shape: { layers: number; hidden: number };
  /** Inputs that ν saw. */
  samples: number;
  layers: LayerVariability[];
  /** ℓ*, the plain argmin over all layers. */
  selected: number;
  /** The proposal for k. */
  arm: Arm;
  k: number;
  /** Classes left out since they have one example only. */
  leftOut: string[];
  /** True where no layer is chosen in half of the half-samples. */
  undecided: boolean;
  seconds: number;
  padding: number;
  truncated: number;
  warnings: string[];
}

export interface TrainResult {
  task: string;
  model: string;
  arm: Arm;
  layers: number;
  trainableParameters: number;
  totalParameters: number;
  /** Each metric on dev, and `score`, their mean; fractions, not per cent. */
  metrics: Record<string, number>;
  bestEpoch: number;
  epochs: number;
  seconds: Record<string, number>;
  /** Peak resident memory of the process, bytes. */
  peakMemory: number;
  seed: number;
  selection?: SelectResult;
  padding: number;
  truncated: number;
  environment: Record<string, string | number>;
  warnings: string[];
}
