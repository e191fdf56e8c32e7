/** What measuring the layers gives, as plain data. */
import type { Triple } from './arms.js';
import type { ScoreName } from './scores/catalogue.js';
import type { SelectionRange } from './strategies.js';

export interface LayerVariability {
  layer: number;
  /** Null where the scores of a regression task have no classes for ν, and another score chooses. */
  nu: number | null;
  /** 95 % interval of ν; null where there was no room to resample. */
  low: number | null;
  high: number | null;
  /** Share of half-samples in which the layer has the lowest ν; null likewise. */
  share: number | null;
}

export interface Arm extends Triple {
  name: string;
}

/** One score of the layers, as `--scores` asks for. */
export interface LayerScoreResult {
  name: ScoreName;
  /** As tables name it. */
  title: string;
  /** What it may choose: where the classifier goes, which layers are tuned below a classifier on top, or nothing. */
  chooses: 'head' | 'span' | 'nothing';
  /** Higher is better; null where a layer has none. */
  layers: { layer: number; value: number | null }[];
  /** The layer with the highest value; null where it chooses nothing. */
  selected: number | null;
  /** The proposal for k by this score; null likewise. */
  arm: Arm | null;
  /** Spearman's rank correlation over the layers with each other score; null where it is not defined. */
  spearman: Record<string, number | null>;
  /** What it took beside the one forward pass. */
  seconds: number;
  /** Why there are no values. */
  missing?: string;
}

/** ν of every layer, and what follows from it; the pipeline's `SelectResult` adds the task, the model and the cost. */
export interface SelectionSummary {
  /** Inputs that ν saw. */
  samples: number;
  layers: LayerVariability[];
  /** ℓ*, the plain argmin of ν over all layers, or the argmax of the score that chooses. */
  selected: number;
  /** The proposal for k. */
  arm: Arm;
  /** What `range` changed in the proposal, where it did; completes the arm's description in parentheses. */
  note?: string;
  k: number;
  /** Where the proposal's last layer was sought: among layers k…L, or among all. */
  range: SelectionRange;
  /** Half-samples in which the choice was repeated; 0 where there was no room to resample. */
  halfSamples: number;
  /** Classes left out since they have one example only. */
  leftOut: string[];
  /** True where no layer is chosen in half of the half-samples. */
  undecided: boolean;
  warnings: string[];
}
