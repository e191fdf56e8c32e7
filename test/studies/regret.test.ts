import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gatherRuns } from '../../src/comparison/gather.js';
import { UserError } from '../../src/errors.js';
import { regretReport } from '../../src/studies/regret.js';
import { writeRun } from '../comparison/support.js';
import { headRuns, selectionWith, withFolder } from './support.js';

const OPTIONS = { halvings: 10, resamples: 40, seed: 1 };
const SEEDS = [1, 2, 3, 4];

const selection = selectionWith({
  nu: [-1, -9, -8, -2, -7, -6],
  logme: [1, 2, 3, 9, 5, 4],
  knn: [1, 9, 3, 4, 5, 6],
  fisher: [0, 0, 1, 5, 5, 0],
  cka: [1, 1, 1, 1, 1, 1],
  random: [0, 1, 0, 0, 0, 0],
});

test('each rule is judged by what its choice loses, spans with the classifier on top among them', () => {
  withFolder((folder) => {
    // Heads 2 to 6 of two layers; head 4 is best.
    headRuns(folder, 2, [0.6, 0.7, 0.95, 0.7, 0.6], SEEDS, { examples: 200, task: 'rte' });
    for (const seed of SEEDS) {
      const triple = { bottom: 4, top: 5, head: 6 };
      writeRun(join(folder, `rte-span-${seed}`), {
        task: 'rte',
        arm: '4..5@6',
        triple,
        seed,
        quality: 0.8,
        examples: 200,
      });
    }
    const { records } = gatherRuns([folder]);
    const report = regretReport({ records, selectionOf: () => selection }, OPTIONS);
    assert.equal(report.studies.length, 1);
    const [study] = report.studies;
    assert.equal(study.k, 2);
    assert.deepEqual(study.seeds, SEEDS);
    assert.deepEqual(
      study.positions.map(({ head }) => head),
      [2, 3, 4, 5, 6],
    );
    const rule = new Map(study.rules.map((each) => [each.rule, each]));
    // Layer 1 has the lowest ν, but two layers end at 2 at least.
    assert.deepEqual(rule.get('nu')?.arm, { bottom: 3, top: 4, head: 4 });
    assert.equal(rule.get('nu')?.regret?.value, 0);
    assert.equal(rule.get('nu')?.apparent, 0);
    assert.deepEqual(rule.get('fisher')?.arm, { bottom: 4, top: 5, head: 6 });
    assert.ok(Math.abs((rule.get('fisher')?.regret?.value ?? 9) - 0.15) < 0.05);
    assert.ok(Math.abs((rule.get('knn')?.regret?.value ?? 9) - 0.35) < 0.05);
    assert.ok(Math.abs((rule.get('top')?.regret?.value ?? 9) - 0.35) < 0.05);
    assert.ok(Math.abs((rule.get('random')?.regret?.value ?? 9) - (0.95 - 0.71)) < 0.05);
    assert.ok((rule.get('seed')?.regret?.value ?? 9) < 0.01);
    assert.equal(rule.has('cka') || rule.has('logistic'), false);
    const random = study.rules.filter(({ rule: name }) => name === 'random');
    assert.equal(random.length, 1);
    assert.equal(random[0].arm, null);

    const rank = new Map(study.ranks.map((each) => [each.score, each]));
    const tuned = study.positions.map(({ mean }) => mean);
    assert.ok(tuned[2] === Math.max(...tuned));
    const logme = rank.get('logme');
    assert.ok(logme?.spearman && logme.low !== null && logme.high !== null);
    assert.ok(logme.low <= logme.spearman && logme.spearman <= logme.high);
    assert.match(rank.get('fisher')?.missing ?? '', /2 of 5 ran/);
  });
});

test('k is found by what ran; a position that did not run is named', () => {
  withFolder((folder) => {
    headRuns(folder, 2, [0.6, 0.7, 0.9, 0.7, 0.6], [1, 2]);
    const { records } = gatherRuns([folder]);
    assert.deepEqual(
      regretReport({ records }, OPTIONS).studies.map(({ k }) => k),
      [2],
    );
    const lacking = records.filter(({ arm }) => arm.head !== 4);
    assert.throws(
      () => regretReport({ records: lacking }, OPTIONS),
      (error: unknown) => error instanceof UserError && /2 tuned layers did not run at head 4/.test(error.message),
    );
    assert.throws(() => regretReport({ records, k: 3 }, OPTIONS), /no task has runs of 3 tuned layers/);
    // A seed that lacks at one position is left out, and said so.
    const [study] = regretReport(
      { records: records.filter(({ arm, seed }) => arm.head !== 4 || seed !== 2) },
      OPTIONS,
    ).studies;
    assert.deepEqual(study.seeds, [1]);
    assert.match(study.notes.join(), /only seeds 1 ran/);
    assert.equal(study.rules.find(({ rule }) => rule === 'seed')?.regret, null);
  });
});

test('means over tasks need every task; their error is that of independent dev sets', () => {
  withFolder((folder) => {
    headRuns(folder, 2, [0.6, 0.7, 0.9, 0.7, 0.6], [1, 2, 3, 4], { task: 'mrpc' });
    headRuns(folder, 2, [0.6, 0.6, 0.6, 0.9, 0.6], [1, 2, 3, 4], { task: 'rte' });
    const { records } = gatherRuns([folder]);
    const report = regretReport(
      {
        records,
        selectionOf: (task) => (task === 'rte' ? selectionWith({ logme: [1, 2, 3, 4, 5, 6] }, task) : undefined),
      },
      OPTIONS,
    );
    const [overall] = report.overall;
    assert.deepEqual(overall.tasks, ['mrpc', 'rte']);
    const of = (name: string) => overall.rules.find(({ rule }) => rule === name);
    const tops = report.studies.map((study) => study.rules.find(({ rule }) => rule === 'top')?.regret);
    assert.ok(Math.abs((of('top')?.regret?.value ?? 9) - ((tops[0]?.value ?? 0) + (tops[1]?.value ?? 0)) / 2) < 1e-12);
    assert.ok(
      Math.abs((of('top')?.regret?.error ?? 9) - Math.hypot(tops[0]?.error ?? 0, tops[1]?.error ?? 0) / 2) < 1e-12,
    );
    assert.equal(of('logme')?.regret, null);
    assert.equal(of('logme')?.tasks, 1);
    assert.match(report.notes.join('\n'), /mrpc: no measurement/);
  });
});
