/** The rooms of docs/architecture.md: all that there are, and none imports from one above it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { root } from './root.js';

const src = join(root, 'src');
const rooms = [...readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(/^\| `src\/(\w+)`/gm)].map(
  ([, room]) => room,
);

test('every folder of src is a room, and every room a folder', () => {
  const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual([...rooms].sort(), folders.map(({ name }) => name).sort());
});

for (const [place, room] of rooms.entries()) {
  test(`${room} reaches down only`, () => {
    const files = readdirSync(join(src, room), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    assert.ok(files.length > 0);
    for (const file of files) {
      const path = join(src, room, file);
      for (const [, from] of readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
        const [other, rest] = relative(src, resolve(path, '..', from)).split('/');
        // Files of src itself are shared by all.
        if (rest === undefined) continue;
        assert.ok(rooms.indexOf(other) >= place, `src/${room}/${file} imports from ${other}, which stands above`);
      }
    }
  });
}
