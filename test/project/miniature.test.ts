/** The miniature tasks are what they claim: sizes, balance, no leak between train and dev, the same on every machine. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readCorpus } from '../../scripts/miniature/corpus.js';
import { drawer } from '../../scripts/miniature/draw.js';
import { ensureMiniature } from '../../scripts/miniature/ensure.js';
import { generate } from '../../scripts/miniature/generate.js';
import { contentKey, isProse, sentencesOf } from '../../scripts/miniature/sentences.js';
import { splitDocuments } from '../../scripts/miniature/split.js';
import { miniatureTasks } from '../../scripts/miniature/tasks.js';
import { stream } from '../../src/random.js';

const documents = readCorpus();
const byId = new Map(documents.map((document) => [document.id, document]));
/** Sentences of a document by their words in alphabetical order, so that scrambled ones are found too. */
const originals = new Map<string, Map<string, string>>();
const letters = (text: string) => contentKey(text).split(' ').sort().join(' ');

function originalsOf(id: string): Map<string, string> {
  const known =
    originals.get(id) ?? new Map(sentencesOf(byId.get(id)?.text ?? '').map((text) => [letters(text), text]));
  originals.set(id, known);
  return known;
}

const folder = mkdtempSync(join(tmpdir(), 'spantune-miniature-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('the corpus holds 233 addresses and 135 chapters', () => {
  assert.equal(documents.filter(({ source }) => source === 'address').length, 233);
  assert.equal(documents.filter(({ source }) => source === 'novel').length, 135);
  assert.equal(byId.size, documents.length);
});

test('each document is in exactly one part', () => {
  const { train, dev } = splitDocuments(documents, 1);
  assert.deepEqual([...train, ...dev].map(({ id }) => id).sort(), [...byId.keys()].sort());
  assert.ok(Math.abs(dev.length / documents.length - 0.25) < 0.03, String(dev.length));
});

for (const task of miniatureTasks) {
  describe(task.name, () => {
    const { train, dev } = generate(task, documents);

    test('has 1 600 rows for training and 500 for evaluation, with classes of equal size', () => {
      assert.deepEqual([train.length, dev.length], [1600, 500]);
      for (const rows of [train, dev]) {
        const counts = task.labels.map((label) => rows.filter((row) => row.label === label).length);
        assert.equal(
          counts.reduce((sum, count) => sum + count),
          rows.length,
        );
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts));
      }
    });

    test('repeats no text', () => {
      const keys = [...train, ...dev].flatMap(({ texts }) => texts.map(contentKey));
      assert.equal(new Set(keys).size, keys.length);
    });

    test('shares no document between train and dev', () => {
      const seen = new Set(train.flatMap((row) => row.documents));
      assert.deepEqual(
        dev.flatMap((row) => row.documents).filter((id) => seen.has(id)),
        [],
      );
    });

    test('draws on many documents', () => {
      assert.ok(new Set(train.flatMap((row) => row.documents)).size >= 80);
    });

    test('has texts that stand in the documents they are said to come from', () => {
      for (const { texts, documents: ids } of dev) {
        assert.equal(texts.length, task.columns.length);
        texts.forEach((text, i) => {
          assert.ok(originalsOf(ids[i]).has(letters(text)), text);
        });
      }
    });
  });
}

test('word-order: three pairs of neighbours are swapped, or none', () => {
  const task = miniatureTasks.find(({ name }) => name === 'word-order');
  assert.ok(task);
  for (const { texts, label, documents: ids } of generate(task, documents).dev) {
    const words = texts[0].split(' ');
    const original = originalsOf(ids[0]).get(letters(texts[0])) ?? '';
    const before = original
      .toLowerCase()
      .replace(/[.!?]+$/, '')
      .split(' ');
    const moved = words.filter((word, i) => word !== before[i]).length;
    assert.equal(moved, label === 'scrambled' ? 6 : 0, texts[0]);
  }
});

test('older: one sentence of before 1900 and one of after 1960, in the order that the label says', () => {
  const task = miniatureTasks.find(({ name }) => name === 'older');
  assert.ok(task);
  for (const { label, documents: ids } of generate(task, documents).dev) {
    const years = ids.map((id) => byId.get(id)?.year ?? Number.NaN);
    if (label === 'second') years.reverse();
    assert.ok(years[0] < 1900 && years[1] > 1960, `${years} ${label}`);
  }
});

/** Beginnings of the files' SHA-256: the same on every machine. */
const digests = {
  'word-order/train.tsv': '5de154e4ca88fb00',
  'word-order/dev.tsv': 'e180b7e4c727b90c',
  'source/train.tsv': 'cdfc0580a34dab4d',
  'source/dev.tsv': '7ca312cf2ffdea27',
  'period/train.tsv': 'eaeeaad69ff39d1c',
  'period/dev.tsv': '363165a677f42a4a',
  'older/train.tsv': '35b5ceec8873e2ee',
  'older/dev.tsv': 'a40e7e254cf952f0',
};

test('ensureMiniature writes what is missing, and nothing else', () => {
  assert.deepEqual(ensureMiniature(folder), ['word-order', 'source', 'period', 'older']);
  assert.deepEqual(ensureMiniature(folder), []);
  for (const [path, digest] of Object.entries(digests)) {
    const made = createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
    assert.equal(made.slice(0, 16), digest, path);
  }
  const lines = readFileSync(join(folder, 'older/train.tsv'), 'utf8').split('\n');
  assert.equal(lines[0], 'sentence1\tsentence2\tlabel');
  assert.equal(lines.length, 1602);
  assert.ok(lines.slice(0, -1).every((line) => line.split('\t').length === 3));

  writeFileSync(join(folder, 'source/train.tsv'), 'kept');
  rmSync(join(folder, 'period/dev.tsv'));
  assert.deepEqual(ensureMiniature(folder), ['period']);
  assert.equal(readFileSync(join(folder, 'source/train.tsv'), 'utf8'), 'kept');
});

test('sentences end at marks, not at abbreviations', () => {
  const text = 'Mr. Smith met Gen. U. S. Grant in\n1864. "Was it so?" he asked.\n\nNo mark here\n\nWell! Yes.';
  assert.deepEqual(sentencesOf(text), [
    'Mr. Smith met Gen. U. S. Grant in 1864.',
    '"Was it so?" he asked.',
    'No mark here',
    'Well!',
    'Yes.',
  ]);
});

test('prose is a whole sentence within bounds', () => {
  assert.ok(isProse('This is a sentence.', 4, 4));
  assert.ok(!isProse('This is a sentence.', 5, 9));
  assert.ok(!isProse('This is a sentence.', 1, 3));
  for (const text of ['this has no capital.', 'This has no mark', 'He said "so" then.', 'It cost $5.', 'Stop.Go on.']) {
    assert.ok(!isProse(text, 1, 9), text);
  }
});

test('a drawer goes round the documents and stops when they are empty', () => {
  const texts = ['One two three. Four five six. Seven eight nine.', 'Ten eleven twelve.'];
  const two = texts.map((text, i) => ({ id: String(i), source: 'novel' as const, year: 1851, text }));
  const draw = drawer(two, { shortest: 3, longest: 3 }, stream(1), new Set());
  const drawn = [draw(), draw(), draw(), draw()];
  assert.equal(new Set(drawn.slice(0, 2).map(({ document }) => document)).size, 2);
  assert.equal(new Set(drawn.map(({ text }) => text)).size, 4);
  assert.throws(draw, RangeError);
});
