/** What runs would take: parameters and operations by arithmetic, and how fast this machine multiplies matrices. Nothing is loaded. */
import type { RunConfig } from '../config/schema.js';
import { batchLoad, headTokensOf, type Load, NO_LOAD, selectionFlops, trainingFlops } from '../model/flops.js';
import { countParameters } from '../model/parameters.js';
import type { Tuning } from '../model/tuning.js';
import type { EncoderConfig } from '../model/types.js';
import type { Triple } from '../selection/arms.js';
import { withEngine } from './engine.js';
import type { Reporter } from './types.js';

export interface EstimateArm {
  encoder: EncoderConfig;
  triple: Triple;
  tuning: Tuning;
  config: RunConfig;
  classes: number;
  rows: {
    /** That are tuned on. */
    train: number;
    /** That choose the epoch; 0 where dev does. */
    heldOut: number;
    dev: number;
  };
  /** Mean tokens of an input, padding included. */
  tokens: number;
}

export interface EstimateOptions {
  arms: EstimateArm[];
  /** Engine and threads to calibrate with. */
  config: RunConfig;
  threads: number;
}

export interface EstimateResult {
  /** In the order of the arms. */
  arms: { trainable: number; total: number; trainingFlops: number; selectionFlops: number }[];
  /** Operations a second of matrix products of the model's shapes, in one process of so many threads. */
  speed: number;
  warnings: string[];
}

export async function runEstimate({ arms, config, threads }: EstimateOptions, _: Reporter): Promise<EstimateResult> {
  const largest = arms.reduce((a, b) => (b.encoder.hidden > a.encoder.hidden ? b : a), arms[0]);
  return { arms: arms.map(estimate), speed: await calibrate(largest, config, threads), warnings: [] };
}

function estimate({ encoder, triple, tuning, config, classes, rows, tokens }: EstimateArm) {
  const { kind: classifier, pooling } = config.classifier;
  const { epochs } = config.training;
  const counts = countParameters(encoder, triple, { tuning, classifier, classes });
  const cached = config.cache.prefix && triple.bottom !== 1;
  const load = (count: number): Load => (count === 0 ? NO_LOAD : batchLoad(count, tokens));
  // Where dev chooses the epoch, it is not scored once more.
  const evaluated = rows.heldOut > 0 ? epochs * rows.heldOut + rows.dev : epochs * rows.dev;
  return {
    ...counts,
    selectionFlops: selectionFlops(encoder, load(rows.train)),
    trainingFlops: trainingFlops(encoder, triple, {
      tuning,
      classifier,
      classes,
      headTokens: headTokensOf(pooling, triple),
      training: load(epochs * rows.train),
      evaluating: load(evaluated),
      cached,
      filling: load(cached ? rows.train + rows.heldOut + rows.dev : 0),
    }),
  };
}

/** Products of a batch's tokens with a feed-forward matrix; the fastest of some, since other work may be in the way. */
async function calibrate({ encoder, config: { training }, tokens }: EstimateArm, config: RunConfig, threads: number) {
  const { hidden, intermediate } = encoder;
  const rows = Math.max(32, Math.round(training.batchSize * tokens));
  const a = new Float32Array(rows * hidden).fill(0.5);
  const b = new Float32Array(hidden * intermediate).fill(0.5);
  return withEngine({ ...config, engine: { ...config.engine, threads } }, async (engine) => {
    let fastest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) {
      const began = performance.now();
      await engine.multiply(a, rows, hidden, b, intermediate);
      // The first one also compiles.
      if (i > 0) fastest = Math.min(fastest, (performance.now() - began) / 1000);
    }
    return (2 * rows * hidden * intermediate) / fastest;
  });
}
