/** Errors that cross a thread's border. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureLines } from '../../src/cli/failure.js';
import { fromWire, toWire } from '../../src/cli/wire.js';
import { DataError, EngineError, Interrupted, SpantuneError, UserError } from '../../src/errors.js';
import { plain } from '../../src/report/style.js';

const cross = (error: unknown) => fromWire(structuredClone(toWire(error)));

test('an error of ours keeps class, message, place, hint, exit code and causes', () => {
  const cause = new TypeError('inner', { cause: new RangeError('innermost') });
  const error = new DataError('label "7" is not one of 0, 1', {
    file: 'train.tsv',
    line: 2,
    hint: 'use 0 or 1',
    cause,
  });
  const copy = cross(error);
  assert.ok(copy instanceof DataError);
  assert.equal(copy.name, 'DataError');
  assert.equal(copy.describe(), 'train.tsv:2: label "7" is not one of 0, 1');
  assert.equal(copy.hint, 'use 0 or 1');
  assert.equal(copy.exitCode, 2);
  assert.equal(copy.stack, error.stack);
  assert.ok(copy.cause instanceof Error && copy.cause.name === 'TypeError');
  assert.ok(copy.cause.cause instanceof Error && copy.cause.cause.message === 'innermost');
});

test('interruptions, engine errors, subclasses and strangers', () => {
  const interrupted = cross(new Interrupted('again'));
  assert.ok(interrupted instanceof Interrupted && interrupted.exitCode === 130 && interrupted.hint === 'again');
  assert.equal((cross(new EngineError('x')) as SpantuneError).exitCode, 1);
  class Special extends UserError {
    override name = 'Special';
  }
  assert.equal(
    (cross(new Special('x')) as SpantuneError).exitCode,
    2,
    'a subclass that the border does not know keeps its exit code',
  );
  const foreign = cross(new TypeError('boom'));
  assert.ok(!(foreign instanceof SpantuneError) && foreign.name === 'TypeError' && foreign.message === 'boom');
  assert.equal(cross('text').message, 'text');
});

test('what a file holds does not reach the terminal as control characters, nor at full length', () => {
  const label = `\u001b[2J\u0007\u202e${'x'.repeat(500)}`;
  const [error, hint, cause] = failureLines(
    new DataError(`label "${label}"\ta`, { file: 'a\u0000.tsv', hint: `not "\u009b\u0000"`, cause: new Error(label) }),
    true,
    plain,
  );
  assert.equal(error, `error  a\\x00.tsv: label "\\x1b[2J\\x07\\u202e${'x'.repeat(43)}…"\\ta`);
  assert.equal(hint, 'hint   not "\\x9b\\x00"');
  assert.match(cause, /^cause {2}Error: \\x1b\[2J/);
  const [long] = failureLines(new UserError('y'.repeat(5000)), false, plain);
  assert.ok(long.length < 1100 && long.endsWith('…'));
  const fault = new TypeError('\u001b[31m');
  assert.ok(failureLines(fault, true, plain).every((line) => !line.includes('\u001b')));
});

test('a failure is one error line and one hint line; causes and our stack only when asked', () => {
  const mistake = new UserError('two\nlines', { file: 'a.yaml', line: 3, hint: 'mend it', cause: new Error('why') });
  assert.deepEqual(failureLines(mistake, false, plain), ['error  a.yaml:3: two lines', 'hint   mend it']);
  assert.deepEqual(failureLines(mistake, true, plain), [
    'error  a.yaml:3: two lines',
    'hint   mend it',
    'cause  Error: why',
  ]);
  const fault = new TypeError('x is not a function');
  const [first, second, ...rest] = failureLines(fault, false, plain);
  assert.equal(first, 'error  internal: x is not a function');
  assert.match(second, /^hint {3}this is a fault of spantune/);
  assert.deepEqual(rest, []);
  assert.ok(failureLines(fault, true, plain).at(-1)?.includes('wire.test'));
});
