/** What the studies find, as plain data. Scores are fractions, not per cent; a point is 0.01. */
import type { Task } from '../data/types.js';
import type { Triple } from '../selection/arms.js';

/** An estimate with its standard error and 95 % interval. */
export interface Estimate {
  value: number;
  error: number;
  low: number;
  high: number;
}

/** A way of choosing which k layers to tune, and what was lost by it. */
export interface RuleRegret {
  /** A score's name, `top`, `random` (the mean over positions), or `seed` (the noise floor: best by an independent seed). */
  rule: string;
  title: string;
  /** What it chooses; null for `random` and `seed`, which choose no single arm. */
  arm: Triple | null;
  /** Tuned score of what it chooses, mean over seeds; null likewise, but for `random`, and where nothing ran there. */
  score: number | null;
  /** Cross-fitted; null where it cannot be had. */
  regret: Estimate | null;
  /** Best mean on all of dev and all seeds minus this rule's: what a reader of the table sees, too high by selection. */
  apparent: number | null;
  /** Why there is no regret. */
  missing?: string;
}

/** How alike a score and tuning order the positions. */
export interface ScoreRank {
  score: string;
  title: string;
  /** Spearman's; null where undefined or where the positions that the score orders were not run. */
  spearman: number | null;
  /** Central 95 % over resamples of dev. */
  low: number | null;
  high: number | null;
  missing?: string;
}

export interface TunedPosition extends Triple {
  /** Task score of each seed, in the order of the study's seeds. */
  scores: number[];
  mean: number;
}

/** One task, model, method and k. */
export interface RegretStudy {
  task: Task;
  model: string;
  method: string;
  layers: number;
  k: number;
  seeds: number[];
  /** Examples of dev. */
  examples: number;
  /** Heads k…L. */
  positions: TunedPosition[];
  rules: RuleRegret[];
  ranks: ScoreRank[];
  notes: string[];
}

/** Means over tasks of one model, method and k. */
export interface RegretOverall {
  model: string;
  method: string;
  k: number;
  tasks: string[];
  /** `regret` is null where the rule lacks a task. */
  rules: { rule: string; title: string; regret: Estimate | null; tasks: number }[];
  ranks: { score: string; title: string; spearman: number | null; tasks: number }[];
}

export interface RegretReport {
  study: 'regret';
  studies: RegretStudy[];
  overall: RegretOverall[];
  options: RegretOptions;
  notes: string[];
}

export interface RegretOptions {
  /** Random halvings behind each regret. */
  halvings: number;
  /** Resamples of dev behind each interval. */
  resamples: number;
  seed: number;
}
