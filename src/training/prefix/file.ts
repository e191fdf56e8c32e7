/**
 * A split's states in a file: a header, then each example's vectors, read by position. Little-endian:
 *
 *   0 magic (8)   8 version   12 bytes of the header   16 key (32)   48 examples   52 width   56 bytes a number
 *   60 CRC-32 of the header, this field being 0   64 CRC-32 of each example's vectors   … the vectors, from a multiple of 64 on
 *
 * The header is written last and the file then renamed, so that it is whole or absent. What is read is checked, always.
 */
import { closeSync, openSync, readSync, renameSync, rmSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { bytesPerNumber, decode, encode, type Layout, type MemoryStore, type PrefixStore, placeOf } from './store.js';

const MAGIC = Buffer.from('SPTNPRFX');
const VERSION = 1;
const FIXED = 64;
const CHECKSUM = 60;
/** What a system call moves at most. */
const MOST = 2 ** 30;

export interface FileWriter extends PrefixStore {
  /** Takes an example's vectors in their stored form. */
  writeBytes(example: number, bytes: Uint8Array): void;
  /** Completes the file; where it has a name, it stands there from now on. The store goes on being read. */
  finish(): void;
}

/**
 * Begins a file. With `keep` it gets the name `path` at its end; without, its name is removed at once, so that the system frees
 * the room however the process ends. Throws what the disk throws.
 */
export function createFile(path: string, layout: Layout, key: string, keep: boolean): FileWriter {
  const part = `${path}.${process.pid}.part`;
  const file = openSync(part, 'wx+', 0o600);
  if (!keep) unlinkSync(part);
  const header = Buffer.alloc(headerBytes(layout));
  let named = keep;
  const writeBytes = (example: number, bytes: Uint8Array) => {
    move(writeSync, file, bytes, header.length + placeOf(layout, example).at);
    header.writeUInt32LE(crc32(bytes), FIXED + 4 * example);
  };
  return {
    place: 'disk',
    writeBytes,
    write(example, states) {
      const bytes = new Uint8Array(placeOf(layout, example).bytes);
      encode(states, bytes, layout.precision);
      writeBytes(example, bytes);
    },
    read: reader(file, layout, header),
    finish() {
      if (!named) return;
      describe(header, layout, key);
      move(writeSync, file, header, 0);
      renameSync(part, path);
      named = false;
    },
    close() {
      closeSync(file);
      if (named) rmSync(part, { force: true });
    },
  };
}

/**
 * Opens a file and checks all of it. Undefined where there is none; a text where it cannot be trusted, which says why. Given
 * `into`, the vectors are read into that store, and the file is not kept open.
 */
export function openFile(
  path: string,
  layout: Layout,
  key: string,
  into?: MemoryStore,
): PrefixStore | string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : (cause as Error).message;
  }
  let kept = false;
  try {
    const header = Buffer.alloc(headerBytes(layout));
    const { size } = statSync(path);
    if (size !== header.length + layout.bytes) return `it has ${size} bytes, not ${header.length + layout.bytes}`;
    move(readSync, file, header, 0);
    const expected = Buffer.from(header);
    describe(expected, layout, key);
    if (!header.equals(expected)) return 'its header is damaged, or of another cache';
    const examples = layout.offsets.length - 1;
    for (let example = 0; example < examples; example++) {
      const bytes = into?.bytesOf(example) ?? new Uint8Array(placeOf(layout, example).bytes);
      move(readSync, file, bytes, header.length + placeOf(layout, example).at);
      if (crc32(bytes) !== header.readUInt32LE(FIXED + 4 * example)) return `example ${example} is damaged`;
    }
    if (into) return into;
    kept = true;
    return { place: 'disk', read: reader(file, layout, header), write: refuse, close: () => closeSync(file) };
  } catch (cause) {
    return (cause as Error).message;
  } finally {
    if (!kept) closeSync(file);
  }
}

function headerBytes({ offsets }: Layout): number {
  return Math.ceil((FIXED + 4 * (offsets.length - 1)) / 64) * 64;
}

/** Fills in all but the examples' checksums. */
function describe(header: Buffer, layout: Layout, key: string): void {
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(header.length, 12);
  header.write(key, 16, 32, 'hex');
  header.writeUInt32LE(layout.offsets.length - 1, 48);
  header.writeUInt32LE(layout.width, 52);
  header.writeUInt32LE(bytesPerNumber(layout.precision), 56);
  header.writeUInt32LE(0, CHECKSUM);
  header.writeUInt32LE(crc32(header), CHECKSUM);
}

function reader(file: number, layout: Layout, header: Buffer): PrefixStore['read'] {
  return (example, out) => {
    const { at, bytes } = placeOf(layout, example);
    const stored = new Uint8Array(bytes);
    try {
      move(readSync, file, stored, header.length + at);
    } catch {
      return false;
    }
    if (crc32(stored) !== header.readUInt32LE(FIXED + 4 * example)) return false;
    decode(stored, out, layout.precision);
    return true;
  };
}

/** `readSync` or `writeSync`: bytes from a place in the array to or from a position in the file → bytes moved. */
type Step = (file: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;

function move(step: Step, file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const moved = step(file, bytes, done, Math.min(bytes.length - done, MOST), position + done);
    if (moved === 0) throw new Error('the file ends early');
    done += moved;
  }
}

function refuse(): never {
  throw new Error('a cache that is complete is not written to');
}
