/** What other shares of the classes, or fewer inputs, make of ν's curve and of the layer that it chooses. */
import type { RobustnessLevel, RobustnessResult } from '../pipeline/robustness.js';
import { rankCorrelation } from '../selection/scores/rank-correlation.js';
import { bestLayer } from '../selection/strategies.js';

/** One ratio or number of inputs. */
export interface LevelSummary {
  level: number;
  draws: number;
  /** Draws in which ν of every layer is finite; the rest of this speaks of these. */
  defined: number;
  /** Share of the draws that choose each layer, from layer 1. */
  shares: number[];
  /** Share of the draws that choose the layer that all inputs choose. */
  agreement: number;
  /** ν of each layer: mean and sample standard deviation over the draws. */
  nu: { mean: number; deviation: number | null }[];
  /** Mean over the draws of Spearman's correlation, over the layers, with the curve of all inputs; null where there is none. */
  spearman: number | null;
}

export interface RobustnessStudy {
  task: string;
  model: string;
  layers: number;
  samples: number;
  classSizes: number[];
  /** Layers that the choice leaves room for: the argmin runs over k…L. */
  k: number;
  /** ν of each layer on all inputs, and the layer that it chooses. */
  full: number[];
  chosen: number;
  imbalance: { size: number; levels: LevelSummary[] };
  scarcity: { levels: LevelSummary[] };
  seconds: number;
}

export interface RobustnessReport {
  study: 'robustness';
  studies: RobustnessStudy[];
  notes: string[];
}

export function robustnessReport(results: readonly RobustnessResult[]): RobustnessReport {
  const studies = results.map(studyOf);
  const most = Math.max(...studies.flatMap(({ imbalance }) => imbalance.levels.map(({ draws }) => draws)));
  return {
    study: 'robustness',
    studies,
    notes: [
      `chosen: the layer with the lowest ν among those that leave room for the span; shares are of ${most} draws, so that one draw is ${Math.round(100 / most)} %`,
      'imbalance: one class is so many times rarer than each other one, each class in turn; the number of inputs is the same at every ratio',
      'scarcity: stratified draws of the task as it is; draws of nearly all inputs share most of them, and agree for that reason too',
      'ν is biased where inputs are few: compare layers and choices, not values at different numbers of inputs',
    ],
  };
}

function studyOf({ selection, classSizes, imbalance, scarcity, seconds }: RobustnessResult): RobustnessStudy {
  const { k, task, model, samples, shape } = selection;
  const full = selection.layers.map(({ nu }) => nu ?? Number.NaN);
  const from = Math.min(k, full.length);
  const chosen = bestLayer(full, from);
  const summarise = (level: RobustnessLevel) => summaryOf(level, full, chosen, from);
  return {
    task,
    model,
    layers: shape.layers,
    samples,
    classSizes,
    k,
    full,
    chosen,
    imbalance: { size: imbalance.size, levels: imbalance.levels.map(summarise) },
    scarcity: { levels: scarcity.levels.map(summarise) },
    seconds,
  };
}

function summaryOf(
  { level, nu }: RobustnessLevel,
  full: readonly number[],
  chosen: number,
  from: number,
): LevelSummary {
  const defined = nu.filter((curve) => curve.every(Number.isFinite));
  const n = defined.length;
  const choices = defined.map((curve) => bestLayer(curve, from));
  const share = (layer: number) => choices.filter((choice) => choice === layer).length / n;
  const correlations = defined.flatMap((curve) => rankCorrelation(curve, full) ?? []);
  return {
    level,
    draws: nu.length,
    defined: n,
    shares: full.map((_, index) => share(index + 1)),
    agreement: share(chosen),
    nu: full.map((_, index) => {
      const values = defined.map((curve) => curve[index]);
      const mean = values.reduce((sum, value) => sum + value, 0) / n;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return { mean, deviation: n < 2 ? null : Math.sqrt(squares / (n - 1)) };
    }),
    spearman: correlations.length === 0 ? null : correlations.reduce((sum, r) => sum + r, 0) / correlations.length,
  };
}
