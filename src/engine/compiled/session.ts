/** ONNX Runtime: sessions with our settings, and a cache of them that is bounded in bytes. */
import * as ort from 'onnxruntime-node';
import { EngineError } from '../../errors.js';
import type { Device, HostTensor } from '../types.js';
import type { Node, Value, ValueType } from './graph.js';
import { END } from './onnx.js';

// What goes wrong is thrown; the library would write it to stderr as well.
ort.env.logLevel = 'fatal';

const BYTES: Record<string, number> = { float32: 4, int32: 4, int64: 8, bool: 1 };

/** Data of constants that a model leaves out, by their names in it. ONNX Runtime copies it. */
export type Constants = { path: string; data: Float32Array }[];

export async function openSession(
  model: Uint8Array,
  options: {
    threads: number;
    device: Device;
    symbolic: boolean;
    name: string;
    constants?: Constants;
    /** Results that stay on a WebGPU device. */
    resident?: readonly string[];
  },
): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [options.device],
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      enableMemPattern: !options.symbolic,
      preferredOutputLocation:
        options.resident && Object.fromEntries(options.resident.map((name) => [name, 'gpu-buffer'])),
      externalData: options.constants?.map(({ path, data }) => ({ path, data: bytesOf(data) })),
      logSeverityLevel: 4,
      // Moments of rarely seen embedding rows become denormal, where arithmetic is many times slower.
      extra: {
        // Where a product's factor is transposed by itself, that is on purpose.
        optimization: { disable_specified_optimizers: 'GemmTransposeFusion;MatmulTransposeFusion' },
        session: {
          set_denormal_as_zero: '1',
          // What a device cannot do fails, instead of being copied to the processor and back.
          ...(options.device === 'cpu' ? {} : { disable_cpu_ep_fallback: '1' }),
        },
      },
    });
  } catch (cause) {
    throw new EngineError(
      `ONNX Runtime does not accept the recorded program "${options.name}": ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/**
 * Runs a model and has its results written into `fetches`. The binding then copies each result once more, into memory that is only given back when
 * garbage is collected (1.2 GB a step with 24 × 1024), and no option keeps it from that. A model with an `END` stops it: its first
 * result is a sequence, which the binding refuses to convert, at a moment when everything is computed and nothing copied yet.
 */
export async function runInto(
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
  fetches: Record<string, ort.Tensor>,
): Promise<void> {
  const ends = session.outputNames.includes(END);
  try {
    await session.run(feeds, (ends ? { [END]: null, ...fetches } : fetches) as ort.InferenceSession.FetchesType);
  } catch (cause) {
    if (!ends || !(cause instanceof Error && cause.message.startsWith(REFUSED))) throw cause;
  }
}

/** What the binding says of a result that is no tensor. */
const REFUSED = 'Non tensor type';

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** A tensor to be written into. */
export function emptyTensor(type: ValueType, shape: readonly number[]): ort.Tensor {
  const size = sizeOf(shape);
  if (type === 'float32') return new ort.Tensor('float32', new Float32Array(size), shape);
  if (type === 'int32') return new ort.Tensor('int32', new Int32Array(size), shape);
  if (type === 'bool') return new ort.Tensor('bool', new Uint8Array(size), shape);
  throw new EngineError(`a result cannot be ${type}`);
}

export function ortTensor({ data, shape }: HostTensor): ort.Tensor {
  return data instanceof Float32Array ? new ort.Tensor('float32', data, shape) : new ort.Tensor('int32', data, shape);
}

/**
 * Bytes that results hold at once when nodes run in order and each value goes after its last use: what a session's arena takes.
 * `sizeAt`: from a recorded dimension to its size, where sizes are symbolic.
 */
export function peakBytes(nodes: readonly Node[], sizeAt = (size: number) => size): number {
  const lastUse = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const operand of node.inputs) if (operand) lastUse.set(operand.name, i);
  });
  const bytesAt = ({ shape, type }: Value) => BYTES[type] * sizeOf(shape.map(sizeAt));
  let live = 0;
  let peak = 0;
  nodes.forEach((node, i) => {
    for (const output of node.outputs) if (lastUse.has(output.name)) live += bytesAt(output);
    peak = Math.max(peak, live);
    for (const operand of new Set(node.inputs)) {
      if (operand?.kind === 'result' && lastUse.get(operand.name) === i) live -= bytesAt(operand);
    }
  });
  return peak;
}

export interface Cached {
  session: ort.InferenceSession;
  /** Estimated bytes that the session holds; grows with the largest call, since an arena never shrinks. */
  bytes: number;
}

/** Least recently used goes first; what was asked for last always stays. */
export function createSessionCache<T extends Cached>(limit: number) {
  const entries = new Map<string, T>();
  let total = 0;
  return {
    /** `measure`: bytes that the call at hand takes. */
    async get(key: string, make: () => Promise<T>, measure: (entry: T) => number): Promise<T> {
      let entry = entries.get(key);
      if (entry) {
        entries.delete(key);
      } else {
        entry = await make();
        total += entry.bytes;
      }
      entries.set(key, entry);
      const bytes = Math.max(entry.bytes, measure(entry));
      total += bytes - entry.bytes;
      entry.bytes = bytes;
      for (const [oldest, { session, bytes }] of entries) {
        if (total <= limit || oldest === key) break;
        entries.delete(oldest);
        total -= bytes;
        await session.release();
      }
      return entry;
    },
    get bytes() {
      return total;
    },
    get size() {
      return entries.size;
    },
    async clear() {
      for (const { session } of entries.values()) await session.release();
      entries.clear();
      total = 0;
    },
  };
}
