/** `spantune compare` from outside, on run folders as training leaves them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Comparison } from '../../src/comparison/types.js';
import { spantuneAll } from '../cli/support.js';
import { writeRun } from './support.js';

const root = mkdtempSync(join(tmpdir(), 'spantune-compare-cli-'));
after(() => rmSync(root, { recursive: true }));

const runs = join(root, 'runs');
for (const task of ['mrpc', 'rte']) {
  for (const seed of [1, 2]) {
    writeRun(join(runs, task, `full-${seed}`), { task, seed, quality: 0.85 });
    writeRun(join(runs, task, `selected-2-${seed}`), { task, seed, arm: 'selected-2', quality: 0.6 });
  }
}
rmSync(join(writeRun(join(runs, 'rte', 'unfinished'), { task: 'rte', arm: 'top-2' }), 'result.json'));

test('spantune compare', async (t) => {
  const page = join(root, 'page.html');
  const resamples = ['--resamples', '300'];
  const cases: string[][] = [
    [runs, ...resamples],
    [runs, '--json', ...resamples],
    [runs, '--output', page, '--quiet', ...resamples],
    [runs, '--reference', 'selected-2', '--margin', '5', '--json', ...resamples],
    ...['markdown', 'csv', 'latex'].map((format) => [runs, '--format', format, ...resamples]),
    [runs, '--reference', 'ful', ...resamples],
    [runs, '--format', 'tex'],
    [runs, '--json', '--format', 'csv'],
    [runs, '--margin', 'one'],
    [runs, '--resamples', '10'],
    [join(root, 'nowhere')],
    [],
    ['--help'],
  ];
  const outcomes = await spantuneAll(cases.map((words) => ['compare', ...words]));
  const [text, json, html, turned, markdown, csv, latex, ...mistakes] = outcomes;

  await t.test('prints tables, and says what was left out', () => {
    assert.equal(text.code, 0);
    assert.match(text.stdout, /mrpc, dev[\s\S]*selected-2[\s\S]*rte, dev/);
    assert.match(text.stdout, /these seeds \(1, 2\)/);
    assert.match(text.stderr, /left out, being unfinished or without weights .*: \S+\n/);
  });

  await t.test('prints one document for programs', () => {
    const { tables, comparisons, options }: Comparison = JSON.parse(json.stdout);
    assert.deepEqual([json.code, tables.length, comparisons], [0, 2, 2]);
    assert.deepEqual(options, { reference: 'full', margin: 0.01, resamples: 300, seed: 1 });
    assert.equal(tables[0].rows[1].versus?.verdict, 'worse');
    const other: Comparison = JSON.parse(turned.stdout);
    assert.deepEqual([other.tables[0].reference, other.options.margin], ['selected-2', 0.05]);
    const [one, two] = [tables[0].rows[1].versus, other.tables[0].rows[0].versus];
    assert.ok(one && two && Math.abs(one.difference + two.difference) < 1e-12);
  });

  await t.test('writes the format that the file’s name says, or that is asked for', () => {
    assert.deepEqual([html.code, html.stdout, html.stderr], [0, '', '']);
    assert.match(readFileSync(page, 'utf8'), /<!doctype html>/i);
    assert.match(markdown.stdout, /^\|/m);
    assert.match(csv.stdout, /^[^\n]*task,/);
    assert.match(latex.stdout, /\\toprule/);
  });

  await t.test('explains itself', () => {
    const help = mistakes.pop();
    assert.deepEqual([help?.code, help?.stderr], [0, '']);
    assert.match(String(help?.stdout), /--reference[\s\S]*--margin[\s\S]*--json[\s\S]*Examples:/);
  });

  const expected: [words: RegExp, hint: RegExp][] = [
    [/--reference ful: no run has this arm/, /did you mean "full"/],
    [/--format tex: must be one of text, markdown/, /./],
    [/--json and --format csv exclude/, /one of the two/],
    [/--margin one: must be a number of points/, /--margin 1/],
    [/--resamples 10: must be a whole number from 100/, /10000/],
    [/nowhere: there is no such folder/, /spantune train/],
    [/compare needs <runs\.\.>/, /--help/],
  ];
  for (const [i, [message, hint]] of expected.entries()) {
    await t.test(`a mistake: ${cases[7 + i].slice(1).join(' ') || 'no such thing'}`, () => {
      const { code, stdout, stderr } = mistakes[i];
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
      assert.match(stderr, hint);
    });
  }
});
