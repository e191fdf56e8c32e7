/**
 * Reading safetensors files (format: https://huggingface.co/docs/safetensors): 8 bytes with the header's size, a JSON header, the
 * data. Each tensor is read on demand into a buffer of its own, so that files of any size work.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CheckpointError } from '../errors.js';
import { sizeOf } from '../model/shapes.js';
import type { HostTensor } from '../model/types.js';
import { fromBfloat16, fromFloat16 } from './half.js';

export interface TensorInfo {
  /** As in the file: F32, F16, BF16, F64, I64, … */
  dtype: string;
  shape: number[];
  /** Byte offsets into the file: [begin, end). */
  begin: number;
  end: number;
}

export interface Safetensors {
  readonly file: string;
  readonly metadata: Readonly<Record<string, string>>;
  names(): string[];
  /** Throws a `CheckpointError` for a name that is not there; so does `read`. */
  info(name: string): TensorInfo;
  has(name: string): boolean;
  /** A floating-point tensor as float32, into a fresh buffer or a caller's view of the right size. */
  read(name: string, target?: Float32Array): HostTensor<Float32Array>;
  close(): void;
}

const BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
};
const MAX_HEADER = 100_000_000;
/** Bytes that are converted at once; also keeps single reads well below what the system allows (2 GiB). */
const CHUNK = 1 << 22;
const RESTORE = 'the file is damaged or was not copied whole: download it again';

/**
 * Opens a file and reads its header; the header is checked against the file's size. Throws a `CheckpointError` that names the
 * file, and the tensor where there is one; `restore` is its hint where the file is damaged.
 */
export function openSafetensors(file: string, { restore = RESTORE }: { restore?: string } = {}): Safetensors {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CheckpointError(absent ? 'there is no such file' : `cannot be read: ${(cause as Error).message}`, {
      file,
      hint: absent ? 'check the path of the model folder' : 'check the permissions of the file',
      cause,
    });
  }
  try {
    if (!fstatSync(descriptor).isFile()) throw new CheckpointError('is a folder, not a file', { file, hint: restore });
    const { tensors, metadata } = readHeader(descriptor, file, restore);
    const info = (name: string): TensorInfo => {
      const found = tensors.get(name);
      if (!found) throw new CheckpointError(`holds no tensor "${name}"`, { file, hint: restore });
      return found;
    };
    return {
      file,
      metadata,
      names: () => [...tensors.keys()],
      info,
      has: (name) => tensors.has(name),
      read: (name, target) => readTensor(descriptor, file, name, info(name), target),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function readHeader(
  descriptor: number,
  file: string,
  hint: string,
): { tensors: Map<string, TensorInfo>; metadata: Record<string, string> } {
  const fail = (message: string, cause?: unknown) => new CheckpointError(message, { file, hint, cause });
  const size = fstatSync(descriptor).size;
  if (size < 8) throw fail(`is not a safetensors file: it has ${size} bytes`);
  const prefix = new Uint8Array(8);
  readFully(descriptor, prefix, 0, file, 'the header');
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER) throw fail('is not a safetensors file: its first 8 bytes are no header size');
  if (8 + length > size) throw fail(`is truncated: the header takes ${length} bytes, the file has ${size}`);
  const bytes = new Uint8Array(length);
  readFully(descriptor, bytes, 8, file, 'the header');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw fail('is not a safetensors file: its header is not valid JSON', cause);
  }
  if (!isRecord(header)) throw fail('is not a safetensors file: its header is not an object');

  const tensors = new Map<string, TensorInfo>();
  const metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (isRecord(entry)) for (const [key, value] of Object.entries(entry)) metadata[key] = String(value);
      continue;
    }
    const info = parseEntry(entry, 8 + length);
    if (typeof info === 'string') throw fail(`tensor "${name}": ${info}`);
    if (info.end > size) {
      throw fail(`tensor "${name}" ends at byte ${info.end}, but the file has ${size}: it is truncated`);
    }
    tensors.set(name, info);
  }
  const ordered = [...tensors].sort((a, b) => a[1].begin - b[1].begin || a[1].end - b[1].end);
  for (let i = 1; i < ordered.length; i++) {
    if (ordered[i][1].begin < ordered[i - 1][1].end) {
      throw fail(`tensors "${ordered[i - 1][0]}" and "${ordered[i][0]}" overlap`);
    }
  }
  return { tensors, metadata };
}

/** An entry of the header, or what is wrong with it. */
function parseEntry(entry: unknown, dataStart: number): TensorInfo | string {
  if (!isRecord(entry)) return 'its entry is not an object';
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') return 'its dtype is missing';
  if (!isSizes(shape)) return 'its shape is not a list of sizes';
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    return 'its data_offsets are not [begin, end]';
  const width = BYTES[dtype];
  const bytes = offsets[1] - offsets[0];
  if (width !== undefined && bytes !== sizeOf(shape) * width) {
    return `${dtype} of shape [${shape.join(', ')}] takes ${sizeOf(shape) * width} bytes, its data_offsets span ${bytes}`;
  }
  return { dtype, shape, begin: dataStart + offsets[0], end: dataStart + offsets[1] };
}

function readTensor(
  descriptor: number,
  file: string,
  name: string,
  info: TensorInfo,
  target?: Float32Array,
): HostTensor<Float32Array> {
  const size = sizeOf(info.shape);
  const data = target ?? new Float32Array(size);
  if (data.length !== size) {
    throw new CheckpointError(`tensor "${name}" has ${size} elements, ${data.length} were expected`, { file });
  }
  const what = `tensor "${name}"`;
  if (info.dtype === 'F32') {
    readFully(descriptor, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), info.begin, file, what);
    return { shape: [...info.shape], data };
  }
  const convert = CONVERT[info.dtype];
  if (!convert) {
    throw new CheckpointError(`tensor "${name}" has the type ${info.dtype}, expected F32, F16, BF16 or F64`, {
      file,
      hint: 'save the model without quantisation, for example in float16',
    });
  }
  const width = BYTES[info.dtype];
  const step = CHUNK / width;
  const scratch = new Uint8Array(Math.min(size * width, CHUNK));
  for (let at = 0; at < size; at += step) {
    const count = Math.min(step, size - at);
    readFully(descriptor, scratch.subarray(0, count * width), info.begin + at * width, file, what);
    convert(scratch.buffer, data.subarray(at, at + count));
  }
  return { shape: [...info.shape], data };
}

const CONVERT: Readonly<Record<string, (source: ArrayBuffer, target: Float32Array) => void>> = {
  F16: (source, target) => fromFloat16(new Uint16Array(source, 0, target.length), target),
  BF16: (source, target) => fromBfloat16(new Uint16Array(source, 0, target.length), target),
  F64: (source, target) => target.set(new Float64Array(source, 0, target.length)),
};

/** Fills `bytes` from a position in the file, however short single reads are. */
function readFully(descriptor: number, bytes: Uint8Array, position: number, file: string, what: string): void {
  let done = 0;
  while (done < bytes.byteLength) {
    const wanted = Math.min(bytes.byteLength - done, 1 << 30);
    const read = readSync(descriptor, bytes, done, wanted, position + done);
    if (read === 0) throw new CheckpointError(`is truncated: it ends within ${what}`, { file, hint: RESTORE });
    done += read;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
