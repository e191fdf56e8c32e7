/** Logits and pooled states of whole splits, batch by batch. */
import type { Batch } from '../data/types.js';
import type { Bank, Engine } from '../engine/types.js';
import { encoderInputs, lossInputs, poolingWeights } from '../model/inputs.js';
import type { EncoderConfig } from '../model/types.js';
import type { BatchInputs } from './prefix/cache.js';
import type { Keeper } from './prefix/keep.js';
import { inputShapes, layerGradients, logits, type ModelSpec, pooledStates } from './programs.js';

/** Logits [examples, classes] of all examples, in their order. `inputs`: what the program reads of a batch; from its tokens unless told. */
export function createInference(engine: Engine, model: ModelSpec, banks: readonly Bank[]) {
  const fromTokens: BatchInputs = async (batch) => encoderInputs(batch, model.config, { pooling: model.pooling });
  const program = engine.program('logits', logits(model), { shapes: inputShapes(model.config) });
  return async (
    batches: Iterable<Batch>,
    examples: number,
    onBatch?: (rows: number) => void,
    inputs = fromTokens,
  ): Promise<Float32Array> => {
    const all = new Float32Array(examples * model.classes);
    for (const batch of batches) {
      const result = await program.run({
        inputs: await inputs(batch),
        sizes: { batch: batch.rows, length: batch.length },
        banks,
      });
      const { data } = result.logits;
      let rows = 0;
      for (let row = 0; row < batch.rows; row++) {
        const example = batch.examples[row];
        if (example < 0) continue;
        rows++;
        all.set(data.subarray(row * model.classes, (row + 1) * model.classes) as Float32Array, example * model.classes);
      }
      onBatch?.(rows);
    }
    return all;
  };
}

/**
 * Pooled states of layers 1…L of each batch, as one array [layers, rows, hidden]. `onCosines` asks for the first token's cosines too,
 * [layers, rows]. `keeper` gets what a later run may start from.
 */
export function createPooledStates(
  engine: Engine,
  config: EncoderConfig,
  banks: readonly Bank[],
  onCosines?: (cosines: Float32Array, batch: Batch) => void,
  keeper?: Keeper,
) {
  const body = pooledStates(config, { tokenCosine: onCosines !== undefined, kept: keeper });
  const weighted = keeper?.kind === 'pooled' && keeper.pooling === 'last' ? keeper.pooling : undefined;
  const program = engine.program('pooled states', body, { shapes: inputShapes(config) });
  return async (batch: Batch): Promise<Float32Array> => {
    const result = await program.run({
      inputs: {
        ...encoderInputs(batch, config, { pooling: 'mean' }),
        ...(weighted ? { keptWeights: poolingWeights(batch, weighted) } : {}),
      },
      sizes: { batch: batch.rows, length: batch.length },
      banks,
    });
    for (const layer of keeper?.layers ?? []) keeper?.add(layer, batch, result[`kept${layer}`].data as Float32Array);
    const size = batch.rows * config.hidden;
    const states = new Float32Array(config.layers * size);
    for (let layer = 1; layer <= config.layers; layer++) {
      states.set(result[`layer${layer}`].data as Float32Array, (layer - 1) * size);
    }
    if (onCosines) {
      const cosines = new Float32Array(config.layers * batch.rows);
      for (let layer = 1; layer <= config.layers; layer++) {
        cosines.set(result[`cosine${layer}`].data as Float32Array, (layer - 1) * batch.rows);
      }
      onCosines(cosines, batch);
    }
    return states;
  };
}

/** Squared norms by layer of each batch's gradient, [layers], with a linear classifier on the last layer's mean. */
export function createLayerGradients(
  engine: Engine,
  config: EncoderConfig,
  task: Pick<ModelSpec, 'kind' | 'classes'>,
  banks: readonly Bank[],
) {
  const model: ModelSpec = {
    ...task,
    config,
    head: config.layers,
    pooling: 'mean',
    classifier: 'linear',
    rates: () => ({ hidden: 0, attention: 0 }),
    classifierRate: 0,
  };
  const program = engine.program('gradients by layer', layerGradients(model), {
    shapes: inputShapes(config, task.classes),
  });
  return async (batch: Batch, labels: ArrayLike<number>): Promise<Float64Array> => {
    const rows = batch.weights.reduce((sum, weight) => sum + weight, 0);
    const result = await program.run({
      inputs: {
        ...encoderInputs(batch, config, { pooling: 'mean' }),
        ...lossInputs(batch, labels, model),
        denominator: { shape: [], data: Float32Array.of(rows) },
      },
      sizes: { batch: batch.rows, length: batch.length },
      banks,
    });
    return Float64Array.from({ length: config.layers }, (_, index) => result[`gradient${index + 1}`].data[0]);
  };
}
