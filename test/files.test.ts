/** Folders and paths. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../src/errors.js';
import { displayPath, makeFolders, writeFileWhole } from '../src/files.js';

const folder = mkdtempSync(join(tmpdir(), 'spantune-files-'));
after(() => rmSync(folder, { recursive: true }));

test('folders are made, and the first one made is told', () => {
  assert.equal(makeFolders(join(folder, 'a/b/c')), join(folder, 'a'));
  assert.equal(makeFolders(join(folder, 'a/b/c')), undefined);
  assert.equal(makeFolders(join(folder, 'a/b/d')), join(folder, 'a/b/d'));
  assert.deepEqual(readdirSync(join(folder, 'a/b')).sort(), ['c', 'd']);
});

test('a place where no folder can be is an error at once, which names what is in the way', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const refused = (path: string, message: RegExp) =>
    assert.throws(
      () => makeFolders(path),
      (error: unknown) => error instanceof UserError && error.place.file === path && message.test(error.message),
    );
  refused(join(file, 'a/b'), /^cannot be made: .*file is not a folder$/);
  // Node's recursive making loops there for ever.
  if (existsSync('/proc/self')) refused('/proc/spantune/a', /^cannot be written to: \/proc: /);
  assert.throws(() => writeFileWhole(join(file, 'a/b.json'), '{}'), UserError);
});

test('a folder that may not be written to is refused', { skip: process.getuid?.() === 0 && 'root may write' }, () => {
  const closed = join(folder, 'closed');
  makeFolders(closed);
  chmodSync(closed, 0o500);
  assert.throws(() => makeFolders(join(closed, 'a')), /permission denied/);
});

test('paths are shown from the current folder, but not from the root', () => {
  const here = process.cwd();
  assert.equal(displayPath(join(here, 'runs/a')), join('runs', 'a'));
  const { root } = parse(here);
  process.chdir(root);
  try {
    assert.equal(displayPath(join(root, 'runs/a')), join(root, 'runs/a'));
  } finally {
    process.chdir(here);
  }
});
