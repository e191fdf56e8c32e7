/**
 * A TensorFlow.js backend that computes nothing and records: its kernels append nodes to a graph. Running a function once under
 * it, gradients included, yields the graph of that function.
 */

import type { DataType, KernelConfig, NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { EngineError } from '../../errors.js';
import type { Chance } from '../ops.js';
import { withRecordedOps } from '../recording.js';
import type { Context, Recordable, Sizes } from '../types.js';
import { createGraph, type Graph, type Value, type ValueType } from './graph.js';
import { recordedForms } from './ops.js';

export const RECORDER = 'spantune-recorder';

/** What a kernel of the recording backend is: from values to values. */
export type RecordingKernel = (operation: {
  graph: Graph;
  /** Named inputs; a list of inputs (Concat, AddN) is keyed '0', '1', … */
  inputs: Record<string, Value>;
  attributes: NamedAttrMap;
}) => Value | Value[];

class RecordingBackend extends tf.KernelBackend {
  graph: Graph | undefined;
  private readonly values = new WeakMap<object, Value>();

  recording(): Graph {
    if (!this.graph) throw new EngineError('an operation was recorded while no recording is under way');
    return this.graph;
  }

  /** The value behind a tensor; a tensor from outside the recording is refused, since reading it would destroy it. */
  lookUp(dataId: object, operation: string): Value {
    const value = this.values.get(dataId);
    if (value) return value;
    throw new EngineError(`${operation} was given a tensor from outside the recording`, {
      hint: 'pass it as an input of the program',
    });
  }

  info(value: Value): TensorInfo {
    const dataId = {};
    this.values.set(dataId, value);
    return { dataId, shape: [...value.shape], dtype: value.type as DataType };
  }

  override write(values: tf.BackendValues, shape: number[], dtype: DataType): object {
    refuseDraws();
    const dataId = {};
    this.values.set(dataId, constantOf(this.recording(), values, shape, dtype));
    return dataId;
  }
  override move(): void {
    throw new EngineError('a tensor from outside the recording was used in it', {
      hint: 'pass it as an input of the program',
    });
  }
  override readSync(): tf.BackendValues {
    throw new EngineError('a value was read while its function was being recorded', {
      hint: 'a recorded function may not look at values: no dataSync, arraySync or print',
    });
  }
  override read(): Promise<tf.BackendValues> {
    return Promise.reject(new EngineError('a value was read while its function was being recorded'));
  }
  override disposeData(): boolean {
    return true;
  }
  override refCount(): number {
    return 1;
  }
  override incRef(): void {}
  override numDataIds(): number {
    return 0;
  }
  override memory() {
    return { unreliable: true, reasons: ['recorded tensors take no memory'] };
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override dispose(): void {}
}

const DRAWING = new Set(
  [
    'dropout',
    'multinomial',
    'rand',
    'randomGamma',
    'randomNormal',
    'randomStandardNormal',
    'randomUniform',
    'randomUniformInt',
    'truncatedNormal',
  ].map((name) => `${name}__op`),
);

/** TensorFlow.js draws on the host and writes the numbers as a constant: the scopes that are open tell which operation did. */
function refuseDraws(): void {
  const drawing = tf.engine().state.scopeStack.find(({ name }) => DRAWING.has(name));
  if (!drawing) return;
  throw new EngineError(`${drawing.name.slice(0, -4)} draws on the host, so a recording would freeze its numbers`, {
    hint: 'drop out by the dropout of engine/ops; pass other random numbers as an input of the program',
  });
}

function constantOf(graph: Graph, values: tf.BackendValues, shape: number[], dtype: DataType): Value {
  const type = dtype as ValueType;
  const numbers = values as ArrayLike<number>;
  const count = shape.reduce((product, size) => product * size, 1);
  let same = count > 0;
  for (let i = 1; i < count && same; i++) same = numbers[i] === numbers[0];
  if (same) {
    const number = Number(numbers[0]);
    if (Number.isInteger(number) && graph.isSymbolic(number)) {
      throw new EngineError('a size that differs from call to call was used as a number, which would freeze it', {
        hint: 'pass the number as an input of the program',
      });
    }
    return graph.uniform(number, shape, type);
  }
  if (type === 'float32') return graph.constant(Float32Array.from(numbers), shape);
  if (type === 'int32') return graph.constant(Int32Array.from(numbers), shape);
  if (type === 'bool') return graph.constant(Uint8Array.from(numbers), shape);
  throw new EngineError(`a constant of type ${dtype} cannot be recorded`);
}

let backend: RecordingBackend | undefined;

function theBackend(): RecordingBackend {
  if (!backend) {
    backend = new RecordingBackend();
    const registered = backend;
    tf.enableProdMode();
    tf.registerBackend(RECORDER, () => registered, 0);
    // What no kernel is written for fails here, by name, instead of deep inside TensorFlow.js.
    for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
      if (!tf.getKernel(kernelName, RECORDER)) {
        register(kernelName, () => {
          refuseDraws();
          throw new EngineError(`the operation ${kernelName} cannot be recorded`, {
            hint: 'write the function in operations that have a recording kernel',
          });
        });
      }
    }
  }
  return backend;
}

/** Adds a kernel to the recording backend. */
export function register(kernelName: string, kernel: RecordingKernel): void {
  const config: KernelConfig = {
    kernelName,
    backendName: RECORDER,
    kernelFunc: ({ inputs, attrs }) => {
      const recorder = theBackend();
      const values: Record<string, Value> = {};
      for (const [key, tensor] of Object.entries(inputs)) {
        if (tensor) values[key] = recorder.lookUp((tensor as TensorInfo).dataId, kernelName);
      }
      const result = kernel({ graph: recorder.recording(), inputs: values, attributes: attrs ?? {} });
      return Array.isArray(result) ? result.map((value) => recorder.info(value)) : recorder.info(result);
    },
  };
  tf.registerKernel(config);
}

export interface MaskSite {
  site: string;
  shape: number[];
  rate: number;
}

export interface Recording {
  graph: Graph;
  outputs: Map<string, Value>;
  /** Dropout masks that the graph wants, as inputs named `mask:SITE`. */
  masks: MaskSite[];
}

export interface InputSpec {
  name: string;
  shape: readonly number[];
  type: ValueType;
}

/** Runs a function once under the recording backend. Synchronous; the backend that was in use is in use again afterwards. */
export function record(
  body: Recordable,
  options: {
    inputs: (standIns: Sizes) => InputSpec[];
    symbols?: readonly string[];
    sizes?: Sizes;
    chance: boolean;
    standard?: boolean;
  },
): Recording {
  const graph = createGraph(options.symbols, { standard: options.standard });
  const recorder = theBackend();
  const outer = recorder.graph;
  // Where nothing has computed yet, no backend is in use: the best one is then, and stays so afterwards.
  tf.backend();
  const previous = tf.getBackend();
  const masks: MaskSite[] = [];
  recorder.graph = graph;
  tf.setBackend(RECORDER);
  try {
    const tensorOf = (value: Value): Tensor => tf.engine().makeTensorFromTensorInfo(recorder.info(value), recorder);
    const chance: Chance = {
      mask(site, shape, rate) {
        if (masks.some((known) => known.site === site)) throw new EngineError(`two dropout masks are named "${site}"`);
        masks.push({ site, shape, rate });
        return tensorOf(graph.input(`mask:${site}`, 'float32', shape));
      },
    };
    const context: Context = {
      sizes: options.symbols ? graph.standIns : (options.sizes ?? {}),
      chance: options.chance ? chance : undefined,
    };
    const outputs = new Map<string, Value>();
    tf.tidy(() => {
      const inputs: Record<string, Tensor> = {};
      for (const { name, shape, type } of options.inputs(context.sizes)) {
        inputs[name] = tensorOf(graph.input(name, type, shape));
      }
      const results = withRecordedOps(recordedForms, () => body(inputs, context));
      for (const [name, tensor] of Object.entries(results))
        outputs.set(name, recorder.lookUp(tensor.dataId, 'the result'));
    });
    return { graph, outputs, masks };
  } finally {
    recorder.graph = outer;
    tf.setBackend(previous);
  }
}
