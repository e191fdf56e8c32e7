/** Locks as files; test/glue has what becomes of killed holders. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../src/errors.js';
import { claimFolder, isLock, takeLock } from '../src/lock.js';

const folder = mkdtempSync(join(tmpdir(), 'spantune-lock-'));
after(() => rmSync(folder, { recursive: true }));

test('a lock is held once, says by whom, and leaves nothing behind', () => {
  const file = join(folder, 'a.lock');
  const lock = takeLock(file);
  assert.ok(isLock(lock));
  const again = takeLock(file);
  assert.ok(!isLock(again) && again.pid === process.pid);
  assert.throws(() => claimFolder(file, 'another run', 'wait'), new RegExp(`another run is .* process ${process.pid}`));
  lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test('a lock that is there and cannot be read is told, not waited for', () => {
  const file = join(folder, 'b.lock');
  mkdirSync(file);
  assert.throws(
    () => takeLock(file),
    (error) => error instanceof UserError && /b\.lock/.test(error.describe()) && /it is a folder/.test(error.message),
  );
});
