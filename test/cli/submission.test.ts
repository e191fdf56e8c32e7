/** `spantune submission`: from runs to a zip that validates, and what may be wrong with either. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { PredictResult } from '../../src/pipeline/types.js';
import { unpackZip } from '../../src/submission/zip.js';
import { configOf, pairs, predicted, temporary, trained, write, writeModel, writeTopics } from '../pipeline/support.js';
import { spantuneAll } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const data = join(folder, 'glue');
const [wnli, stsb, own] = ['wnli', 'stsb', 'own'].map((name) => join(folder, 'runs', name));

/** GLUE's own layout; test sets of the true size. */
function writeTask(name: string, header: string[], row: (pair: [string, string, number], index: number) => unknown[]) {
  const put = (split: string, columns: string[], count: number, seed: number, labelled: boolean) =>
    write(join(data, name, `${split}.tsv`), [
      columns,
      ...pairs(count, seed).map((pair, i) =>
        row(pair, i)
          .slice(0, labelled ? undefined : -1)
          .map(String),
      ),
    ]);
  put('train', header, 30, 1, true);
  put('dev', header, 12, 2, true);
  return (rows: number) => put('test', header.slice(0, -1), rows, 3, false);
}

before(async () => {
  writeTask('WNLI', ['index', 'sentence1', 'sentence2', 'label'], ([first, second, alike], i) => [
    i,
    first,
    second,
    alike === 2 ? 1 : 0,
  ])(146);
  const columns = 'index genre filename year old_index source1 source2 sentence1 sentence2 score'.split(' ');
  writeTask('STS-B', columns, ([first, second, alike], i) => [i, 'g', 'f', 'y', i, 's', 's', first, second, alike])(
    1379,
  );
  const fixed = { model, arm: 'top-1', training: { epochs: 1 } };
  await trained(configOf({ ...fixed, task: { name: 'wnli', data } }), wnli);
  await trained(configOf({ ...fixed, task: { name: 'stsb', data }, training: { epochs: 1, learningRate: 0.5 } }), stsb);
  await trained(configOf({ ...fixed, task: writeTopics(join(folder, 'topics'), { train: 16, dev: 4 }) }), own);
});

const values = (zip: string, file: string) =>
  new TextDecoder()
    .decode(unpackZip(readFileSync(zip), zip).get(file))
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));

test('test predictions of runs become a zip that validates, whole or not as it is', async () => {
  const zip = join(folder, 'new/submission.zip');
  const [written, whole, partial, json] = await spantuneAll([
    ['submission', stsb, wnli, '--partial', '--output', zip, '--threads', '1'],
    ['submission', '--validate', zip],
    ['submission', '--validate', zip, '--partial'],
    ['submission', '--validate', zip, '--json', '--quiet'],
  ]);
  assert.equal(written.code, 0, written.stderr);
  assert.match(written.stdout, /^file +rows +run\nSTS-B\.tsv +1379 .*stsb\nWNLI\.tsv +146 .*wnli\n$/);
  assert.match(
    written.stderr,
    /warn +GLUE's server refuses this zip.*no run of cola, sst2, mrpc, qqp, mnli, qnli, rte/,
  );
  assert.match(written.stderr, /next +.*submission --validate .*submission\.zip --partial\n$/);

  const [header, ...labels] = values(zip, 'WNLI.tsv');
  assert.deepEqual(header, ['index', 'prediction']);
  const expected = async (run: string): Promise<PredictResult['predictions']> =>
    (await predicted({ run, split: 'test' })).predictions;
  assert.deepEqual(
    labels,
    (await expected(wnli)).map(({ label }, i) => [String(i), label === 'entailment' ? '1' : '0']),
  );
  const [, ...scores] = values(zip, 'STS-B.tsv');
  const raw = (await expected(stsb)).map(({ label }) => Number(label));
  assert.deepEqual(
    scores,
    raw.map((score, i) => [String(i), Math.min(5, Math.max(0, score)).toFixed(3)]),
  );

  assert.equal(whole.code, 2);
  assert.match(whole.stdout, /^CoLA\.tsv: is missing\nSST-2\.tsv: is missing\n/);
  assert.match(whole.stderr, /^error +.*submission\.zip: 9 problems in the zip, listed above\nhint /);
  assert.equal(partial.code, 0, partial.stderr);
  assert.match(partial.stdout, /submission\.zip: 2 files, nothing wrong\n$/);
  const document = JSON.parse(json.stdout);
  assert.deepEqual([document.valid, document.problems.length, json.code], [false, 9, 2]);
});

test('what cannot be a submission is an error before anything is predicted or written', async () => {
  const zip = join(folder, 'never/submission.zip');
  const again = join(folder, 'runs/again');
  cpSync(wnli, again, { recursive: true });
  const short = join(folder, 'short');
  cpSync(data, short, { recursive: true });
  const file = join(short, 'WNLI/test.tsv');
  const lines = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, lines.toSpliced(7, 1).join('\n'));
  const mixed = join(folder, 'mixed');
  cpSync(data, mixed, { recursive: true });
  writeFileSync(join(mixed, 'WNLI/test.tsv'), lines.with(7, lines[8]).with(8, lines[7]).join('\n'));

  const output = ['--output', zip];
  const mistakes: [words: string[], error: RegExp, hint: RegExp][] = [
    [[], /no run is named/, /--validate/],
    [[wnli], /--output is missing/, /zip file/],
    [[wnli, ...output], /no run of cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte$/, /--partial/],
    [[wnli, again, '--partial', ...output], /two runs of wnli: .*wnli and .*again/, /one run for each task/],
    [[own, '--partial', ...output], /runs\/own: its task topics is one of your own/, /GLUE/],
    [[model, '--partial', ...output], /is the folder of a model, not of a run/, /./],
    [
      [wnli, '--partial', '--data', short, ...output],
      /WNLI\/test\.tsv: has 145 rows, but 146 were expected/,
      /restore/,
    ],
    [
      [wnli, '--partial', '--data', mixed, ...output],
      /WNLI\/test\.tsv:8: has index "7", but 6 was expected/,
      /restore/,
    ],
    [[wnli, '--partial', '--data', model, ...output], /no test set is at hand/, /--data/],
    [[wnli, '--partial', '--data', file, ...output], /--data .*: is not a folder/, /./],
    [[wnli, '--validate', zip], /--validate and run folders exclude each other/, /./],
    [['--validate', zip, ...output], /--validate and --output exclude each other/, /./],
    [['--validate', zip], /submission\.zip: cannot be read: there is no such file/, /path/],
    [['--validate', file], /test\.tsv: is not a zip file/, /spantune submission/],
  ];
  const outcomes = await spantuneAll(mistakes.map(([words]) => ['submission', ...words]));
  for (const [i, [words, error, hint]] of mistakes.entries()) {
    const { code, stdout, stderr } = outcomes[i];
    const [first, second, ...rest] = stderr.trimEnd().split('\n');
    assert.match(first, error, words.join(' '));
    assert.match(second, hint);
    assert.deepEqual([code, stdout, rest], [2, '', []]);
  }
  assert.equal(existsSync(zip), false);
});
