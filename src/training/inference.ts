/** Logits and pooled states of whole splits, batch by batch. */
import type { Batch } from '../data/types.js';
import type { Bank, Engine } from '../engine/types.js';
import { encoderInputs } from '../model/inputs.js';
import type { EncoderConfig } from '../model/types.js';
import type { BatchInputs } from './prefix/cache.js';
import { inputShapes, logits, type ModelSpec, pooledStates } from './programs.js';

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

/** Pooled states of layers 1…L of each batch, as one array [layers, rows, hidden]. */
export function createPooledStates(engine: Engine, config: EncoderConfig, banks: readonly Bank[]) {
  const program = engine.program('pooled states', pooledStates(config), { shapes: inputShapes(config) });
  return async (batch: Batch): Promise<Float32Array> => {
    const result = await program.run({
      inputs: encoderInputs(batch, config, { pooling: 'mean' }),
      sizes: { batch: batch.rows, length: batch.length },
      banks,
    });
    const size = batch.rows * config.hidden;
    const states = new Float32Array(config.layers * size);
    for (let layer = 1; layer <= config.layers; layer++) {
      states.set(result[`layer${layer}`].data as Float32Array, (layer - 1) * size);
    }
    return states;
  };
}
