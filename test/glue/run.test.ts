/** A grid in processes of its own: finished, killed, interrupted, locked, failed, and begun again. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { attemptsOf, lostSeconds, runAttempts } from '../../src/glue/attempts.js';
import { isLock, takeLock } from '../../src/lock.js';
import { type Outcome, spantune } from '../cli/support.js';
import { begun, bench, isBusy, isDone, read, runsOf, scores, stoppedBy, until } from './support.js';

const { folder, write } = bench();
const arms = [
  'top-1',
  { name: 'low', bottom: 2, top: 2, head: 2 },
  { name: 'same', bottom: 'L', top: 'L', head: 'L' },
  'selected-2',
];
const grid = write({ arms, reference: 'top-1' });
const glue = (output: string, ...words: string[]) => spantune(['glue', grid, '--output', output, ...words]);

/** One run has ended, and another one is tuning. */
const tuningAfterOne = (output: string) => runsOf(output).some(isDone) && begun(output).some((run) => !isDone(run));

const whole = join(folder, 'whole');
let first: Outcome;
before(async () => {
  first = await glue(whole, '--jobs', '2', '--json');
});

describe('a grid', { concurrency: 1 }, () => {
  test('runs every arm once, equal triples together, and ends with a comparison', () => {
    assert.equal(first.code, 0, first.stderr);
    const { tables, failures } = read(whole);
    assert.deepEqual(failures, []);
    const [{ rows, selection }] = tables;
    const own = rows.filter(({ runs }) => runs.length > 0);
    assert.ok(own.every(({ runs }) => runs.every(({ score }) => score !== undefined)));
    assert.deepEqual(
      rows.map(({ id, sameAs }) => [id, sameAs]),
      [
        ['top-1', undefined],
        ['low', undefined],
        ['same', 'top-1'],
        ['selected-2', undefined],
      ],
    );
    assert.equal(runsOf(whole).length, 3);
    assert.equal(own.length, 3);
    assert.ok(existsSync(join(whole, selection ?? '')));
    const comparison = JSON.parse(first.stdout);
    assert.deepEqual(comparison.tables.length, 1);
    for (const name of ['comparison.md', 'comparison.html', 'comparison.tex']) assert.ok(existsSync(join(whole, name)));
  });

  test('the same command runs nothing again', async () => {
    const { code, stderr } = await glue(whole, '--quiet');
    assert.equal(code, 0, stderr);
    for (const run of runsOf(whole))
      assert.deepEqual(
        attemptsOf(runAttempts(run)).map(({ outcome }) => outcome),
        ['done'],
      );
  });

  test('a second grid takes finished runs from a shared store, under its own names', async () => {
    const other = write({ arms: [{ name: 'mine', bottom: 3, top: 3, head: 3 }], reference: 'mine' });
    const output = join(folder, 'second');
    const { code, stderr } = await spantune(['glue', other, '--output', output, '--store', whole, '--quiet']);
    assert.equal(code, 0, stderr);
    const [{ rows }] = read(output).tables;
    const theirs = read(whole).tables[0].rows.find(({ id }) => id === 'top-1');
    assert.equal(rows[0].runs[0].score, theirs?.runs[0].score);
    assert.ok(!existsSync(join(output, 'runs')));
  });

  test('killed, its children end too; started again, it comes to the same scores', async (t) => {
    if (process.platform !== 'linux') return t.skip('looks at /proc');
    const output = join(folder, 'killed');
    await stoppedBy('SIGKILL', grid, output, tuningAfterOne);
    await until(() => !isBusy(output));
    const open = runsOf(output).filter((run) => !existsSync(join(run, 'result.json')));
    assert.ok(open.length > 0, 'nothing was under way');
    const done = runsOf(output).filter((run) => !open.includes(run));
    const { code, stderr } = await glue(output, '--jobs', '2');
    assert.equal(code, 0, stderr);
    assert.deepEqual(scores(output), scores(whole));
    for (const run of done) assert.equal(attemptsOf(runAttempts(run)).length, 1, 'a finished run ran again');
    for (const run of open) {
      assert.deepEqual(
        attemptsOf(runAttempts(run)).map(({ outcome }) => outcome),
        ['killed', 'done'],
      );
      assert.ok(lostSeconds(runAttempts(run)) >= 0);
    }
  });

  test('Ctrl-C stops it cleanly, and says how it goes on', async () => {
    const output = join(folder, 'interrupted');
    const { code, stderr } = await stoppedBy('SIGINT', grid, output, tuningAfterOne);
    assert.equal(code, 130, stderr);
    assert.match(stderr, /stopping every run after the step under way/);
    assert.match(
      stderr,
      new RegExp(`error +interrupted\\nhint +what is finished stays; .*glue .* --output ${output}.* resumes`),
    );
    assert.ok(!existsSync(join(output, 'grid.lock')));
  });

  test('a finished run whose files are damaged is made again, and counted as not there before', async () => {
    const output = join(folder, 'damaged');
    cpSync(whole, output, { recursive: true });
    const [first, second, third] = runsOf(output);
    const predictions = readFileSync(join(first, 'predictions.tsv'), 'utf8');
    writeFileSync(join(first, 'predictions.tsv'), predictions.split('\n').slice(0, 4).join('\n'));
    truncateSync(join(second, 'tuned.safetensors'), 1000);
    const plan = JSON.parse((await glue(output, '--dry-run', '--json')).stdout);
    assert.deepEqual([plan.runs, plan.finished, plan.selections], [3, 1, 0]);
    assert.ok(plan.seconds > 0 && plan.flops > 0);
    const { code, stderr } = await glue(output, '--jobs', '2');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /runs again: .*predictions\.tsv.*3 predictions, but the run scored/);
    assert.match(stderr, /runs again: .*tuned\.safetensors/);
    assert.equal(readFileSync(join(first, 'predictions.tsv'), 'utf8'), predictions);
    assert.deepEqual(
      [first, second, third].map((run) => attemptsOf(runAttempts(run)).length),
      [2, 2, 1],
    );
    assert.deepEqual(scores(output), scores(whole));
    const after = await glue(output, '--dry-run');
    assert.match(after.stdout, /3 runs; 3 of them finished\nnothing is left to run\./);
  });

  test('two at once in one folder: the second is told', async () => {
    const lock = takeLock(join(whole, 'grid.lock'));
    assert.ok(isLock(lock));
    try {
      const { code, stderr } = await glue(whole);
      assert.equal(code, 2);
      assert.match(
        stderr,
        new RegExp(`error +.*another grid is writing this folder: process ${process.pid} on ${hostname()}`),
      );
    } finally {
      lock.release();
    }
  });

  test('what cannot be measured fails its arms, and the rest goes on', async () => {
    const failing = write({
      arms: ['top-1', 'selected-2'],
      reference: 'top-1',
      run: { selection: { score: 'fisher' }, training: { epochs: 1 }, engine: { threads: 1 } },
      tasks: [regression()],
    });
    const output = join(folder, 'failing');
    const { code, stderr, stdout } = await spantune(['glue', failing, '--output', output]);
    const { failures, tables } = read(output);
    assert.equal(failures.length, 1, stderr);
    assert.equal(code, failures[0].exitCode);
    assert.match(stderr, /failed layers of scores: .*\n\nnext .*runs again what failed/);
    assert.match(tables[0].rows[1].note ?? '', /the layers could not be measured/);
    assert.ok(tables[0].rows[0].runs[0].score !== undefined);
    assert.match(stdout, /top-1/);
    assert.match(readFileSync(join(output, 'failures.jsonl'), 'utf8'), /layers of scores/);
  });
});

/** A task whose training split has a row of no score: read by `dev` alone it would do, measured it does not. */
function regression() {
  const path = join(folder, 'scores');
  mkdirSync(path, { recursive: true });
  const rows = (count: number) =>
    ['sentence\tlabel', ...Array.from({ length: count }, (_, i) => `the whale ${i}\t1`)].join('\n');
  for (const name of ['train', 'dev']) writeFileSync(join(path, `${name}.tsv`), `${rows(12)}\n`);
  return { name: 'scores', train: join(path, 'train.tsv'), dev: join(path, 'dev.tsv'), kind: 'regression' };
}
