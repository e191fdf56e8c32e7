import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { cleanSplit, textGroups } from '../../src/data/clean-split.js';
import { openTask } from '../../src/data/tasks.js';
import { UserError } from '../../src/errors.js';
import { stream } from '../../src/random.js';

type Row = { text: string; pair?: string };

const words = (text: string) => (text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).join(' ');
const textsOf = ({ text, pair }: Row) => [words(text), words(pair ?? '')].filter((part) => part !== '');
const contains = (outer: string, inner: string) => ` ${outer} `.includes(` ${inner} `);

/** Whether a text of one row is, or stands in, a text of the other: the definition, word for word. */
function related(a: Row, b: Row): boolean {
  return textsOf(a).some((x) => textsOf(b).some((y) => contains(x, y) || contains(y, x)));
}

/** Asserts that the split is clean and complete. */
function check(rows: Row[], { rest, held, dropped }: ReturnType<typeof cleanSplit>): void {
  assert.deepEqual(
    [...rest, ...held, ...dropped].sort((a, b) => a - b),
    rows.map((_, i) => i),
  );
  for (const h of held) {
    for (const r of rest) assert.ok(!related(rows[h], rows[r]), `${JSON.stringify([rows[h], rows[r]])}`);
  }
}

test('rows that share a text, or whose texts contain one another, stay on one side', () => {
  const word = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split('').map((letter) => letter + letter));
  const text = fc.array(word, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(' '));
  const row: fc.Arbitrary<Row> = fc.oneof(
    text.map((t) => ({ text: t })),
    fc.tuple(text, text).map(([t, p]) => ({ text: t, pair: p })),
  );
  let clean = 0;
  fc.assert(
    fc.property(fc.array(row, { minLength: 12, maxLength: 60 }), fc.nat(9), (rows, seed) => {
      let split: ReturnType<typeof cleanSplit>;
      try {
        split = cleanSplit(rows, { share: 0.2, seed });
      } catch (error) {
        assert.ok(error instanceof UserError);
        return;
      }
      clean++;
      check(rows, split);
      assert.ok(split.held.length > 0 && split.rest.length > 0, 'both sides have rows');
      assert.deepEqual(split, cleanSplit(rows, { share: 0.2, seed }));
    }),
    { numRuns: 120 },
  );
  assert.ok(clean > 60, `only ${clean} of 120 could be split`);
});

test('case and punctuation do not hide a shared text, nor does order within a pair', () => {
  const filler = Array.from({ length: 30 }, (_, i) => ({ text: `alone number${i} here`, pair: `other${i} text` }));
  const rows: Row[] = [
    { text: 'The cat sat.', pair: 'A dog, too' },
    { text: 'a dog too!', pair: 'nothing else' },
    { text: 'x', pair: 'Nobody saw that the cat sat "there".' },
    ...filler,
  ];
  for (let seed = 0; seed < 20; seed++) {
    const { held, rest, dropped, minimumWords } = cleanSplit(rows, { share: 0.2, seed });
    assert.equal(minimumWords, 1);
    assert.deepEqual(dropped, []);
    assert.ok([held, rest].some((side) => [0, 1, 2].every((i) => side.includes(i))));
    assert.ok(Math.abs(held.length - 0.2 * rows.length) <= 1);
  }
});

test('single words that are rows of their own do not tie everything together', () => {
  const chance = stream(1, 'rows');
  const word = () => `w${chance.integer(40)}`;
  const sentences = Array.from({ length: 200 }, (_, i) => ({ text: `${word()} ${word()} s${i} ${word()}` }));
  const rows: Row[] = [...sentences, ...Array.from({ length: 40 }, (_, i) => ({ text: `w${i}` }))];
  const split = cleanSplit(rows, { share: 0.1, seed: 1 });
  check(rows, split);
  assert.equal(split.minimumWords, 2);
  assert.ok(split.held.length >= 20);
  assert.ok(split.dropped.length > 0 && split.dropped.every((i) => i >= 200));
});

test('rows that are all one text cannot be split', () => {
  const rows = Array.from({ length: 20 }, () => ({ text: 'the same text in every row of it all' }));
  assert.throws(
    () => cleanSplit(rows, { share: 0.1, seed: 1 }),
    (error) => error instanceof UserError && !!error.hint,
  );
});

const sst2 = join(resolve(process.env.SPANTUNE_SHARED ?? '../shared'), 'data/glue/SST-2/train.tsv');
test('all of SST-2’s training split is cut cleanly, in seconds', {
  skip: existsSync(sst2) ? false : 'SST-2 is not at hand',
}, () => {
  const rows = openTask({ name: 'sst2', train: sst2 }).split('train').examples;
  const started = performance.now();
  const { rest, held, dropped } = cleanSplit(rows, { share: 0.1, seed: 1 });
  assert.ok(performance.now() - started < 60000);
  assert.equal(rest.length + held.length + dropped.length, 67349);
  assert.ok(held.length > 0.09 * rows.length && held.length < 0.12 * rows.length);
  assert.ok(dropped.length < 0.03 * rows.length);
  // One long string to look into; the bars keep rows apart.
  const all = rest.map((i) => ` ${words(rows[i].text)} `).join('|');
  for (const i of held.slice(0, 1500)) {
    const inner = words(rows[i].text);
    if (inner !== '') assert.ok(!all.includes(` ${inner} `), inner);
  }
});

test('rows of different groups share no text, and groups stay small enough for folds', () => {
  const texts = [
    'the old dog',
    'A dog',
    'the old dog barks',
    'cats',
    'cats sleep',
    'cats sleep at night',
    'rain',
    'Rain!',
  ];
  const of = (most: number, words = texts) => [
    ...textGroups(
      words.map((text) => ({ text })),
      most,
    ),
  ];
  assert.deepEqual(of(3), [0, 1, 0, 2, 2, 2, 3, 3]);
  // Texts of one word no longer tie rows together.
  assert.deepEqual(of(2), [0, 1, 0, 2, 3, 3, 4, 4]);
  // Where even that is too much, equal rows alone are one group.
  assert.deepEqual(of(1, ['a', 'b', 'A']), [0, 1, 0]);
  const pairs = [
    { text: 'one', pair: 'two' },
    { text: 'three', pair: 'two' },
    { text: 'four', pair: 'five' },
  ];
  assert.deepEqual([...textGroups(pairs, 2)], [0, 0, 1]);
  assert.deepEqual([...textGroups(pairs, 1)], [0, 1, 2]);
});
