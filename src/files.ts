/** Files: writes that are whole or absent, and reads whose failure names the file. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, relative } from 'node:path';
import { SpantuneError, UserError } from './errors.js';

/** Writes to a temporary name beside the target and renames it, so that no reader ever sees half a file. */
export function writeWhole(path: string, write: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    write(temporary);
    renameSync(temporary, path);
  } catch (cause) {
    discard(temporary);
    if (cause instanceof SpantuneError) throw cause;
    throw new UserError(`cannot be written: ${reason(cause)}`, {
      file: path,
      hint: 'check that the folder exists, may be written to, and has room left',
      cause,
    });
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Such as a file where a folder should be: the failure that led here is the one to tell.
  }
}

/** Writes text or bytes as `writeWhole` does. */
export function writeFileWhole(path: string, content: string | Uint8Array): void {
  writeWhole(path, (temporary) => writeFileSync(temporary, content));
}

/** Reads a text file as UTF-8, less a byte-order mark. Throws a `UserError` that names it. */
export function readText(path: string, hint?: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  } catch (cause) {
    throw new UserError(`cannot be read: ${reason(cause)}`, { file: path, hint: hint ?? 'check the path', cause });
  }
}

/** Reads and parses a JSON file. Throws a `UserError` that names it. */
export function readJson(path: string, hint?: string): unknown {
  const text = readText(path, hint);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`is not valid JSON: ${reason(cause)}`, { file: path, hint: hint ?? 'restore the file', cause });
  }
}

/** A path as people read it: relative to the current folder where it lies in there. */
export function displayPath(path: string): string {
  if (!isAbsolute(path)) return path;
  const short = relative('.', path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

export function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'ENOSPC') return 'the disk is full';
  return cause instanceof Error ? cause.message : String(cause);
}
