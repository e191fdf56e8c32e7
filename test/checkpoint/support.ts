/** What the checkpoint tests share. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CheckpointError } from '../../src/errors.js';

export const MODELS = fileURLToPath(new URL('../fixtures/model', import.meta.url));
export const NUMBERS = fileURLToPath(new URL('../fixtures/checkpoint/numbers.safetensors', import.meta.url));

/** A folder that goes when the file's tests are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-checkpoint-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of a tiny model that a test may damage. */
export function copyOf(model: string): string {
  const folder = temporaryFolder();
  cpSync(join(MODELS, model), folder, { recursive: true });
  return folder;
}

/** Writes a safetensors file by hand: any header, any data. */
export function writeRaw(file: string, header: unknown, data = new Uint8Array(0)): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(file, Buffer.concat([size, json, data]));
}

/** Asserts that a call throws a `CheckpointError` whose description and hint match. */
export function refuses(call: () => unknown, description: RegExp, hint = /./): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof CheckpointError, String(error));
    assert.match(error.describe(), description);
    assert.match(error.hint ?? '', hint);
    assert.equal(error.exitCode, 2);
    return true;
  });
}
