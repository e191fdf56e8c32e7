/** A split of dev as paired resampling sees it. */

/** A split with what each run predicted on it: class ids, or raw scores. */
export interface ScoredSplit {
  split: string;
  gold: ArrayLike<number>;
  /** [run][example]. */
  predicted: ArrayLike<number>[];
}

/** Scores of a split in which example i counts `weights[i]` times. */
export interface WeightedScorer {
  weigh(weights: Int32Array): void;
  /** Mean of the task's metrics of a run under the last weights; a metric that is undefined there counts as 0. */
  score(run: number): number;
}
