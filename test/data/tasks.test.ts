import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { GLUE, glueEntry } from '../../src/data/glue.js';
import { readInputs as readAll } from '../../src/data/inputs.js';
import { openTask } from '../../src/data/tasks.js';
import { DataError, UserError } from '../../src/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'spantune-tasks-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const shared = resolve(process.env.SPANTUNE_SHARED ?? '../shared');
const without = (path: string) => (existsSync(join(shared, path)) ? false : `${path} is not at hand`);

let made = 0;
/** Writes files into a folder of their own and returns it. */
function files(contents: Record<string, string>): string {
  const root = join(folder, String(made++));
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** Asserts that a call throws an error with place and hint, and returns what the user would see. */
function mistake(call: () => unknown, kind: typeof UserError = DataError): { text: string; hint: string } {
  let seen: unknown;
  try {
    call();
  } catch (error) {
    seen = error;
  }
  assert.ok(seen instanceof kind, `expected a ${kind.name}, saw ${String(seen)}`);
  assert.ok(seen.hint);
  return {
    text: seen
      .describe()
      .replace(folder, '')
      .replace(/^\/\d+\//, ''),
    hint: seen.hint,
  };
}

test('every GLUE layout reads its own columns, labels by name', () => {
  const wide = (cells: Record<number, string>, width: number) =>
    Array.from({ length: width }, (_, i) => cells[i] ?? `x${i}`).join('\t');
  const cases: [string, string, string, string, number | undefined][] = [
    ['cola', 'CoLA/train.tsv', wide({ 3: 'A', 1: '1' }, 4), 'train', 1],
    ['cola', 'CoLA/test.tsv', `index\tsentence\n${wide({ 1: 'A' }, 2)}`, 'test', undefined],
    ['sst2', 'SST-2/dev.tsv', `sentence\tlabel\n${wide({ 0: 'A', 1: '0' }, 2)}`, 'dev', 0],
    ['sst2', 'SST-2/test.tsv', `index\tsentence\n${wide({ 1: 'A' }, 2)}`, 'test', undefined],
    ['mrpc', 'MRPC/train.tsv', `\ufeffQuality\ta\tb\tc\td\n${wide({ 3: 'A', 4: 'B', 0: '1' }, 5)}`, 'train', 1],
    ['qqp', 'QQP/dev.tsv', `${wide({}, 6)}\n${wide({ 3: 'A', 4: 'B', 5: '0' }, 6)}`, 'dev', 0],
    ['qqp', 'QQP/test.tsv', `id\tquestion1\tquestion2\n${wide({ 1: 'A', 2: 'B' }, 3)}`, 'test', undefined],
    ['stsb', 'STS-B/train.tsv', `${wide({}, 10)}\n${wide({ 7: 'A', 8: 'B', 9: '3.750' }, 10)}`, 'train', 3.75],
    ['mnli', 'MNLI/train.tsv', `${wide({}, 12)}\n${wide({ 8: 'A', 9: 'B', 11: 'neutral' }, 12)}`, 'train', 1],
    ['mnli', 'MNLI/dev_matched.tsv', `${wide({}, 16)}\n${wide({ 8: 'A', 9: 'B', 15: 'contradiction' }, 16)}`, 'dev', 2],
    [
      'mnli',
      'MNLI/dev_mismatched.tsv',
      `${wide({}, 16)}\n${wide({ 8: 'A', 9: 'B', 15: 'entailment' }, 16)}`,
      'dev_mismatched',
      0,
    ],
    [
      'mnli',
      'MNLI/test_mismatched.tsv',
      `${wide({}, 10)}\n${wide({ 8: 'A', 9: 'B' }, 10)}`,
      'test_mismatched',
      undefined,
    ],
    [
      'mnli',
      'diagnostic/diagnostic.tsv',
      `index\tsentence1\tsentence2\n${wide({ 1: 'A', 2: 'B' }, 3)}`,
      'ax',
      undefined,
    ],
    ['ax', 'AX.tsv', `index\tsentence1\tsentence2\n${wide({ 1: 'A', 2: 'B' }, 3)}`, 'test', undefined],
    [
      'qnli',
      'QNLI/train.tsv',
      `index\tquestion\tsentence\tlabel\n${wide({ 1: 'A', 2: 'B', 3: 'not_entailment' }, 4)}`,
      'train',
      1,
    ],
    [
      'rte',
      'RTE/train.tsv',
      `index\tsentence1\tsentence2\tlabel\n${wide({ 1: 'A', 2: 'B', 3: 'entailment' }, 4)}`,
      'train',
      0,
    ],
    [
      'wnli',
      'WNLI/train.tsv',
      `index\tsentence1\tsentence2\tlabel\n${wide({ 1: 'A', 2: 'B', 3: '1' }, 4)}`,
      'train',
      1,
    ],
  ];
  for (const [name, file, content, split, label] of cases) {
    const open = openTask({ name, data: files({ [file]: `${content}\n` }) });
    assert.deepEqual(open.splits, [split], file);
    const [example] = open.split(split).examples;
    assert.equal(example.text, 'A', file);
    assert.equal(example.pair, open.task.pair ? 'B' : undefined, file);
    assert.equal(example.label, label, file);
    assert.equal(example.line, file === 'CoLA/train.tsv' ? 1 : 2, file);
    if (split.startsWith('test') || split === 'ax') assert.equal(example.index, 'x0', file);
  }
});

test('the table agrees with the label order and sizes of the Hugging Face records', () => {
  assert.deepEqual(
    GLUE.map(({ task }) => task.name),
    ['cola', 'sst2', 'mrpc', 'qqp', 'stsb', 'mnli', 'qnli', 'rte', 'wnli', 'ax'],
  );
  assert.deepEqual(glueEntry('wnli')?.task.labels, ['not_entailment', 'entailment']);
  assert.deepEqual(glueEntry('rte')?.task.labels, ['entailment', 'not_entailment']);
  assert.deepEqual(glueEntry('STS-B')?.task.metrics, ['pearson', 'spearman']);
  assert.equal(glueEntry('Mrpc')?.task.positiveLabel, 'equivalent');
  const total = GLUE.flatMap(({ splits }) => Object.values(splits)).reduce((sum, split) => sum + split.rows, 0);
  // AX counts twice: it is a task and a split of MNLI.
  const train = 8551 + 67349 + 3668 + 363846 + 5749 + 392702 + 104743 + 2490 + 635;
  const dev = 1043 + 872 + 408 + 40430 + 1500 + 9815 + 9832 + 5463 + 277 + 71;
  const rest = 1063 + 1821 + 1725 + 390965 + 1379 + 9796 + 9847 + 5463 + 3000 + 146 + 2 * 1104;
  assert.equal(total, train + dev + rest);
});

test('the Hugging Face form reads by column names, labels as ids or names, −1 as none', () => {
  const csv = 'idx,label,sentence\n0,1,"a ""fine"" film,\nindeed"\n1,negative,dull\n';
  const data = files({
    'sst2/train.csv': csv,
    'sst2/validation.jsonl': '{"sentence":"good","label":1,"idx":7}\n\n{"sentence":"bad","label":"negative","idx":8}\n',
    'sst2/test.tsv': 'sentence\tlabel\tidx\nso "so\t-1\t0\n',
  });
  const open = openTask({ name: 'SST-2', data });
  assert.deepEqual(open.splits, ['train', 'dev', 'test']);
  assert.deepEqual(open.split('train').examples, [
    { text: 'a "fine" film,\nindeed', label: 1, line: 2, index: '0' },
    { text: 'dull', label: 0, line: 4, index: '1' },
  ]);
  assert.deepEqual(
    open.split('validation').examples.map(({ label, line }) => [label, line]),
    [
      [1, 1],
      [0, 3],
    ],
  );
  assert.deepEqual(open.split('test').examples, [{ text: 'so "so', line: 2, index: '0' }]);

  const mnli = files({
    'mnli/validation_matched.csv': 'premise,hypothesis,label\r\n"a\r\nb",c,2\r\nd,,entailment\r\n',
  });
  assert.deepEqual(openTask({ name: 'mnli', data: mnli }).split('dev_matched').examples, [
    { text: 'a\r\nb', pair: 'c', label: 2, line: 2 },
    { text: 'd', pair: '', label: 0, line: 4 },
  ]);
});

test('broken training rows of the original layout are counted; a broken dev row is an error', () => {
  const rows =
    'id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tA\tB\t1\n4\t5\t6\tcut off\n\n7\t8\t9\tC\tD\t0\n';
  const open = openTask({ name: 'qqp', data: files({ 'QQP/train.tsv': rows, 'QQP/dev.tsv': rows }) });
  const train = open.split('train');
  assert.equal(train.skipped, 1);
  assert.deepEqual(
    train.examples.map(({ line }) => line),
    [2, 5],
  );
  assert.match(mistake(() => open.split('dev')).text, /^QQP\/dev\.tsv:3: has 4 columns, but 6 were expected$/);
  const none = openTask({ name: 'qqp', data: files({ 'QQP/train.tsv': `${rows.split('\n')[0]}\na\tb\n` }) });
  assert.match(mistake(() => none.split('train')).text, /^QQP\/train\.tsv:2: /);
});

test("a user's own task takes its classes from the training split and maps them by name", () => {
  const root = files({
    'train.tsv': 'q\tclass\nhow "far\t10\nwho\t2\nwhy\t-1\n',
    'dev.jsonl': '{"class": 2, "q": "when"}\n',
    'test.csv': 'q\nwhere\n',
    'words.tsv': 'q\tclass\na\tb\nb\tB\nc\ta\n',
  });
  const spec = { name: 'own', text: 'q', label: 'class', dev: join(root, 'dev.jsonl'), test: join(root, 'test.csv') };
  const open = openTask({ ...spec, train: join(root, 'train.tsv') });
  assert.deepEqual(open.task, {
    name: 'own',
    kind: 'classification',
    labels: ['-1', '2', '10'],
    metrics: ['accuracy'],
    pair: false,
  });
  assert.deepEqual(
    open.split('train').examples.map(({ text, label }) => [text, label]),
    [
      ['how "far', 2],
      ['who', 1],
      ['why', 0],
    ],
  );
  assert.equal(open.split('dev').examples[0].label, 1);
  assert.equal(open.split('test').examples[0].label, undefined);
  assert.deepEqual(openTask({ ...spec, train: join(root, 'words.tsv') }).task.labels, ['B', 'a', 'b']);
  const stated = openTask({ ...spec, labels: ['10', '2'], metric: ['f1', 'accuracy'] });
  assert.equal(stated.task.positiveLabel, '2');
  assert.equal(stated.split('dev').examples[0].label, 1);
});

test('a folder in GLUE’s layout serves a task that GLUE does not know, pairs and regression too', () => {
  const data = files({
    'Order/train.tsv': 'premise\thypothesis\tlabel\na\tb\tyes\nc\td\tno\n',
    'Order/dev.tsv': 'premise\thypothesis\tlabel\na\t\tyes\n',
  });
  const open = openTask({ name: 'order', data });
  assert.equal(open.task.pair, true);
  assert.deepEqual(open.split('dev').examples, [{ text: 'a', pair: '', label: 1, line: 2 }]);
  const scores = files({ 'train.csv': 'text,label\na,-1\nb,2.5e1\n' });
  const regression = openTask({ name: 'warmth', data: scores, kind: 'regression' });
  assert.deepEqual(regression.task.metrics, ['pearson', 'spearman']);
  assert.deepEqual(
    regression.split('train').examples.map(({ label }) => label),
    [-1, 25],
  );
});

test('mistakes name file, line and remedy', () => {
  const sst2 = (content: string, name = 'train') =>
    mistake(() => openTask({ name: 'sst2', data: files({ [`SST-2/${name}.tsv`]: content }) }).split(name));
  assert.deepEqual(sst2('sentence\tlabel\nfine\t7\n'), {
    text: 'SST-2/train.tsv:2: label "7" is not one of 0, 1',
    hint: 'sst2 expects 0 (negative) or 1 (positive) in column "label"',
  });
  assert.match(sst2('sentence\tlabel\nfine\t-1\n').text, /:2: label "-1" is not one of 0, 1$/);
  assert.match(sst2('').text, /^SST-2\/train\.tsv: is empty$/);
  assert.match(sst2('sentence\tlabel\n', 'dev').text, /^SST-2\/dev\.tsv: holds no rows$/);
  assert.match(sst2('sentence,label\nfine,1\n').text, /:1: has 1 column, but 2 were expected$/);
  assert.match(sst2('sentence\tlabel\nfine\t1\nfine\n', 'dev').text, /:3: has 1 column, but 2 were expected$/);

  const latin1 = Buffer.from('sentence\tlabel\nfine\t1\ncaf\u00e9\t0\n', 'latin1') as unknown as string;
  const foreign = sst2(latin1);
  assert.match(foreign.text, /^SST-2\/train\.tsv:3: is not valid UTF-8$/);
  assert.match(foreign.hint, /iconv/);

  const matched = openTask({ name: 'sst2', data: files({ 'SST-2/dev.tsv': 'sentence\tlabel\nfine\t1\n' }) });
  assert.match(mistake(() => matched.split('dev_matched'), UserError).text, /sst2 has no split "dev_matched"/);

  const absent = mistake(() => openTask({ name: 'sst2', data: files({ 'SST-2/dev.tsv': '' }) }).split('train'));
  assert.match(absent.text, /^SST-2\/train\.tsv: there is no such file$/);
  assert.match(
    mistake(() => openTask({ name: 'sst2', data: join(folder, 'none') }).split('dev')).text,
    /no such folder/,
  );
  assert.match(mistake(() => openTask({ name: 'sst2' }).split('train'), UserError).hint, /SST-2\/train\.tsv/);
  assert.match(mistake(() => openTask({ name: 'rte', data: folder }).split('ax'), UserError).hint, /train, dev, test/);
  assert.match(mistake(() => openTask({ name: 'snli' }), UserError).hint, /cola, sst2/);

  const stsb = `${'x\t'.repeat(9)}x\n${'x\t'.repeat(9)}5.5\n`;
  assert.match(
    mistake(() => openTask({ name: 'stsb', data: files({ 'STS-B/train.tsv': stsb }) }).split('train')).text,
    /:2: score "5.5" is not a number from 0 to 5$/,
  );

  const own = (contents: string, extension: string, more = {}) => {
    const train = join(files({ [`train.${extension}`]: contents }), `train.${extension}`);
    return mistake(() => openTask({ name: 'own', train, text: 'text', ...more }).split('train'));
  };
  assert.deepEqual(own('txt\tlabel\na\t1\nb\t2\n', 'tsv'), {
    text: 'train.tsv:1: has no column "text"',
    hint: 'its columns are "txt", "label"',
  });
  assert.match(own('text\tlabel\na\t1\nb\t2\nc\n', 'tsv').text, /:4: has no label$/);
  assert.match(own('text,label\n"a\nb",1\nc,2\nd"d,1\n', 'csv').text, /:5: a quote stands inside an unquoted field$/);
  assert.match(
    own('text,label\na,1\n"b,2\nc,1\n', 'csv').text,
    /:3: a quoted field that begins in this row is never closed$/,
  );
  assert.deepEqual(own('{"text":"a","label":1}\n{"text":"b","label":0}\n{"label":0}\n', 'jsonl'), {
    text: 'train.jsonl:3: a text is missing in this row',
    hint: 'the text stands in "text" and the label in column "label"; mend or remove the row',
  });
  assert.match(own('{"text":"a","label":1}\n{"text":"b"\n', 'jsonl').text, /:2: is not valid JSON$/);
  assert.match(own('text\tlabel\na\t1\nb\t1\n', 'tsv').text, /: holds rows of one class only$/);
  assert.match(own('', 'tsv').text, /train\.tsv: is empty$/);
  assert.match(
    own('text\tlabel\na\t1\nb\tx\n', 'tsv', { labels: ['1', '2'] }).text,
    /:3: label "x" is not one of 1, 2$/,
  );
  const fits = { name: 'own', train: 'x', text: 'a', labels: ['0', '1'] };
  assert.match(mistake(() => openTask({ ...fits, metric: 'pearson' }), UserError).hint, /regression/);
  assert.match(mistake(() => openTask({ ...fits, metric: 'f1', positiveLabel: '2' }), UserError).hint, /"0", "1"/);
});

test('line numbers survive any mixture of quoted line ends', () => {
  const field = fc.stringMatching(/^[a-z ,"\n]{0,12}$/);
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 12 }), fc.constantFrom('\n', '\r\n'), (texts, end) => {
      let line = 2;
      const lines: number[] = [];
      const rows = texts.map((text) => {
        lines.push(line);
        line += 1 + (text.match(/\n/g) ?? []).length;
        return `"${text.replaceAll('"', '""').replaceAll('\n', end)}",1`;
      });
      const root = files({ 'train.csv': ['text,label', ...rows].join(end) });
      const open = openTask({ name: 'own', train: join(root, 'train.csv'), labels: ['0', '1'] });
      const { examples } = open.split('train');
      assert.deepEqual(
        examples.map((example) => example.line),
        lines,
      );
      assert.deepEqual(
        examples.map((example) => example.text),
        texts.map((text) => text.replaceAll('\n', end)),
      );
    }),
    { numRuns: 60 },
  );
});

