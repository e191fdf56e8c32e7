import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadTokenizer, longestFirst, type Tokenizer } from '../../src/data/tokenizer.js';
import { CheckpointError, UserError } from '../../src/errors.js';

const fixtures = resolve('test/fixtures/data/tokenizers');
const shared = resolve(process.env.SPANTUNE_SHARED ?? '../shared');

interface Case {
  text: string;
  pair: string | null;
  maxLength: number;
  ids: number[];
  typeIds: number[];
  special: number[];
  truncated: boolean;
}
const cases: Record<string, Case[]> = JSON.parse(readFileSync(join(fixtures, 'cases.json'), 'utf8'));

function compare(tokenizer: Tokenizer, rows: Case[]): void {
  for (const row of rows) {
    const encoded = tokenizer.encode(row.text, row.pair ?? undefined, row.maxLength);
    const seen = {
      ids: [...encoded.ids],
      typeIds: [...encoded.typeIds],
      special: [...encoded.special],
      truncated: encoded.truncated,
    };
    const { ids, typeIds, special, truncated } = row;
    assert.deepEqual(seen, { ids, typeIds, special, truncated }, JSON.stringify([row.text, row.pair, row.maxLength]));
  }
}

for (const name of ['wordpiece', 'bytelevel', 'unigram', 'metaspace', 'bare', 'chained']) {
  test(`${name}: ids, types, special tokens and truncation equal the Rust library's`, () => {
    compare(loadTokenizer(join(fixtures, name)), cases[name]);
  });
}

test('folders without a tokenizer.json encode as those with one', () => {
  compare(loadTokenizer(join(fixtures, 'wordpiece-vocab')), cases.wordpiece);
  compare(loadTokenizer(join(fixtures, 'bytelevel-vocab')), cases.bytelevel);
});

test('an empty second text stays a pair', () => {
  const { ids } = loadTokenizer(join(fixtures, 'wordpiece')).encode('dog', '', 16);
  assert.deepEqual([...ids].slice(-2), [3, 3]);
});

test('truncation keeps the room full, the shorter text whole where it can, and never differs by more than one', () => {
  const length = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(length, length, fc.integer({ min: 1, max: 80 }), (first, second, room) => {
      const [a, b] = longestFirst(first, second, room);
      assert.ok(a <= first && b <= second);
      assert.equal(a + b, Math.min(first + second, room));
      if (a < first && b < second) assert.ok(Math.abs(a - b) <= 1);
      if (a < first) assert.ok(a >= b - 1);
      if (b < second) assert.ok(b >= a - 1);
    }),
  );
});

test('padding id, limits and hash come from the folder', () => {
  const wordPiece = loadTokenizer(join(fixtures, 'wordpiece'));
  assert.equal(wordPiece.padId, 0);
  assert.equal(wordPiece.modelMaxLength, 64);
  assert.equal(
    wordPiece.vocabularySize,
    readFileSync(join(fixtures, 'wordpiece-vocab/vocab.txt'), 'utf8').split('\n').length - 1,
  );
  const byteLevel = loadTokenizer(join(fixtures, 'bytelevel'));
  assert.equal(byteLevel.padId, 1);
  assert.equal(byteLevel.modelMaxLength, undefined);
  assert.match(byteLevel.hash, /^[0-9a-f]{64}$/);
  assert.equal(byteLevel.hash, loadTokenizer(join(fixtures, 'bytelevel')).hash);
  assert.notEqual(byteLevel.hash, loadTokenizer(join(fixtures, 'bare')).hash);
});

test('mistakes say what is missing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-tokenizer-'));
  try {
    assert.throws(
      () => loadTokenizer(folder),
      (error) => error instanceof CheckpointError && /vocab\.txt/.test(error.hint ?? ''),
    );
    writeFileSync(join(folder, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\nthe\n');
    assert.throws(
      () => loadTokenizer(folder),
      /vocab\.txt: holds no special token "\[SEP\]"|holds no special token "\[SEP\]"/,
    );
    writeFileSync(join(folder, 'tokenizer.json'), '{"model": {"type": "Rune", "merges": []}}');
    assert.throws(
      () => loadTokenizer(folder),
      (error) => error instanceof CheckpointError && /Rune/.test(error.message),
    );
    writeFileSync(join(folder, 'tokenizer.json'), '[]');
    assert.throws(() => loadTokenizer(folder), CheckpointError);
    const tokenizer = loadTokenizer(join(fixtures, 'wordpiece'));
    assert.throws(
      () => tokenizer.encode('a', 'b', 3),
      (error) => error instanceof UserError && /at least 4/.test(error.hint ?? ''),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const real = join(shared, 'tokenizers');
test('real tokenizer files: bert-base-uncased from its vocabulary, MiniLM, roberta-base', {
  skip: existsSync(real) ? false : 'no real tokenizers at hand',
}, () => {
  // Ids from the tables of the models' own repositories, as `transformers` gives them.
  const text = "Tokenization isn't naïve: it splits unbelievably long words!";
  const bert = loadTokenizer(join(real, 'bert-base-uncased')).encode(text, 'Yes.', 64);
  const miniLm = loadTokenizer(join(real, 'all-MiniLM-L6-v2')).encode(text, 'Yes.', 64);
  assert.deepEqual(bert, miniLm);
  assert.deepEqual([...bert.ids].slice(0, 4), [101, 19204, 3989, 3475]);
  const roberta = loadTokenizer(join(real, 'roberta-base'));
  assert.deepEqual([...roberta.encode('Hello world', '', 16).ids], [0, 31414, 232, 2, 2, 2]);
  assert.equal(roberta.padId, 1);
});
