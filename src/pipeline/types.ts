/**
 * What the pipeline's stories tell while they run, and what they hand back. Plain data: it crosses a thread's border. The command
 * line prints each result's `warnings` when the work is done; what stands there is not also logged.
 */
import type { Device, EngineRequest } from '../engine/types.js';
import type { Tuning } from '../model/tuning.js';
import type { ScoreName } from '../selection/scores/catalogue.js';
import type { Arm, LayerScoreResult, SelectionSummary } from '../selection/types.js';

export type { Arm, LayerScoreResult, LayerVariability } from '../selection/types.js';

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
  /** Of `done`, what was found finished: it says nothing about how fast the work goes. */
  found?: number;
  /** Such as `epoch 2/3  loss 0.41  5.1 k tokens/s`. */
  detail?: string;
}

export interface SelectResult extends SelectionSummary {
  task: string;
  model: string;
  /** Layers × width, as the model's folder says. */
  shape: { layers: number; hidden: number };
  /** True where an input is two texts. */
  pair: boolean;
  /** The score that chooses. */
  score: ScoreName;
  /** All scores that were asked for, ν and the one that chooses among them. */
  scores: LayerScoreResult[];
  seconds: number;
  /** Matrix products of the pass; what scores compute of its states is left out. Absent where an earlier version measured. */
  flops?: number;
  padding: number;
  truncated: number;
  /** Of `spantune select`; a run's own result says it of the whole run. */
  environment?: Record<string, string | number>;
}

export interface CacheResult {
  /** `states`: every token's state of layer `layer`; `pooled`: the vector that the classifier reads of it. */
  kind: 'states' | 'pooled';
  layer: number;
  precision: 'float32' | 'float16';
  /** Where each split's states were kept, how many bytes they are, and where they came from. */
  splits: {
    split: string;
    place: 'memory' | 'disk' | 'none';
    source: 'computed' | 'file' | 'select';
    bytes: number;
  }[];
}

/** What a run took and what its model takes, by arithmetic alone: no clock enters it. */
export interface CostResult {
  /** Matrix products of selecting, filling the cache, all epochs and evaluations, as they were run; multiplications and additions. */
  trainingFlops: number;
  /** Of one example of dev's mean length. */
  inferenceFlops: number;
  /** What a deployment holds: embeddings, the encoder up to the classifier's layer, adapters, classifier. */
  storedParameters: number;
}

export interface InferenceResult {
  /** Milliseconds of one example, median over single examples of dev after warm-up. */
  latency: number;
  /** Examples a second in batches of 32. */
  throughput: number;
}

export interface TrainResult {
  task: string;
  model: string;
  arm: Arm;
  /** How the layers of the arm were tuned. */
  tuning: Tuning;
  layers: number;
  trainableParameters: number;
  totalParameters: number;
  /** Each metric on dev, and `score`, their mean; fractions, not per cent. */
  metrics: Record<string, number>;
  /** Score of the kept weights on the rows of train that chose the epoch, where a clean split holds some out. */
  heldOutScore?: number;
  bestEpoch: number;
  epochs: number;
  /** Rows that ν and tuning saw: of train, or the sample of it, what is not held out. */
  trainExamples: number;
  /** Rows of dev that were scored; MNLI's two sets together. */
  devExamples: number;
  cost: CostResult;
  /** Where `measureInference` asks for it. */
  inference?: InferenceResult;
  /**
   * By phase (scoring between epochs is `evaluate`, not `tune`), and two of the whole run: `total` by the clock, `cpu` of processor time
   * over all threads.
   */
  seconds: Record<string, number>;
  /** Peak resident memory of the process, bytes. */
  peakMemory: number;
  seed: number;
  selection?: SelectResult;
  /** The frozen-prefix cache, where the arm has a prefix and the configuration wants it. */
  cache?: CacheResult;
  padding: number;
  truncated: number;
  environment: Record<string, string | number>;
  warnings: string[];
}

/** What `evaluate` and `predict` may set; a run's own configuration decides the rest. */
export interface RunOptions {
  /** The run folder. */
  run: string;
  /** Folder of GLUE's layout in place of the run's own; for a user's own task a file with the run's columns. */
  data?: string;
  batchSize?: number;
  engine?: { name?: EngineRequest; device?: Device; threads?: number };
}

export interface EvaluateOptions extends RunOptions {
  /** `dev`, `train`, `test`, or a task's further ones, such as MNLI's `dev_mismatched` and `ax`. */
  split: string;
}

export interface EvaluateResult {
  run: string;
  task: string;
  split: string;
  examples: number;
  /** Fractions, not per cent. */
  metrics: Record<string, number>;
  /** Mean of the metrics. */
  score: number;
  seconds: number;
  environment: Record<string, string | number>;
  warnings: string[];
}

export interface PredictOptions extends RunOptions {
  /**
   * New text, in place of a split: one input a line, the two texts of a pair separated by a tab; or, where `name` ends in .tsv,
   * .csv or .jsonl, rows with the run's text columns by name. `text` is the content already read (standard input).
   */
  input?: { name: string; text?: string | Uint8Array };
  /** A split of the task's files; `test` unless told. */
  split?: string;
}

export interface Prediction {
  /** The file's own index, else the 0-based number of the row. */
  index: string;
  /** The class by name, or the score of a regression task. */
  label: string | number;
  /** Probability of each class, in the order of `labels`; empty for regression. */
  scores: number[];
}

export interface PredictResult {
  run: string;
  task: string;
  /** Class names in id order; empty for regression. */
  labels: string[];
  predictions: Prediction[];
  seconds: number;
  environment: Record<string, string | number>;
  warnings: string[];
}

export interface ExportOptions {
  /** The run folder. */
  run: string;
  /** `peft` for LoRA and (IA)³, `adapterhub` for bottleneck, Pfeiffer and parallel adapters. */
  format: 'peft' | 'adapterhub';
  /** The folder to write, new or empty. */
  output: string;
}

export interface ExportResult extends ExportOptions {
  /** What was written into the folder. */
  files: string[];
  /** Lines that load it in Python. */
  python: string[];
  warnings: string[];
}
