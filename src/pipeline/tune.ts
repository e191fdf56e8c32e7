/** Tuning with its reports: metrics.jsonl gets a line a step and a line an evaluation. */

import type { TunedConfig } from '../config/schema.js';
import type { Engine } from '../engine/types.js';
import type { ResolvedArm } from '../selection/arms.js';
import { Diverged, type LoopResult, train } from '../training/loop.js';
import type { Attached } from './attach.js';
import type { Predictor } from './predictor.js';
import type { RunData } from './run-data.js';
import { appendMetrics } from './run-folder.js';
import { evaluationScore } from './scores.js';
import type { Reporter } from './types.js';

export interface Tuned extends LoopResult {
  /** How often the split that chooses the epoch was scored. */
  evaluations: number;
  /** Outputs of the kept weights on dev, where dev chose them; bit for bit what they would be again. */
  outputs?: number[][];
}

export async function tune(
  engine: Engine,
  { spec, state }: Attached,
  data: RunData,
  arm: ResolvedArm,
  predict: Predictor,
  config: TunedConfig,
  output: string,
  reporter: Reporter,
  stop: () => boolean,
): Promise<Tuned> {
  const { training, seed } = config;
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const phase = { phase: 'tune', subject: arm.name };
  const steps = training.epochs * Math.ceil(data.training.batchesPerEpoch / training.accumulation);
  let tokens = 0;
  let loss = Number.NaN;
  let evaluations = 0;
  let outputs: number[][] = [];
  let kept: number[][] | undefined;
  const options = {
    ...training,
    clipNorm: training.clipNorm ?? 0,
    best: training.best === 'last' ? ('last' as const) : ('score' as const),
    seed,
  };
  reporter.progress({ ...phase, done: 0, total: steps, detail: `epoch 1/${training.epochs}` });
  const tuned = await train(engine, spec, state, data.training, options, {
    async evaluate() {
      evaluations++;
      outputs = await predict(data.selectionEncoded, (done, total) =>
        reporter.progress({ phase: 'evaluate', subject: data.selectionName, done, total }),
      );
      requireFinite(outputs, data.selectionName);
      const { metrics, score, warnings } = data.score(outputs, data.selectionExamples);
      for (const warning of warnings) reporter.log('debug', warning);
      return { score: evaluationScore(data.task, metrics, score, training.best), metrics: { ...metrics, score } };
    },
    onStep({ step, epoch, loss: last, learningRate, gradientNorm, tokens: seen }) {
      tokens += seen;
      if (Number.isFinite(last)) loss = Number.isNaN(loss) ? last : 0.95 * loss + 0.05 * last;
      const seconds = elapsed();
      appendMetrics(output, { step, epoch, loss: last, learningRate, gradientNorm, seconds });
      const speed = `${(tokens / seconds / 1000).toFixed(1)} k tokens/s`;
      const detail = `epoch ${epoch}/${training.epochs}  loss ${loss.toFixed(3)}  ${speed}`;
      reporter.progress({ ...phase, done: step, total: steps, detail });
    },
    onEvaluation({ step, epoch, score, metrics, best }) {
      if (best || !kept || options.best === 'last') kept = outputs;
      appendMetrics(output, { step, epoch, split: data.selectionName, evaluation: metrics, best, seconds: elapsed() });
      reporter.log(
        'debug',
        `epoch ${epoch}: ${data.selectionName} score ${(100 * score).toFixed(1)}${best ? ', best so far' : ''}`,
      );
    },
    stop,
  });
  return { ...tuned, evaluations, outputs: data.selectionEncoded === data.devEncoded ? kept : undefined };
}

/** Weights that are no numbers never become some again. */
function requireFinite(outputs: readonly number[][], split: string): void {
  if (outputs.every((row) => row.every(Number.isFinite))) return;
  throw new Diverged(`training diverged: what the model says of ${split} is not finite`);
}