test('inputs for prediction: plain lines, tables, pairs', () => {
  const single = { pair: false };
  const readInputs = (...given: Parameters<typeof readAll>) => readAll(...given).examples;
  assert.deepEqual(readInputs('-', { ...single, content: 'one "1\n\ntwo\r\n' }), [
    { text: 'one "1', line: 1 },
    { text: '', line: 2 },
    { text: 'two', line: 3 },
  ]);
  const root = files({
    'in.csv': 'id,sentence\n1,"a,b"\n',
    'in.jsonl': '{"premise":"a","hypothesis":"b"}\n',
    'in.txt': 'a\tb\nc\n',
  });
  assert.deepEqual(readInputs(join(root, 'in.csv'), single), [{ text: 'a,b', line: 2 }]);
  assert.deepEqual(readInputs(join(root, 'in.jsonl'), { pair: true }), [{ text: 'a', pair: 'b', line: 1 }]);
  assert.deepEqual(readInputs('-', { pair: true, text: ['l', 'r'], content: 'r\tl\nx\ty\n' }), [
    { text: 'y', pair: 'x', line: 2 },
  ]);
  assert.match(
    mistake(() => readInputs(join(root, 'in.txt'), { pair: true })).text,
    /in\.txt:2: holds one text, but two were expected$/,
  );
  assert.match(
    mistake(() => readInputs(join(root, 'in.csv'), { pair: false, text: 'body' })).text,
    /in\.csv:1: has no column "body"$/,
  );
  assert.match(mistake(() => readInputs('-', { ...single, content: '' })).text, /is empty/);
});

