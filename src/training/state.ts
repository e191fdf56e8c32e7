/** Parameters and moments in an engine's banks. */
import { moved } from '../engine/moved.js';
import type { Bank, Engine, HostTensor } from '../engine/types.js';
import { type AdamWState, decayGroup } from './adamw.js';

export interface TrainingState extends AdamWState {
  /** Parameters that are read only. */
  frozen: Bank;
}

/** Moves parameters into banks: those named in `trainable` with gradients and moments, the others frozen. Each leaves the map as soon as it is there. */
export function createState(
  engine: Engine,
  parameters: Map<string, HostTensor<Float32Array>>,
  trainable: readonly string[],
): TrainingState {
  const trained = new Set(trainable);
  const shapeOf = (name: string) => parameters.get(name)?.shape ?? [];
  const entries = trainable.map((name) => ({ name, shape: shapeOf(name), group: decayGroup(name) }));
  const others = [...parameters.keys()].filter((name) => !trained.has(name));
  const [parametersBank, gradients, first, second] = engine.banks(entries, 4);
  const state: TrainingState = {
    parameters: parametersBank,
    gradients,
    first,
    second,
    frozen: engine.bank(others.map((name) => ({ name, shape: shapeOf(name) }))),
  };
  for (const [name, { data }] of parameters) {
    (trained.has(name) ? state.parameters : state.frozen).write(name, data);
    parameters.delete(name);
  }
  return state;
}

/** Moves parameters into a bank of their own, to be read only: each is given back as soon as it is there. */
export function bankOf(engine: Engine, parameters: Map<string, HostTensor<Float32Array>>): Bank {
  return moved(parameters, (entries) => engine.bank(entries));
}

export function disposeState(state: TrainingState): void {
  for (const bank of Object.values(state) as Bank[]) bank.dispose();
}
