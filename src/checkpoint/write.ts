/** Writing safetensors files: whole or absent, one tensor after the other. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { CheckpointError } from '../errors.js';
import { writeWhole } from '../files.js';
import { sizeOf } from '../model/shapes.js';
import type { HostTensor } from '../model/types.js';
import { toFloat16 } from './half.js';

export interface WriteOptions {
  /** Type of floating-point tensors in the file; F32 unless told. Integer tensors are written as I32. */
  dtype?: 'F32' | 'F16';
  /** Free text by key, kept in the header. */
  metadata?: Record<string, string>;
}

/** Elements that are converted or written at once. */
const CHUNK = 1 << 20;

/**
 * Writes tensors in the given order, under the given names. Throws a `UserError` where the file cannot be written, a
 * `CheckpointError` for two tensors of one name, for a shape that does not match its data, and for values beyond float16's
 * range when `dtype` is F16.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, HostTensor]>,
  options: WriteOptions = {},
): void {
  const { dtype = 'F32', metadata } = options;
  const entries = [...tensors];
  const header: Record<string, unknown> = {};
  if (metadata) header.__metadata__ = metadata;
  let offset = 0;
  for (const [name, tensor] of entries) {
    if (Object.hasOwn(header, name)) throw new CheckpointError(`two tensors are named "${name}"`, { file: path });
    if (sizeOf(tensor.shape) !== tensor.data.length) {
      const shape = `[${tensor.shape.join(', ')}]`;
      throw new CheckpointError(`tensor "${name}" of shape ${shape} holds ${tensor.data.length} elements`, {
        file: path,
      });
    }
    const type = tensor.data instanceof Int32Array ? 'I32' : dtype;
    const end = offset + tensor.data.length * (type === 'F16' ? 2 : 4);
    header[name] = { dtype: type, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  // The data starts at a multiple of 8 bytes; the format allows spaces after the header for that.
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);

  writeWhole(path, (temporary) => {
    const descriptor = openSync(temporary, 'w');
    try {
      writeFully(descriptor, padded);
      for (const [name, { data }] of entries) {
        for (let at = 0; at < data.length; at += CHUNK) {
          const part = data.subarray(at, at + CHUNK);
          const whole = part instanceof Int32Array || dtype === 'F32' ? part : narrow(part, name, path);
          writeFully(descriptor, new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength));
        }
      }
    } finally {
      closeSync(descriptor);
    }
  });
}

function narrow(values: Float32Array, name: string, file: string): Uint16Array {
  const bits = new Uint16Array(values.length);
  toFloat16(values, bits);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i] & 0x7fff) === 0x7c00 && Number.isFinite(values[i])) {
      throw new CheckpointError(`tensor "${name}" holds ${values[i]}, beyond the range of float16`, {
        file,
        hint: 'save the model in float32',
      });
    }
  }
  return bits;
}

function writeFully(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.byteLength) done += writeSync(descriptor, bytes, done, bytes.byteLength - done);
}