test('inputs for prediction: blank lines are told, and keep their place where lines are inputs', () => {
  const of = (content: string, pair = false, name = '-') => {
    const root = files({ [name]: content });
    const { examples, warnings } = readAll(join(root, name), { pair, ...(name === '-' ? { content } : {}) });
    return [examples.map(({ text, pair: other }) => (other === undefined ? text : [text, other])), warnings];
  };
  assert.deepEqual(of('one\n\n  \ntwo\n'), [
    ['one', '', '  ', 'two'],
    ['2 lines are blank and labelled as empty text'],
  ]);
  assert.deepEqual(of('a\tb\n\n', true), [
    [
      ['a', 'b'],
      ['', ''],
    ],
    ['1 line is blank and labelled as empty text'],
  ]);
  const left = ["1 line is blank and left out: a table's rows alone are labelled"];
  assert.deepEqual(of('id,text\n1,"a\n\nb"\n\n2,c\n', false, 'in.csv'), [['a\n\nb', 'c'], left]);
  assert.deepEqual(of('id\ttext\r\n1\ta\r\n\r\n', false, 'in.tsv'), [['a'], left]);
  assert.deepEqual(of('{"text":"a\\nb"}\n\n{"text":"c"}\n', false, 'in.jsonl'), [['a\nb', 'c'], left]);
  assert.deepEqual(of('one\ntwo'), [['one', 'two'], []]);
});

