/** Finding a place for a split's states: a cache that is there already, else memory, else disk, within a budget; else none. */
import { rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reason } from '../../files.js';
import { createFile, type FileWriter, openFile } from './file.js';
import { cacheFile, makeRoom, touch } from './folder.js';
import { type Layout, type MemoryStore, memoryStore, type PrefixStore } from './store.js';

/** What is left of the budget; all splits of a run share it. */
export interface Room {
  memoryBytes: number;
  diskBytes: number;
  /** Folder of caches that persist; null: a temporary file in `temporary`. */
  folder: string | null;
  temporary: string;
  /** Files of this run, which are not evicted. */
  inUse: Set<string>;
}

/** A store that is being filled. */
export interface Filling {
  /** Takes an example's vectors. Throws what the disk throws. */
  write(example: number, states: Float32Array): void;
  /** All examples are in. `warning`: why the cache, though usable, does not persist. */
  finish(): { store: PrefixStore; warning?: string };
  /** Frees the room without a result. */
  abandon(): void;
}

/** The persisted cache of this key, checked; or why there is none that can be used (`damage`: one is there, but not to be trusted). */
export function findStore(layout: Layout, key: string, room: Room): { store?: PrefixStore; damage?: string } {
  if (room.folder === null) return {};
  const path = cacheFile(room.folder, key);
  const memory = memoryFor(layout, room);
  const found = openFile(path, layout, key, memory);
  if (typeof found === 'object') {
    touch(path);
    room.inUse.add(path);
    room.diskBytes -= layout.bytes;
    return { store: found };
  }
  if (memory) giveBack(memory, layout, room);
  if (found !== undefined) rmSync(path, { force: true });
  return { damage: found };
}

/** Begins a cache; a text where there is no room, which says so. */
export function openFilling(layout: Layout, key: string, room: Room): Filling | string {
  const memory = memoryFor(layout, room);
  if (memory) {
    return {
      write: memory.write,
      finish: () => ({ store: memory, warning: persist(memory, layout, key, room) }),
      abandon: () => giveBack(memory, layout, room),
    };
  }
  if (layout.bytes > room.diskBytes) {
    return `the states take ${inWords(layout.bytes)}; the cache may take ${inWords(room.memoryBytes)} more in memory and ${inWords(room.diskBytes)} on disk`;
  }
  let file: FileWriter;
  try {
    file = begin(layout, key, room);
  } catch (cause) {
    return `the cache cannot be written: ${reason(cause)}`;
  }
  return {
    write: file.write,
    finish() {
      complete(file, layout, key, room);
      return { store: file };
    },
    abandon: file.close,
  };
}

function memoryFor(layout: Layout, room: Room): MemoryStore | undefined {
  if (layout.bytes > room.memoryBytes) return undefined;
  try {
    const store = memoryStore(layout);
    room.memoryBytes -= layout.bytes;
    return store;
  } catch {
    // Less memory can be had than the budget allows: the disk's turn.
    return undefined;
  }
}

function giveBack(store: MemoryStore, layout: Layout, room: Room): void {
  store.close();
  room.memoryBytes += layout.bytes;
}

/** A copy on disk of what is in memory, where caches persist; what hindered it. */
function persist(memory: MemoryStore, layout: Layout, key: string, room: Room): string | undefined {
  if (room.folder === null) return undefined;
  if (layout.bytes > room.diskBytes)
    return `the states take ${inWords(layout.bytes)}, more than cache.diskBytes allows`;
  let file: FileWriter | undefined;
  try {
    file = begin(layout, key, room);
    for (let example = 0; example + 1 < layout.offsets.length; example++) {
      file.writeBytes(example, memory.bytesOf(example));
    }
    complete(file, layout, key, room);
    return undefined;
  } catch (cause) {
    return reason(cause);
  } finally {
    file?.close();
  }
}

function begin(layout: Layout, key: string, room: Room): FileWriter {
  const { folder, temporary, diskBytes, inUse } = room;
  if (folder !== null) makeRoom(folder, layout.bytes, diskBytes, inUse);
  const path = folder === null ? join(temporary, `prefix-${key.slice(0, 8)}`) : cacheFile(folder, key);
  const { bavail, bsize } = statfsSync(dirname(path));
  if (layout.bytes > bavail * bsize) {
    throw new Error(`it takes ${inWords(layout.bytes)}, and ${dirname(path)} has ${inWords(bavail * bsize)} free`);
  }
  return createFile(path, layout, key, folder !== null);
}

function complete(file: FileWriter, layout: Layout, key: string, room: Room): void {
  file.finish();
  room.diskBytes -= layout.bytes;
  if (room.folder !== null) room.inUse.add(cacheFile(room.folder, key));
}

export function inWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
