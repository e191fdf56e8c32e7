/** `spantune study` from outside. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { spantuneAll } from '../cli/support.js';
import { headRuns, selectionWith } from './support.js';

const root = mkdtempSync(join(tmpdir(), 'spantune-study-cli-'));
after(() => rmSync(root, { recursive: true }));
const runs = join(root, 'runs');
headRuns(runs, 2, [0.6, 0.7, 0.9, 0.7, 0.6], [1, 2, 3, 4]);
const scores = join(root, 'scores.json');
writeFileSync(scores, JSON.stringify(selectionWith({ logme: [1, 2, 3, 9, 5, 6] })));
const damaged = join(root, 'damaged.json');
writeFileSync(damaged, '{ "task": "mrpc" }');

test('spantune study', async (t) => {
  const few = ['--halvings', '5', '--resamples', '100'];
  const output = join(root, 'out');
  const [written, json, ...mistakes] = await spantuneAll(
    [
      ['regret', runs, scores, ...few, '--output', output],
      ['regret', runs, ...few, '--json'],
      ['regrets', runs],
      ['regret', runs, '--draws', '3'],
      ['regret', runs, damaged, ...few],
      ['regret', scores, ...few],
      ['regret', runs, '--k', '4', ...few],
      ['regret', runs, '--resamples', '10'],
      ['depth', runs, '--margin', 'one'],
      ['depth', join(root, 'nowhere')],
      ['robustness', 'configs/defaults.yaml', '--ratios', '1,x'],
      ['regret', runs, '--format', 'latex'],
      ['regret'],
    ].map((words) => ['study', ...words]),
  );

  await t.test('prints the tables and writes them with their plots', () => {
    assert.equal(written.code, 0, written.stderr);
    assert.match(written.stdout, /LogME +3-4 @ 4/);
    assert.match(written.stdout, /best by another seed/);
    assert.equal(readFileSync(join(output, 'regret.txt'), 'utf8'), written.stdout);
    assert.ok(existsSync(join(output, 'plots', 'regret-mrpc.svg')));
    assert.match(written.stderr, /written: .*regret\.\{txt,md,csv,json\}, 2 plots/);
  });

  await t.test('prints one document for programs', () => {
    const report = JSON.parse(json.stdout);
    assert.equal(report.study, 'regret');
    assert.match(report.notes.join('\n'), /no measurement of the layers/);
  });

  await t.test('says what is wrong, and what to do', () => {
    const expected = [
      /there is no study "regrets"[\s\S]*did you mean "regret"/,
      /--draws is nothing that regret asks for[\s\S]*robustness/,
      /damaged\.json.*no measurement of the layers/,
      /no run is named/,
      /no task has runs of 4 tuned layers/,
      /--resamples 10/,
      /--margin one/,
      /no such folder/,
      /--ratios 1,x/,
      /--format latex/,
      /needs <name> <inputs\.\.>/,
    ];
    mistakes.forEach(({ code, stderr }, at) => {
      assert.equal(code, 2, stderr);
      assert.match(stderr, expected[at]);
    });
  });
});
