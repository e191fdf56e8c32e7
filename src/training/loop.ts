/**
 * The training loop. A run is a fold: state(n + 1) = step(state(n), n). Data order is a function of (seed, epoch), dropout of
 * (seed, step, micro-batch), the learning rate of the step, so that the state alone says how a run goes on.
 */
import type { Batch } from '../data/types.js';
import { readAll } from '../engine/moved.js';
import type { Engine, HostTensor } from '../engine/types.js';
import { Interrupted, UserError } from '../errors.js';
import { encoderInputs, lossInputs } from '../model/inputs.js';
import { type AdamWOptions, adamW } from './adamw.js';
import type { BatchInputs } from './prefix/cache.js';
import { gradients, inputShapes, type ModelSpec } from './programs.js';
import { learningRateAt, type ScheduleName } from './schedule.js';
import type { TrainingState } from './state.js';

export interface LoopOptions extends AdamWOptions {
  epochs: number;
  /** Batches whose gradients add up to one step. */
  accumulation: number;
  learningRate: number;
  schedule: ScheduleName;
  /** Share of all steps. */
  warmup: number;
  /** Bound on the gradient's global norm; 0: none. */
  clipNorm: number;
  /** Evaluate after each epoch, or every so many steps. */
  evaluate: 'epoch' | number;
  /** Keep the weights of the best evaluation, or of the last step. */
  best: 'score' | 'last';
  /** Stop after so many evaluations without a better one; null: never. */
  patience: number | null;
  seed: number;
}

export interface TrainingData {
  /** Class id or score of each example. */
  labels: ArrayLike<number>;
  /** How many batches an epoch has. */
  batchesPerEpoch: number;
  /** The batches of an epoch (0-based), made one by one. */
  batches(epoch: number): Iterable<Batch>;
  /** What the model reads of a batch; from its tokens unless told. */
  inputs?: BatchInputs;
}

export interface StepReport {
  /** 1-based. */
  step: number;
  steps: number;
  /** 1-based. */
  epoch: number;
  loss: number;
  learningRate: number;
  gradientNorm: number;
  /** Tokens of the step, padding included. */
  tokens: number;
}

export interface EvaluationReport {
  step: number;
  epoch: number;
  /** What the best evaluation is chosen by. */
  score: number;
  metrics: Record<string, number>;
  /** Whether it is the best so far. */
  best: boolean;
}

export interface LoopHooks {
  evaluate(): Promise<{ score: number; metrics: Record<string, number> }>;
  onStep?(report: StepReport): void;
  onEvaluation?(report: EvaluationReport): void;
  /** Polled between steps. */
  stop?(): boolean;
}

export interface LoopResult {
  steps: number;
  /** Epoch (1-based) of the weights that are now in the bank. */
  bestEpoch: number;
  bestStep: number;
  metrics: Record<string, number>;
  epochs: number;
  /** Steps that were passed over, since their gradient was not finite. */
  skipped: number;
}

/** A step whose gradient is not finite leaves the weights as they were; so many in a row end the run. */
const MOST_SKIPPED = 20;

