/** Gradients by layer for the scores that read them: a linear classifier is fitted on top, on ν's pooled states; then the backward pass. */
import { evaluationBatches, type TrainingOrder, trainingBatches } from '../data/batches.js';
import type { Batch, Encoded, Task } from '../data/types.js';
import type { Bank, Engine } from '../engine/types.js';
import { layerShapes } from '../model/shapes.js';
import type { EncoderConfig } from '../model/types.js';
import { stratifiedSample } from '../selection/sample.js';
import { fitLogistic, INVERSE_PENALTY } from '../selection/scores/fit-logistic.js';
import type { LayerGradients } from '../selection/scores/gradients.js';
import { computeMoments } from '../selection/scores/moments.js';
import { fitRidge, type LinearModel } from '../selection/scores/ridge.js';
import { gatherRows, MOST_ROWS } from '../selection/scores/rows.js';
import type { PooledStates } from '../selection/states.js';
import { createLayerGradients } from '../training/inference.js';
import type { Reporter } from './types.js';

/** Inputs of the Fisher information, whose gradients are taken one by one, and of the relative gradient norm, by batches. */
const FISHER_INPUTS = 128;
const BATCH = 32;
const BATCHED_INPUTS = 8 * BATCH;

export interface GradientSource {
  engine: Engine;
  config: EncoderConfig;
  task: Task;
  /** The encoder's parameters. */
  bank: Bank;
  states: PooledStates;
  /** [inputs]: the score of each in regression. */
  targets: ArrayLike<number>;
  encoded: Encoded[];
  pad: { padId: number; maxLength: number };
  seed: number;
  reporter: Reporter;
}

/** Squared norms of a sample's gradients, one input at a time, or by batches in random order. */
export function createGradientSamples(source: GradientSource) {
  const { engine, config, task, bank, states, targets, encoded, pad, seed, reporter } = source;
  const regression = task.kind === 'regression';
  const order = [...states.inputs.keys()].sort((a, b) => states.inputs[a] - states.inputs[b]);
  const classes = regression ? 1 : states.classes;
  let weights: Float64Array | undefined;
  let run: ReturnType<typeof createLayerGradients> | undefined;

  const measure = async (batches: (encoded: Encoded[]) => Iterable<Batch>, size: number): Promise<LayerGradients[]> => {
    weights ??= await squaredNorms(config, bank);
    run ??= createLayerGradients(engine, config, { kind: task.kind, classes }, [
      bank,
      headBank(engine, config, fitTop(states, order, regression ? targets : undefined, seed), classes),
    ]);
    const rows = Array.from(
      stratifiedSample(
        order.map((row) => states.classOf[row]),
        size,
        seed,
      ),
      (at) => order[at],
    );
    const labels = rows.map((row) => (regression ? targets[states.inputs[row]] : states.classOf[row]));
    const sample = rows.map((row) => encoded[states.inputs[row]]);
    const results: LayerGradients[] = [];
    let done = 0;
    for (const batch of batches(sample)) {
      results.push({ gradients: await run(batch, labels), weights });
      done += batch.examples.filter((example) => example >= 0).length;
      reporter.progress({ phase: 'select', subject: 'gradients', done, total: rows.length });
    }
    return results;
  };
  return {
    inputs: () => measure((sample) => evaluationBatches(sample, { batchSize: 1, ...pad }), FISHER_INPUTS),
    batches: () => {
      const most = Math.min(BATCHED_INPUTS, states.rows);
      // Whole batches alone: the mean gradient of few inputs is longer.
      const size = most < BATCH ? most : most - (most % BATCH);
      const plan: TrainingOrder = { batchSize: Math.min(BATCH, size), order: 'random', seed, epoch: 0 };
      return measure((sample) => trainingBatches(sample, { ...plan, ...pad }), size);
    },
  };
}

/**
 * A linear classifier, or for regression a linear model, on the pooled states of the last layer; one scale for all dimensions, lest those
 * without spread get weights out of proportion.
 */
function fitTop(
  states: PooledStates,
  order: number[],
  targets: ArrayLike<number> | undefined,
  seed: number,
): LinearModel {
  const { layers, width, classes, rows } = states;
  if (targets) {
    const moments = computeMoments(states, layers, {
      kind: 'regression',
      targets: Float64Array.from(states.inputs, (input) => targets[input]),
      folds: new Int32Array(rows),
      foldCount: 1,
    });
    return fitRidge(moments, [1 / INVERSE_PENALTY], { scale: 'common' })[0];
  }
  const labels = order.map((row) => states.classOf[row]);
  const sample = Int32Array.from(stratifiedSample(labels, MOST_ROWS, seed), (at) => order[at]).sort();
  const own = Array.from(sample, (row) => states.classOf[row]);
  return fitLogistic(gatherRows(states, layers, sample), own, [...own.keys()], { width, classes, scale: 'common' });
}

/** ‖θ‖² of each layer. */
async function squaredNorms(config: EncoderConfig, bank: Bank): Promise<Float64Array> {
  const sums = new Float64Array(config.layers);
  for (let index = 0; index < config.layers; index++) {
    for (const name of layerShapes(config, index + 1).keys()) {
      for (const value of await bank.read(name)) sums[index] += value * value;
    }
  }
  return sums;
}

function headBank(engine: Engine, { hidden }: EncoderConfig, { weights, biases }: LinearModel, classes: number): Bank {
  const head = engine.bank([
    { name: 'classifier.output.weight', shape: [classes, hidden] },
    { name: 'classifier.output.bias', shape: [classes] },
  ]);
  head.write('classifier.output.weight', Float32Array.from(weights));
  head.write('classifier.output.bias', Float32Array.from(biases));
  return head;
}
