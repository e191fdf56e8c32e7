/** Commands that are proposed work as they are printed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandName, quoted } from '../../src/cli/command.js';
import { root } from '../project/root.js';

test('the program is named as it was called', () => {
  assert.equal(commandName('/usr/local/bin/spantune'), 'spantune');
  assert.equal(commandName('/home/me/node_modules/.bin/spantune'), 'npx spantune');
  const script = commandName(join(root, 'bin/spantune'));
  assert.equal(script, process.cwd() === root ? 'node bin/spantune' : `node ${join(root, 'bin/spantune')}`);
});

test('a plain word stays as it is, an arm is put in quotes that every shell knows', () => {
  assert.equal(quoted('task.data=data/glue'), 'task.data=data/glue');
  assert.equal(quoted('arm={ bottom: 5, head: 6 }'), '"arm={ bottom: 5, head: 6 }"');
});

test('a shell reads any word back', { skip: process.platform === 'win32' ? 'there is no POSIX shell' : false }, () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word, { minLength: 20, maxLength: 20 }), (words) => {
      const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(quoted).join(' ')}`], { encoding: 'utf8' });
      assert.deepEqual(printed.split('\0').slice(0, -1), words);
    }),
    { numRuns: 20 },
  );
});
