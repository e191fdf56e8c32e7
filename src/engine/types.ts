/**
 * The one door to computing. A function over TensorFlow.js tensors becomes a program; an engine runs it. Callers don't know
 * which engine they talk to.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { Chance } from './ops.js';

/** A tensor in the host's memory. */
export interface HostTensor<T extends Float32Array | Int32Array = Float32Array | Int32Array> {
  shape: number[];
  data: T;
}

export type Tensors = Readonly<Record<string, Tensor>>;
export type HostTensors = Readonly<Record<string, HostTensor>>;

/** Sizes that differ from call to call, such as batch and length. */
export type Sizes = Readonly<Record<string, number>>;

export interface Context {
  sizes: Sizes;
  /** Dropout masks; undefined where the program was not given chance. */
  chance: Chance | undefined;
}

/**
 * What is run: a pure, synchronous function from named tensors to named tensors. Every JavaScript number in it is frozen when
 * it is recorded, so whatever changes between calls is an input.
 */
export type Recordable = (inputs: Tensors, context: Context) => Record<string, Tensor>;

export interface ProgramOptions {
  /**
   * Given, the program is recorded once for all sizes: from sizes to the shape of every input of `Call.inputs`. Without it, it is
   * recorded once per combination of input shapes.
   */
  shapes?: (sizes: Sizes) => Record<string, number[]>;
}

/** Named float32 tensors that an engine holds between runs: parameters, gradients, moments. */
export interface Bank {
  readonly names: readonly string[];
  shape(name: string): number[];
  /** Number of elements in all. */
  readonly size: number;
  write(name: string, data: Float32Array): void;
  /** A copy. */
  read(name: string): Promise<Float32Array>;
  dispose(): void;
}

export interface BankEntry {
  name: string;
  shape: number[];
  /** Entries of one group are treated alike by `Elementwise` (weight decay or none). */
  group?: string;
}

export interface Call {
  inputs: HostTensors;
  sizes?: Sizes;
  /** Banks whose tensors are inputs too, by their names. */
  banks?: readonly Bank[];
  /** Outputs that bear a name of this bank are written into it, or added to what it holds. */
  into?: { bank: Bank; add: boolean };
  /** Keys of the stream of chance, such as (seed, step, micro-batch); absent: no dropout. */
  chance?: readonly (number | string)[];
}

export interface Program {
  /** The outputs that did not go into a bank. Their data may be overwritten by the next run. */
  run(call: Call): Promise<HostTensors>;
}

/** An element-wise function of the same tensor in several banks, and of scalars that change between calls. */
export type ElementwiseFunction = (values: Tensor[], scalars: Tensors) => Tensor[];

export interface Elementwise {
  /**
   * Results are written to `writes`, in the order the function returns them; a bank may be read and written.
   * `group`: only entries of that group. `idle`: elements that have always been 0 in this bank may be left out, since there the
   * function yields what stands in `writes` already (rows of an embedding table that no input has used).
   */
  run(call: {
    reads: readonly Bank[];
    writes: readonly Bank[];
    scalars: Record<string, number>;
    group?: string;
    idle?: Bank;
  }): Promise<void>;
}

/** `compiled`: recorded, on ONNX Runtime; the others at once, on a backend of TensorFlow.js: TensorFlow's kernels, or JavaScript's. */
export type EngineName = 'compiled' | 'tensorflow' | 'cpu';

/** As it may be asked for. */
export type EngineRequest = EngineName | 'auto';

export interface Engine {
  readonly name: EngineName;
  bank(entries: readonly BankEntry[]): Bank;
  /** Several of the same entries; element-wise programs that read and write only these need no copies. */
  banks(entries: readonly BankEntry[], count: number): Bank[];
  /**
   * Moves parameters into a bank that is only read: each leaves the map as soon as it is there. A program that is recorded once for all
   * sizes keeps a copy in the form that its products want: memory for speed, which pays where batches are small. Long
   * sums add up in another order then: results may differ from a bank's in their last bits.
   */
  constants(parameters: Map<string, HostTensor<Float32Array>>): Bank;
  program(name: string, body: Recordable, options?: ProgramOptions): Program;
  elementwise(name: string, body: ElementwiseFunction, scalars: readonly string[]): Elementwise;
  /** Sum of the squares of all elements, float64 over blocks. */
  sumOfSquares(bank: Bank): Promise<number>;
  /** Row-major matrix product a [rows, inner] · b [inner, columns]. */
  multiply(a: Float32Array, rows: number, inner: number, b: Float32Array, columns: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Where the compiled engine computes: the processor, a GPU by WebGPU (Vulkan, Metal or Direct3D 12), or an NVIDIA GPU by CUDA. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

export interface EngineOptions {
  /** Of the compiled engine. */
  device?: Device;
  /** Threads within an operation. */
  threads?: number;
  /** Bound on what the cache of compiled shapes may hold, in bytes. */
  cacheBytes?: number;
}
