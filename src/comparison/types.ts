/**
 * Runs side by side, as plain data: what `compare` and the harness compute, and every renderer (terminal, Markdown, CSV, LaTeX,
 * JSON, HTML, SVG) reads. Scores are fractions, not per cent; a point is 0.01.
 */
import type { RunConfig } from '../config/schema.js';
import type { Task } from '../data/types.js';
import type { Arm, SelectResult } from '../pipeline/types.js';
import type { Triple } from '../selection/arms.js';

/** One finished run, as its folder tells. */
export interface RunRecord {
  folder: string;
  /** The base model's name, and the hash of its weights. */
  model: string;
  modelHash: string;
  task: Task;
  arm: Arm;
  /** Layers of the encoder (L). */
  layers: number;
  /** `fine-tune`, or the adapter's method with the options that are not its defaults, such as `lora rank 4`. */
  method: string;
  learningRate: number;
  seed: number;
  /** Each metric on dev, and `score`, the task score. */
  metrics: Record<string, number>;
  score: number;
  /** What the run predicted on dev; MNLI has two splits, the task score being the mean over splits. */
  splits: SplitPredictions[];
  /** The run predicts one and the same class (or score) everywhere. */
  collapsed: boolean;
  /** Of the run alone; rows add what `measuring` says. */
  cost: RunCost;
  measuring?: Measuring;
  selection?: SelectResult;
  steps: { step: number; epoch: number; loss: number; seconds: number }[];
  evaluations: { step: number; epoch: number; score: number }[];
  config: RunConfig;
  environment: Record<string, string | number>;
  warnings: string[];
}

/** Class ids, or raw scores of a regression task, in the order of the split. */
export interface SplitPredictions {
  split: string;
  gold: Float64Array;
  predicted: Float64Array;
}

/** What measuring the layers took: once for all runs of a grid, and part of the cost of every arm that it places. */
export interface Measuring {
  /** Null where an earlier version measured. */
  flops: number | null;
  seconds: number;
}

/** Null is what a run's folder does not tell: runs of earlier versions kept no account. */
export interface RunCost {
  /** Analytic, of all epochs with the frozen-prefix cache as it was used; select and cache filling included. */
  trainingFlops: number | null;
  /** Analytic, of one example of dev's mean length. */
  inferenceFlops: number | null;
  trainableParameters: number;
  /** Parameters that a deployment has to hold: the encoder up to the classifier's layer, adapters, classifier. */
  storedParameters: number | null;
  /** By phase: read, select, cache, tune, evaluate, total; `search` where a learning rate was searched. */
  seconds: Record<string, number>;
  /** Peak resident memory of the run's process, bytes. */
  peakMemory: number;
  /** Measured where the configuration asked for it. */
  inference?: {
    /** Milliseconds of one example, median. */ latency: number /** Examples a second at batch 32. */;
    throughput: number;
  };
}

export type Verdict = 'better' | 'matches' | 'worse' | 'undecided';

/** A difference of task scores against the reference, by paired resampling (method: docs/comparing.md). */
export interface Difference {
  reference: string;
  /** Mean over the seeds that both have. */
  difference: number;
  /** 95 % interval. */
  low: number;
  high: number;
  /** Two-sided, before and after Holm's correction over all comparisons of the table. */
  p: number;
  adjusted: number;
  verdict: Verdict;
}

/**
 * One arm with one method on one task and model. A row with `sameAs` repeats the scores and cost of the row that it is the same as; only
 * what measuring took is its own.
 * A row without runs has empty `seeds` and `scores`, its `mean`, trainable parameters and memory are NaN, and its note says why.
 */
export interface ComparisonRow {
  /**
   * `ARM`, or `ARM, METHOD` where the comparison has several methods; unique in its table: where one arm's selection differs between
   * runs, its layers follow (`selected-2 (3-4 @ 4)`), and where it ran with several learning rates, those (`full, lr 3e-5`).
   */
  id: string;
  /** Its head is 0 where there is no such arm. */
  arm: Arm;
  layers: number;
  method: string;
  seeds: number[];
  /** Task score of each seed. */
  scores: number[];
  mean: number;
  /** Sample standard deviation over seeds; null below two. */
  deviation: number | null;
  metrics: Record<string, { mean: number; deviation: number | null }>;
  /** Learning rates of the runs, without repetition. */
  learningRates: number[];
  /** Seeds whose run collapsed. */
  collapsed: number[];
  /** Mean over seeds (peak memory: largest), and measuring the layers where that places the arm. */
  cost: RunCost;
  /** Absent for the reference itself, for rows that are the same as another, and where no seed is shared. */
  versus?: Difference;
  /** The row whose triple this one resolves to; this one leaves tests and win counts. */
  sameAs?: string;
  /** Why there is nothing to compare: such as `no such arm: …` or `2 of 3 seeds have no result: …`. */
  note?: string;
}

/** The arms of one task and model. */
export interface TaskTable {
  task: Task;
  model: string;
  layers: number;
  /** Examples of dev, all splits together. */
  examples: number;
  /** Id of the row that others are compared with; undefined where it is absent. */
  reference?: string;
  rows: ComparisonRow[];
  /** The layers' curve, where a run of this table measured it. */
  selection?: SelectResult;
  records: RunRecord[];
}

/** One arm and method over tasks, by model. */
export interface OverallRow {
  id: string;
  model: string;
  /** Task scores by task name. */
  scores: Record<string, number>;
  /** The GLUE mean of the nine tasks, MNLI's two sets averaged first; null unless all nine are there. */
  glue: number | null;
  /** The same without WNLI; null unless all eight are there. */
  glueWithoutWnli: number | null;
  /** Mean over the tasks that every row of the model has, and their number; null where there is none. */
  mean: number | null;
  tasks: number;
  /** Tasks on which the verdict against the reference is better, matches, worse, undecided. */
  verdicts: Record<Verdict, number>;
  /** Exact Wilcoxon signed-rank test over tasks against the reference; null below six tasks. */
  p: number | null;
}

export interface Comparison {
  tables: TaskTable[];
  /** Present where there are two tasks or more. */
  overall: OverallRow[];
  options: ComparisonOptions;
  /** Comparisons that Holm's correction runs over. */
  comparisons: number;
  /** What a reader has to know: how scores, intervals and verdicts were made, and for which seeds they speak. */
  notes: string[];
}

/** What run folders cannot tell: arms of a plan that were not run, or not for all seeds. */
export interface Remark {
  task: string;
  model: string;
  /** The arm's name, and the method as rows call it. */
  arm: string;
  method: string;
  /** The layers, where the arm exists: it is the same as the row that has them. */
  triple?: Triple;
  measuring?: Measuring;
  /** Why there is nothing, or less than planned, to compare. */
  note?: string;
}

export interface ComparisonOptions {
  /** Arm that the others are compared with, such as `full`; `full, fine-tune` states the method too. */
  reference: string;
  /** A difference whose interval lies above minus this counts as a match; a fraction (1 point: 0.01). */
  margin: number;
  /** Paired resamples. */
  resamples: number;
  seed: number;
}
