/** The zip of a submission: what is written, and what is found wrong. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DataError, UserError } from '../../src/errors.js';
import { SUBMISSION_FILES, SUBMISSION_TASKS, type SubmissionFile } from '../../src/submission/files.js';
import { planSubmission } from '../../src/submission/plan.js';
import { checkTestRows, renderFile } from '../../src/submission/render.js';
import { MOST_PROBLEMS, validateFile, validateFiles } from '../../src/submission/validate.js';
import { packZip, unpackZip } from '../../src/submission/zip.js';

const small = readFileSync(new URL('../fixtures/submission/small.zip', import.meta.url));
const THREE = Object.fromEntries(SUBMISSION_FILES.map(({ file }) => [file, 3]));
const bytes = (text: string) => new TextEncoder().encode(text);

function named(file: string): SubmissionFile {
  const found = SUBMISSION_FILES.find((other) => other.file === file);
  assert.ok(found);
  return found;
}

describe('the files', () => {
  test("are the eleven of GLUE's server, each with its test set's size", () => {
    const names = 'CoLA SST-2 MRPC QQP STS-B MNLI-m MNLI-mm AX QNLI RTE WNLI';
    assert.equal(SUBMISSION_FILES.map(({ file }) => file).join(' '), names.replaceAll(/(?= |$)/g, '.tsv'));
    assert.deepEqual(
      SUBMISSION_FILES.map(({ rows }) => rows),
      [1063, 1821, 1725, 390965, 1379, 9796, 9847, 1104, 5463, 3000, 146],
    );
    assert.equal(SUBMISSION_TASKS.length, 9);
  });

  test('hold 0 and 1, names, or three decimals from 0 to 5', () => {
    const text = (file: string, ...labels: (string | number)[]) =>
      renderFile(
        named(file),
        labels.map((label, index) => ({ index: String(index), label })),
        labels.length,
      );
    assert.equal(text('CoLA.tsv', 'acceptable', 'unacceptable'), 'index\tprediction\n0\t1\n1\t0\n');
    assert.equal(text('WNLI.tsv', 'not_entailment', 'entailment'), 'index\tprediction\n0\t0\n1\t1\n');
    assert.equal(text('RTE.tsv', 'not_entailment'), 'index\tprediction\n0\tnot_entailment\n');
    assert.equal(text('AX.tsv', 'neutral'), 'index\tprediction\n0\tneutral\n');
    assert.equal(text('STS-B.tsv', -0.2, 5.7, 2.34567), 'index\tprediction\n0\t0.000\n1\t5.000\n2\t2.346\n');
    assert.throws(() => text('CoLA.tsv', 'entailment'), /prediction "entailment" has no place in CoLA\.tsv/);
    assert.throws(() => text('STS-B.tsv', Number.NaN), DataError);
    assert.throws(() => renderFile(named('RTE.tsv'), [{ index: '0', label: 'entailment' }]), /3000 were expected/);
  });

  test('that are written have nothing wrong', () => {
    const cases = fc
      .constantFrom(...SUBMISSION_FILES)
      .chain((file) =>
        fc.tuple(
          fc.constant(file),
          fc.array<string | number>(
            file.range ? fc.double({ noNaN: true, noDefaultInfinity: true }) : fc.constantFrom(...file.labels),
          ),
        ),
      );
    fc.assert(
      fc.property(cases, ([file, labels]) => {
        const predictions = labels.map((label, index) => ({ index: String(index), label }));
        assert.deepEqual(validateFile(file, bytes(renderFile(file, predictions, labels.length)), labels.length), []);
      }),
    );
  });
});

test('a test set that is not the whole one is refused with its line', () => {
  const refused = (rows: { index?: string; line?: number }[], message: RegExp, line?: number) =>
    assert.throws(
      () => checkTestRows(named('WNLI.tsv'), rows, 'test.tsv', 2),
      (error: unknown) => {
        assert.ok(error instanceof DataError);
        assert.match(error.message, message);
        assert.deepEqual([error.place.file, error.place.line], ['test.tsv', line]);
        return true;
      },
    );
  refused([{ index: '0', line: 2 }], /has 1 rows, but 2 were expected/);
  refused([{ index: '0', line: 2 }, { line: 3 }], /has no index/, 3);
  refused(
    [
      { index: '0', line: 2 },
      { index: '2', line: 3 },
    ],
    /has index "2", but 1 was expected/,
    3,
  );
  checkTestRows(named('WNLI.tsv'), [{ index: '0' }, { index: '1' }], 'test.tsv', 2);
});

describe('a plan', () => {
  const all = SUBMISSION_TASKS.map((task) => ({ run: `runs/${task}`, task }));

  test('has a file for each test set, three of them by the run of MNLI', () => {
    const { files, missing } = planSubmission(all.toReversed(), false);
    assert.deepEqual(
      files.map(({ file }) => file),
      SUBMISSION_FILES.map(({ file }) => file),
    );
    assert.deepEqual(missing, []);
    const mnli = files.filter(({ run }) => run === 'runs/mnli');
    assert.deepEqual(
      mnli.map(({ file, split }) => [file, split]),
      [
        ['MNLI-m.tsv', 'test'],
        ['MNLI-mm.tsv', 'test_mismatched'],
        ['AX.tsv', 'ax'],
      ],
    );
  });

  test('lacks no task unless it may, and has none twice', () => {
    assert.throws(() => planSubmission(all.slice(2), false), /^UserError: no run of cola, sst2$/);
    const { files, missing } = planSubmission(all.slice(0, 1), true);
    assert.deepEqual([files.map(({ file }) => file), missing.length], [['CoLA.tsv'], 8]);
    assert.throws(
      () => planSubmission([...all, { run: 'runs/other', task: 'rte' }], false),
      (error) => error instanceof UserError && error.message === 'two runs of rte: runs/rte and runs/other',
    );
    assert.throws(() => planSubmission([{ run: 'r', task: 'ax' }], true), /its task ax is none of a submission's/);
  });
});

describe('a zip', () => {
  test("of Python's zipfile is read, and ours is as it should be read back", () => {
    const files = unpackZip(small, 'small.zip');
    assert.equal(files.size, 11);
    assert.deepEqual(validateFiles(files, { rows: THREE }), []);
    assert.equal(validateFiles(files).length, 11, 'with the true sizes every file is too short');
    const texts = new Map([...files].map(([name, content]) => [name, new TextDecoder().decode(content)]));
    const packed = packZip(texts);
    assert.deepEqual(packZip(texts), packed);
    assert.deepEqual(unpackZip(packed, 'ours.zip'), files);
  });

  test('that is none, or damaged, is an error that names it', () => {
    const refused = (content: Uint8Array, message: RegExp) =>
      assert.throws(
        () => unpackZip(content, 'a.zip'),
        (error: unknown) => error instanceof DataError && error.place.file === 'a.zip' && message.test(error.message),
      );
    refused(bytes('index\tprediction\n'), /is not a zip file/);
    refused(new Uint8Array(0), /is not a zip file/);
    refused(small.subarray(0, 400), /is a damaged zip file/);
  });
});

describe('what is wrong is told with file and line', () => {
  const files = unpackZip(small, 'small.zip');
  const problems = (file: string, text: string | undefined, partial = false) => {
    const changed = new Map(files);
    if (text === undefined) changed.delete(file);
    else changed.set(file, bytes(text));
    return validateFiles(changed, { rows: THREE, partial }).map(
      ({ file: name, line, message }) => `${name}${line ? `:${line}` : ''}: ${message}`,
    );
  };
  const rows = (...lines: string[]) => `index\tprediction\n${lines.join('\n')}\n`;

  const CASES: [what: string, file: string, text: string, expected: string[]][] = [
    [
      'another header',
      'RTE.tsv',
      'id\tlabel\n0\tentailment\n1\tentailment\n2\tentailment\n',
      ['RTE.tsv:1: the header is "id\\tlabel", not "index<TAB>prediction"'],
    ],
    [
      'a value of another task',
      'CoLA.tsv',
      rows('0\t0', '1\tacceptable', '2\t1'),
      ['CoLA.tsv:3: the prediction is "acceptable", not 0 or 1'],
    ],
    [
      'a class id in place of a name',
      'QNLI.tsv',
      rows('0\t0', '1\tentailment', '2\tnot_entailment'),
      ['QNLI.tsv:2: the prediction is "0", not entailment or not_entailment'],
    ],
    [
      'scores outside the range, and no numbers',
      'STS-B.tsv',
      rows('0\t5.001', '1\t-0.1', '2\tnan'),
      [
        'STS-B.tsv:2: the prediction is "5.001", not a number from 0 to 5',
        'STS-B.tsv:3: the prediction is "-0.1", not a number from 0 to 5',
        'STS-B.tsv:4: the prediction is "nan", not a number from 0 to 5',
      ],
    ],
    ['a gap in the indices, once', 'MRPC.tsv', rows('0\t0', '2\t1', '3\t1'), ['MRPC.tsv:3: the index is "2", not 1']],
    ['one wrong index, once', 'MRPC.tsv', rows('0\t0', '99\t1', '2\t1'), ['MRPC.tsv:3: the index is "99", not 1']],
    ['indices from 1', 'MRPC.tsv', rows('1\t0', '2\t1', '3\t1'), ['MRPC.tsv:2: the index is "1", not 0']],
    ['rows too few', 'WNLI.tsv', rows('0\t0', '1\t1'), ['WNLI.tsv: has 2 rows, but 3 were expected']],
    [
      'a blank line and a third column',
      'SST-2.tsv',
      rows('0\t0', '', '2\t1\t0.9'),
      ['SST-2.tsv:3: is blank', 'SST-2.tsv:4: has 3 columns, not 2'],
    ],
    [
      'other ends of lines',
      'AX.tsv',
      rows('0\tneutral', '1\tneutral', '2\tneutral').replaceAll('\n', '\r\n'),
      ['AX.tsv:1: ends in CR LF; lines end in LF alone'],
    ],
    [
      'a byte-order mark',
      'QQP.tsv',
      `\ufeff${rows('0\t0', '1\t1', '2\t1')}`,
      ['QQP.tsv:1: begins with a byte-order mark'],
    ],
    [
      'a file that is empty',
      'QQP.tsv',
      '',
      ['QQP.tsv:1: the header is "", not "index<TAB>prediction"', 'QQP.tsv: has 0 rows, but 3 were expected'],
    ],
    ['a file of another name', 'cola.tsv', rows('0\t0'), ['cola.tsv: is no file of a submission']],
    ['a file that has none of it', 'notes.md', 'x', ['notes.md: is no file of a submission']],
  ];
  for (const [what, file, text, expected] of CASES) {
    test(what, () => assert.deepEqual(problems(file, text), expected));
  }

  test('missing files, unless they may be', () => {
    assert.deepEqual(problems('RTE.tsv', undefined), ['RTE.tsv: is missing']);
    assert.deepEqual(problems('RTE.tsv', undefined, true), []);
    assert.equal(validateFiles(new Map(), { partial: true }).length, 1);
  });

  test('a folder in the zip', () => {
    const deep = new Map([...files].map(([name, content]) => [`submission/${name}`, content]));
    const [first] = validateFiles(deep, { rows: THREE });
    assert.deepEqual(first, {
      file: 'submission/CoLA.tsv',
      message: 'is no file of a submission: is it CoLA.tsv, at the top of the zip?',
    });
  });

  test('no text, and more problems than anyone reads', () => {
    const changed = new Map(files).set('RTE.tsv', new Uint8Array([0xff, 0xfe]));
    const many = Array.from({ length: 3000 }, (_, i) => `${i}\tmaybe`);
    changed.set('QNLI.tsv', bytes(rows(...many)));
    const found = validateFiles(changed, { rows: { ...THREE, 'QNLI.tsv': 3000 } });
    assert.deepEqual(found.at(-1), { file: 'RTE.tsv', message: 'is no text' });
    assert.equal(found.length, MOST_PROBLEMS + 2);
    assert.deepEqual(found[MOST_PROBLEMS], { file: 'QNLI.tsv', message: `and ${3000 - MOST_PROBLEMS} more problems` });
  });
});
