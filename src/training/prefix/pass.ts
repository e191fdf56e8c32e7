/** The forward pass through the frozen prefix: the states that enter the span, or the one vector that the classifier reads. */
import type { Batch } from '../../data/types.js';
import type { Engine, HostTensor, Recordable } from '../../engine/types.js';
import { encode } from '../../model/encoder.js';
import { encoderInputs, type Pooling } from '../../model/inputs.js';
import { pool } from '../../model/pooling.js';
import type { EncoderConfig, ParameterName } from '../../model/types.js';
import { inputShapes } from '../programs.js';
import { bankOf } from '../state.js';
import type { Start } from './start.js';

export interface PrefixPass {
  /** States [rows · length, hidden], those of padding meaningless, or pooled vectors [rows, hidden]. The next run may overwrite them. */
  run(batch: Batch): Promise<Float32Array>;
  /** Gives back the parameters and the engine's memory. */
  close(): Promise<void>;
}

export interface PassOptions {
  /** An engine for the pass alone: closing it gives back what its sessions hold. */
  openEngine: () => Promise<Engine>;
  /** Parameters of the embeddings and of layers 1…layers. */
  load: (layers: number) => Map<ParameterName, HostTensor<Float32Array>>;
  config: EncoderConfig;
  start: Start;
  pooling: Pooling;
}

/** Without dropout: `states` [batch · length, hidden], or [batch, hidden] where they are pooled. */
function prefixStates(config: EncoderConfig, start: Start, pooling: Pooling): Recordable {
  return (inputs) => {
    const all = encode(inputs, inputs, config, { head: start.layer });
    const states = all[all.length - 1];
    return { states: start.kind === 'pooled' ? pool(pooling, states, inputs) : states };
  };
}

export async function openPass({ openEngine, load, config, start, pooling }: PassOptions): Promise<PrefixPass> {
  const engine = await openEngine();
  const bank = bankOf(engine, load(start.layer));
  const program = engine.program('prefix', prefixStates(config, start, pooling), { shapes: inputShapes(config) });
  return {
    async run(batch) {
      const result = await program.run({
        inputs: encoderInputs(batch, config, { pooling: start.kind === 'pooled' ? pooling : undefined }),
        sizes: { batch: batch.rows, length: batch.length },
        banks: [bank],
      });
      return result.states.data as Float32Array;
    },
    async close() {
      bank.dispose();
      await engine.close();
    },
  };
}
