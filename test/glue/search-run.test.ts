/** A grid that searches learning rates: its trials are run once, whatever stops it, and count as what is finished. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { attemptsOf, runAttempts, selectionAttempts } from '../../src/glue/attempts.js';
import { spantune } from '../cli/support.js';
import { begun, bench, isBusy, isDone, read, runsOf, scores, stoppedBy, until } from './support.js';

const { folder, write } = bench();
const grid = write({
  arms: ['top-1', 'selected-2'],
  reference: 'top-1',
  learningRate: { search: { rates: { 'fine-tune': [5e-3, 2e-2] } } },
});
const glue = (output: string, ...words: string[]) => spantune(['glue', grid, '--output', output, ...words]);

const isTrial = (run: string) => isDone(run) && !existsSync(join(run, 'tuned.safetensors'));
const selections = (output: string) => {
  const at = join(output, 'selections');
  return existsSync(at) ? readdirSync(at).map((name) => join(at, name)) : [];
};
const measured = (output: string) => selections(output).filter((file) => file.endsWith('.json'));
/** How often each run and trial was begun. */
const attempts = (output: string) => new Map(runsOf(output).map((run) => [run, attemptsOf(runAttempts(run)).length]));

const whole = join(folder, 'whole');
before(async () => {
  const { code, stderr } = await glue(whole, '--jobs', '2');
  assert.equal(code, 0, stderr);
});

describe('a grid that searches', { concurrency: 1 }, () => {
  test('tries every rate, keeps no weights of trials, and counts their seconds', () => {
    const [{ rows }] = read(whole).tables;
    for (const { trials = [], searchSeconds, learningRate, runs } of rows) {
      assert.ok(trials.length === 2 || trials.length === 3);
      assert.ok(trials.some(({ rate }) => rate === learningRate));
      assert.ok(searchSeconds > 0 && runs[0].score !== undefined);
    }
    const trials = rows.reduce((sum, row) => sum + (row.trials?.length ?? 0), 0);
    assert.equal(runsOf(whole).filter(isTrial).length, trials);
    assert.equal(runsOf(whole).length, trials + 2);
  });

  test('runs nothing again, as a whole, by cells, or looking only; and a dry run knows', async () => {
    const first = attempts(whole);
    const table = readFileSync(join(whole, 'comparison.md'), 'utf8');
    for (const words of [[], ['--cell', '1'], ['--cell', '2'], ['--stage', 'search'], ['--stage', 'compare']]) {
      const { code, stderr } = await glue(whole, ...words);
      assert.equal(code, 0, stderr);
    }
    assert.deepEqual(attempts(whole), first);
    assert.equal(readFileSync(join(whole, 'comparison.md'), 'utf8'), table);
    const plan = JSON.parse((await glue(whole, '--dry-run', '--json')).stdout);
    assert.equal(plan.finished, first.size);
    assert.match((await glue(whole, '--dry-run')).stdout, /nothing is left to run\./);
  });

  test('makes a trial again whose files are damaged, and no other', async () => {
    const [{ rows }] = read(whole).tables;
    const [trial] = rows[0].trials ?? [];
    const damaged = join(whole, trial.folder);
    const first = attempts(whole);
    rmSync(join(damaged, 'predictions.tsv'));
    const { code, stderr } = await glue(whole);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /runs again: .*predictions\.tsv/);
    assert.deepEqual(attempts(whole), first.set(damaged, 2));
  });

  test('killed while measuring, while searching and while tuning, it comes to the same scores, rates and counts', async (t) => {
    if (process.platform !== 'linux') return t.skip('looks at /proc');
    const output = join(folder, 'killed');
    let early: boolean | undefined;
    const points: ((output: string) => boolean)[] = [
      () => selections(output).some((file) => file.endsWith('.attempts.jsonl')),
      () => runsOf(output).some(isDone) && begun(output).some((run) => !isDone(run)),
      () => runsOf(output).filter(isTrial).length >= 4 && begun(output).some((run) => !isDone(run)),
    ];
    for (const ready of points) {
      await stoppedBy('SIGKILL', grid, output, ready);
      await until(() => !isBusy(output));
      early ??= measured(output).length > 0;
    }
    const { code, stderr } = await glue(output, '--jobs', '2');
    assert.equal(code, 0, stderr);
    assert.deepEqual(scores(output), scores(whole));
    assert.equal(runsOf(output).length, runsOf(whole).length);
    const outcomes = runsOf(output).flatMap((run) => attemptsOf(runAttempts(run)).map(({ outcome }) => outcome));
    assert.equal(outcomes.filter((outcome) => outcome === 'done').length, runsOf(output).length);
    const killed = outcomes.filter((outcome) => outcome === 'killed').length;
    assert.ok(killed >= 1 && killed <= 2, `${killed} attempts were killed`);
    const [selection] = measured(output);
    assert.deepEqual(
      attemptsOf(selectionAttempts(selection)).map(({ outcome }) => outcome),
      early ? ['done'] : ['killed', 'done'],
    );
    const verdicts = (at: string) => {
      const { tables } = JSON.parse(readFileSync(join(at, 'comparison.json'), 'utf8'));
      return tables[0].rows.map(({ id, versus }: { id: string; versus?: object }) => [id, versus]);
    };
    assert.deepEqual(verdicts(output), verdicts(whole));
  });
});
