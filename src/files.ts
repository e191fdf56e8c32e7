/** Files: writes that are whole or absent, and reads whose failure names the file. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, parse, relative, resolve } from 'node:path';
import { SpantuneError, UserError } from './errors.js';

/** Writes to a temporary name beside the target and renames it, so that no reader ever sees half a file. */
export function writeWhole(path: string, write: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}.part`;
  try {
    makeFolders(dirname(path));
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

/**
 * Makes a folder and those above it, and returns the first one made. One at a time, from the nearest that is there: Node's own recursive
 * making never comes back where a file system such as /proc says that a folder's parent is missing although it is not. Throws a
 * `UserError` that names what stands in the way.
 */
export function makeFolders(folder: string): string | undefined {
  const missing: string[] = [];
  let at = resolve(folder);
  for (; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  const hint = 'name another place, or check its permissions';
  if (!existsSync(at) || !statSync(at).isDirectory()) {
    throw new UserError(`cannot be made: ${at} is not a folder`, { file: folder, hint });
  }
  try {
    if (missing.length > 0) accessSync(at, constants.W_OK | constants.X_OK);
    for (const path of missing) makeFolder(path);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'no folder can be made there' : reason(cause);
    throw new UserError(`cannot be written to: ${at}: ${why}`, { file: folder, hint, cause });
  }
  return missing[0];
}

/** Another process may make it first. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (cause) {
    const there = (cause as NodeJS.ErrnoException).code === 'EEXIST' && statSync(path).isDirectory();
    if (!there) throw cause;
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
  // From the root everything lies in there, and a path without its first stroke reads as another one.
  if (!isAbsolute(path) || resolve('.') === parse(path).root) return path;
  const short = relative('.', path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

export function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EEXIST') return 'it is a file';
  if (code === 'ENOTDIR') return 'a part of the path is a file, not a folder';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EROFS') return 'the file system is read only';
  if (code === 'ENOSPC') return 'the disk is full';
  return cause instanceof Error ? cause.message : String(cause);
}