test('inputs for prediction that are no text are refused by their line', () => {
  const refused = (content: Uint8Array) => mistake(() => readAll('-', { pair: false, content })).text;
  assert.match(refused(Buffer.from('a\nb\0c\n')), /^-:2: holds a NUL byte$/);
  assert.match(refused(Buffer.from([97, 10, 98, 10, 0xe9, 10])), /^-:3: is not valid UTF-8$/);
  const root = files({ 'in.tsv': 'id\ttext\n1\t\0\n' });
  assert.match(mistake(() => readAll(join(root, 'in.tsv'), { pair: false })).text, /in\.tsv:2: holds a NUL byte$/);
});

test('real GLUE files have the rows that the table states', { skip: without('data/glue') }, () => {
  for (const name of ['cola', 'sst2', 'mrpc', 'rte']) {
    const open = openTask({ name, data: join(shared, 'data/glue') });
    assert.deepEqual(open.splits, ['train', 'dev']);
    for (const split of open.splits) {
      const { examples, skipped } = open.split(split);
      assert.equal(skipped, 0);
      assert.equal(examples.length, glueEntry(name)?.splits[split].rows, `${name} ${split}`);
      assert.ok(
        examples.every(
          ({ text, pair, label }) => text && (pair !== undefined) === open.task.pair && label !== undefined,
        ),
      );
    }
  }
  const [first] = openTask({ name: 'mrpc', data: join(shared, 'data/glue') }).split('train').examples;
  assert.equal(first.label, 1);
  assert.match(first.text, /^Amrozi accused his brother, whom he called "the witness"/);
});

test('TREC reads as a task of one’s own', { skip: without('data/trec') }, () => {
  const root = join(shared, 'data/trec');
  const open = openTask({
    name: 'trec',
    train: join(root, 'train.tsv'),
    dev: join(root, 'dev.tsv'),
    text: 'sentence',
    label: 'label',
  });
  assert.deepEqual(open.task.labels, ['0', '1', '2', '3', '4', '5']);
  assert.equal(open.split('train').examples.length, 5452);
  assert.equal(open.split('dev').examples.length, 500);
});