/** Tunes the parameters of `state` in place; at the end they are those of the best evaluation, or of the last step. */
export async function train(
  engine: Engine,
  model: ModelSpec,
  state: TrainingState,
  data: TrainingData,
  options: LoopOptions,
  hooks: LoopHooks,
): Promise<LoopResult> {
  const { epochs, accumulation, clipNorm, seed } = options;
  const stepsPerEpoch = Math.ceil(data.batchesPerEpoch / accumulation);
  const schedule = { ...options, steps: stepsPerEpoch * epochs };
  const program = engine.program('gradients', gradients(model, state.parameters.names), {
    shapes: inputShapes(model.config, model.classes),
  });
  const update = adamW(engine, options);
  const inputs: BatchInputs =
    data.inputs ?? (async (batch) => encoderInputs(batch, model.config, { pooling: model.pooling }));

  let step = 0;
  let updates = 0;
  let skippedInARow = 0;
  let skipped = 0;
  const best: { score: number; kept?: Kept } = { score: Number.NEGATIVE_INFINITY };
  let withoutBetter = 0;
  let evaluatedAt = -1;

  /** Gradients of the accumulated batch, in the bank; its mean loss. */
  async function accumulate(batches: readonly Batch[]): Promise<{ loss: number; tokens: number }> {
    const rows = batches.reduce((sum, { weights }) => sum + weights.reduce((total, weight) => total + weight, 0), 0);
    let loss = 0;
    let tokens = 0;
    for (let micro = 0; micro < batches.length; micro++) {
      const batch = batches[micro];
      const result = await program.run({
        inputs: {
          ...(await inputs(batch)),
          ...lossInputs(batch, data.labels, model),
          denominator: { shape: [], data: Float32Array.of(rows) },
        },
        sizes: { batch: batch.rows, length: batch.length },
        banks: [state.parameters, state.frozen],
        into: { bank: state.gradients, add: micro > 0 },
        chance: [seed, 'dropout', step, micro],
      });
      loss += result.loss.data[0];
      tokens += batch.rows * batch.length;
    }
    return { loss, tokens };
  }

  async function evaluate(epoch: number): Promise<boolean> {
    evaluatedAt = step;
    const { score, metrics } = await hooks.evaluate();
    // A score that is no number is never the better one.
    const better = score > best.score;
    if (better) best.score = score;
    if (better || !best.kept || options.best === 'last') {
      best.kept = {
        epoch,
        step,
        metrics,
        weights: options.best === 'last' ? undefined : await readAll(state.parameters),
      };
    }
    withoutBetter = better ? 0 : withoutBetter + 1;
    hooks.onEvaluation?.({ step, epoch, score, metrics, best: better });
    return options.patience !== null && withoutBetter >= options.patience;
  }

  let epoch = 0;
  let ended = false;
  while (epoch < epochs && !ended) {
    epoch++;
    let waiting: Batch[] = [];
    let seen = 0;
    for (const batch of data.batches(epoch - 1)) {
      waiting.push(batch);
      seen++;
      if (waiting.length < accumulation && seen < data.batchesPerEpoch) continue;
      if (hooks.stop?.()) throw new Interrupted();
      const learningRate = learningRateAt(step, schedule);
      const { loss, tokens } = await accumulate(waiting);
      waiting = [];
      const gradientNorm = Math.sqrt(await engine.sumOfSquares(state.gradients));
      if (Number.isFinite(gradientNorm) && Number.isFinite(loss)) {
        const scale = clipNorm > 0 ? Math.min(1, clipNorm / (gradientNorm + 1e-6)) : 1;
        updates++;
        await update(state, updates, learningRate, scale);
        skippedInARow = 0;
      } else {
        skipped++;
        skippedInARow++;
        if (skippedInARow >= MOST_SKIPPED)
          throw new Diverged(
            `the gradient was not finite in ${MOST_SKIPPED} steps in a row, the last of them step ${step + 1}`,
          );
      }
      step++;
      hooks.onStep?.({ step, steps: schedule.steps, epoch, loss, learningRate, gradientNorm, tokens });
      if (typeof options.evaluate === 'number' && step % options.evaluate === 0) {
        ended = await evaluate(epoch);
        if (ended) break;
      }
    }
    if (!ended && options.evaluate === 'epoch') ended = await evaluate(epoch);
  }
  if (evaluatedAt !== step) await evaluate(epoch);
  const { weights, ...kept } = best.kept as Kept;
  for (const [name, { data }] of weights ?? []) state.parameters.write(name, data);
  return { steps: step, bestEpoch: kept.epoch, bestStep: kept.step, metrics: kept.metrics, epochs: epoch, skipped };
}

/** An evaluation, and the weights that it saw unless the last ones are wanted anyway. */
interface Kept {
  epoch: number;
  step: number;
  metrics: Record<string, number>;
  weights?: Map<string, HostTensor<Float32Array>>;
}

/** Numbers that are none any more, with the remedy. */
export class Diverged extends UserError {
  constructor(message: string) {
    super(message, { hint: 'lower training.learningRate, or set training.clipNorm: 1' });
  }
}
