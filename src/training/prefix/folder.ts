/** A folder of caches that outlive their run, within a budget in bytes: the longest unused go first. */
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errors.js';
import { makeFolders, reason } from '../../files.js';

const EXTENSION = '.prefix';

export function cacheFile(folder: string, key: string): string {
  return join(folder, `${key.slice(0, 32)}${EXTENSION}`);
}

/** Makes the folder. Throws a `UserError` where that cannot be. */
export function prepareFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (cause) {
    throw new UserError(cause instanceof UserError ? cause.message : `cannot be made: ${reason(cause)}`, {
      file: folder,
      hint: 'name another folder as cache.folder, or null for a temporary cache',
      cause,
    });
  }
}

/** Says that a cache was used. */
export function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // A folder that is read only: its caches serve all the same.
  }
}

/** Makes room for `bytes` more among caches of `limit` bytes in all, and takes away what killed runs left half written. */
export function makeRoom(folder: string, bytes: number, limit: number, inUse: ReadonlySet<string>): void {
  const files = readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const part = new RegExp(`\\${EXTENSION}\\.(\\d+)\\.part$`).exec(name);
    if (part && !isAlive(Number(part[1]))) rmSync(path, { force: true });
    const stats = name.endsWith(EXTENSION) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    return stats && !inUse.has(path) ? [{ path, size: stats.size, used: stats.mtimeMs }] : [];
  });
  let total = files.reduce((sum, { size }) => sum + size, bytes);
  for (const { path, size } of files.sort((a, b) => a.used - b.used)) {
    if (total <= limit) return;
    rmSync(path, { force: true });
    total -= size;
  }
}

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
