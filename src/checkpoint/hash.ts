/** Identities by content: of a model folder, of files. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openWeights } from './weights.js';

const CHUNK = 1 << 22;

/** sha-256, in hexadecimal, of a model folder's config.json and every weight file, read in pieces. Throws as `openWeights` does. */
export function modelHash(folder: string): string {
  const weights = openWeights(folder);
  weights.close();
  return filesHash([join(folder, 'config.json'), ...weights.files]);
}

/** sha-256, in hexadecimal, of files one after the other, read in pieces. */
export function filesHash(files: readonly string[]): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK);
  for (const file of files) {
    const descriptor = openSync(file, 'r');
    try {
      for (let read = readSync(descriptor, chunk); read > 0; read = readSync(descriptor, chunk)) {
        hash.update(chunk.subarray(0, read));
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return hash.digest('hex');
}
