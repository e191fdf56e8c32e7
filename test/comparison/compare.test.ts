/** Runs in tables: which rows there are, what they are compared with, and what a reader is told. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { compare } from '../../src/comparison/compare.js';
import { readRunRecord } from '../../src/comparison/run-record.js';
import type { ComparisonOptions, Remark, RunRecord } from '../../src/comparison/types.js';
import { UserError } from '../../src/errors.js';
import { holm } from '../../src/metrics/significance/holm.js';
import { GLUE, type RunSpec, writeRun } from './support.js';

const root = mkdtempSync(join(tmpdir(), 'spantune-compare-'));
after(() => rmSync(root, { recursive: true }));
let made = 0;

const options: ComparisonOptions = { reference: 'full', margin: 0.01, resamples: 500, seed: 1 };
const runOf = (spec: RunSpec): RunRecord => readRunRecord(writeRun(join(root, `run${++made}`), spec));
const seedsOf = (spec: RunSpec, ...seeds: number[]) => seeds.map((seed) => runOf({ ...spec, seed }));
const tableOf = (records: RunRecord[], more: Partial<ComparisonOptions> = {}) =>
  compare(records, { ...options, ...more }).tables[0];
const idsOf = (records: RunRecord[]) => tableOf(records).rows.map(({ id }) => id);

describe('rows', () => {
  test('hold the seeds of one arm with one method: means, deviations, cost', () => {
    const records = seedsOf({ arm: 'full' }, 2, 1);
    const [row] = tableOf(records).rows;
    const [one, two] = [records[1], records[0]];
    assert.deepEqual([row.id, row.seeds, row.scores], ['full', [1, 2], [one.score, two.score]]);
    assert.equal(row.mean, (one.score + two.score) / 2);
    assert.ok(Math.abs(Number(row.deviation) - Math.abs(one.score - two.score) / Math.SQRT2) < 1e-12);
    assert.deepEqual(Object.keys(row.metrics), ['f1', 'accuracy']);
    assert.equal(row.metrics.f1.mean, (one.metrics.f1 + two.metrics.f1) / 2);
    assert.deepEqual(row.cost, {
      trainingFlops: 2.5e9,
      inferenceFlops: 1e6,
      trainableParameters: 6000,
      storedParameters: 9000,
      seconds: { read: 1, tune: 11.5, evaluate: 1, total: 13.5 },
      peakMemory: 1e8 + 2,
      inference: { latency: 3.5, throughput: 100 },
    });
    assert.equal(tableOf([one]).rows[0].deviation, null);
  });

  test('know no cost that not every run tells', () => {
    const [one, two] = seedsOf({}, 1, 2);
    const { inference: _, ...cost } = one.cost;
    const older = { ...one, cost: { ...cost, trainingFlops: null } };
    const [row] = tableOf([older, two]).rows;
    assert.equal(row.cost.trainingFlops, null);
    assert.deepEqual(row.cost.inference, two.cost.inference);
  });

  test('stand in the order of the presets, fine-tuning first, methods named where there are several', () => {
    const arms = ['selected-2', 'head-only', 'top-2', 'full'];
    assert.deepEqual(idsOf(arms.map((arm) => runOf({ arm }))), ['full', 'top-2', 'selected-2', 'head-only']);
    const lora = { method: 'lora', rank: 4 };
    assert.deepEqual(idsOf([...['top-2', 'full'].map((arm) => runOf({ arm, tuning: lora })), runOf({})]), [
      'full, fine-tune',
      'full, lora rank 4',
      'top-2, lora rank 4',
    ]);
  });

  test('of one triple are one: the reference has the runs, or the first', () => {
    const records = [
      ...seedsOf({ arm: 'top-2' }, 1, 2),
      ...seedsOf({ arm: 'selected-2', triple: { bottom: 5, top: 6, head: 6 } }, 2, 3),
      ...seedsOf({}, 1, 2, 3),
    ];
    const rows = tableOf(records).rows;
    assert.deepEqual(
      rows.map(({ id, sameAs, seeds, versus }) => [id, sameAs, seeds, versus !== undefined]),
      [
        ['full', undefined, [1, 2, 3], false],
        ['top-2', undefined, [1, 2, 3], true],
        ['selected-2', 'top-2', [1, 2, 3], false],
      ],
    );
    // Seed 2 of the name that has the row; seed 3 of the other.
    assert.deepEqual(rows[1].scores, [records[0].score, records[1].score, records[3].score]);
    assert.equal(tableOf(records).records.length, 6);
    const turned = tableOf(records, { reference: 'selected-2' });
    assert.deepEqual(
      [turned.reference, turned.rows.find(({ id }) => id === 'top-2')?.sameAs],
      ['selected-2', 'selected-2'],
    );
  });

  test('of the classifier alone are one, whatever the method', () => {
    const rows = tableOf([
      runOf({ arm: 'head-only' }),
      runOf({ arm: 'head-only', tuning: 'lora' }),
      runOf({ arm: 'top-2', tuning: 'lora' }),
      runOf({}),
    ]).rows;
    assert.deepEqual(
      rows.map(({ id, method, sameAs }) => [id, method, sameAs]),
      [
        ['full, fine-tune', 'fine-tune', undefined],
        ['head-only, fine-tune', 'fine-tune', undefined],
        ['top-2, lora', 'lora', undefined],
        ['head-only, lora', 'lora', 'head-only, fine-tune'],
      ],
    );
  });

  test('tell an arm’s layers where they differ between runs', () => {
    const other = runOf({ arm: 'selected-2', seed: 2, triple: { bottom: 2, top: 3, head: 3 } });
    assert.deepEqual(idsOf([runOf({ arm: 'selected-2' }), other]), ['selected-2 (2-3 @ 3)', 'selected-2 (3-4 @ 4)']);
  });

  test('tell the learning rate where a seed ran with several', () => {
    const [one, two] = seedsOf({ learningRate: 3e-5 }, 1, 2);
    const other = runOf({ seed: 3, learningRate: 1e-4 });
    const [row] = tableOf([one, two, other]).rows;
    assert.deepEqual([row.id, row.learningRates], ['full', [3e-5, 1e-4]]);
    const again = runOf({ seed: 2, learningRate: 1e-4 });
    const top = runOf({ arm: 'top-2' });
    const comparison = compare([one, two, other, again, top], { ...options, reference: 'full, lr 3e-5' });
    assert.deepEqual(
      comparison.tables[0].rows.map(({ id, seeds }) => [id, seeds]),
      [
        ['full, lr 3e-5', [1, 2]],
        ['full, lr 1e-4', [2, 3]],
        ['top-2', [1]],
      ],
    );
    assert.equal(comparison.tables[0].reference, 'full, lr 3e-5');
    assert.throws(
      () => compare([one, two, again], options),
      (error) =>
        error instanceof UserError &&
        /one of several rows of mrpc: "full, lr 3e-5", "full, lr 1e-4"/.test(error.message) &&
        /--reference "full, lr 3e-5"/.test(String(error.hint)),
    );
  });

  test('mark collapsed runs, and keep them', () => {
    const records = [runOf({ constant: 1 }), ...seedsOf({ arm: 'full' }, 2, 3)];
    const comparison = compare(records, options);
    assert.deepEqual(comparison.tables[0].rows[0].collapsed, [1]);
    assert.equal(comparison.tables[0].rows[0].scores.length, 3);
    assert.ok(comparison.notes.some((note) => /collapsed runs \(full\) predict one class/.test(note)));
  });
});

describe('refused are', () => {
  test('two runs with one seed, by their folders, with what they differ in', () => {
    const [one, two] = [runOf({}), runOf({ epochs: 3 })];
    assert.throws(
      () => compare([one, two], options),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /two runs of mrpc full have seed 1: .*run\d+ and .*run\d+/);
        assert.ok(error.message.includes(one.folder) && error.message.includes(two.folder));
        assert.match(error.message, /differ in training\.epochs/);
        return true;
      },
    );
  });

  test('runs that were scored on other dev sets, or in another way', () => {
    assert.throws(
      () => compare([runOf({}), runOf({ arm: 'top-2', examples: 50 })], options),
      /other|different dev sets/,
    );
    assert.throws(() => compare([runOf({}), runOf({ arm: 'top-2', dev: 1 })], options), /different dev sets of mrpc/);
    const mnli = [runOf({ task: 'mnli' }), runOf({ task: 'mnli', arm: 'top-2', mismatched: false })];
    assert.throws(() => compare(mnli, options), /different dev sets of mnli/);
    const one = runOf({});
    const other = { ...runOf({ arm: 'top-2' }), task: { ...one.task, metrics: ['accuracy' as const] } };
    assert.throws(() => compare([one, other], options), /other labels or metrics for mrpc/);
  });
});

describe('differences', () => {
  const records = [
    ...seedsOf({ quality: 0.9, examples: 200 }, 1, 2, 3),
    ...seedsOf({ arm: 'top-2', quality: 0.55, examples: 200 }, 1, 2, 3),
    ...seedsOf({ arm: 'selected-2', quality: 0.88, examples: 200 }, 2, 3, 4),
    ...seedsOf({ arm: 'head-only', quality: 0.6, examples: 200 }, 7),
  ];
  const comparison = compare(records, options);
  const row = (id: string) => comparison.tables[0].rows.find((one) => one.id === id);

  test('are means over the seeds that both have, with interval, p and verdict', () => {
    const versus = row('top-2')?.versus;
    const expected = [0, 1, 2].reduce((sum, i) => sum + (records[3 + i].score - records[i].score) / 3, 0);
    assert.ok(versus && Math.abs(versus.difference - expected) < 1e-12);
    assert.deepEqual([versus.reference, versus.verdict], ['full', 'worse']);
    assert.ok(versus.low < expected && expected < versus.high && versus.high < 0);
    assert.equal(versus.p, 2 / 501);
    assert.equal(row('top-2')?.note, undefined);
  });

  test('say where the seeds are not all in common, or none is', () => {
    const versus = row('selected-2')?.versus;
    const expected = (records[6].score - records[1].score + records[7].score - records[2].score) / 2;
    assert.ok(versus && Math.abs(versus.difference - expected) < 1e-12);
    assert.equal(row('selected-2')?.note, 'compared with full over seeds 2, 3');
    assert.equal(row('head-only')?.versus, undefined);
    assert.equal(row('head-only')?.note, 'no seed in common with full');
    assert.equal(row('full')?.versus, undefined);
  });

  test('are corrected over all tables', () => {
    const both = compare(
      [...records, ...seedsOf({ task: 'rte' }, 1), ...seedsOf({ task: 'rte', arm: 'top-2' }, 1)],
      options,
    );
    assert.equal(both.comparisons, 3);
    const tests = both.tables.flatMap(({ rows }) => rows.flatMap(({ versus }) => (versus ? [versus] : [])));
    assert.deepEqual(
      tests.map(({ adjusted }) => adjusted),
      holm(tests.map(({ p }) => p)),
    );
    // A run's interval does not depend on what stands beside it.
    const alone = compare([records[0], records[3]], options).tables[0].rows[1].versus;
    const beside = compare([records[0], records[3], runOf({ arm: 'selected-2', examples: 200 })], options).tables[0];
    assert.deepEqual(beside.rows[1].versus?.low, alone?.low);
  });

  test('of a run with its copy are exactly 0', () => {
    const [one] = records;
    const copy = { ...one, arm: { name: 'copy', bottom: 2, top: 6, head: 6 } };
    const versus = compare([one, copy], options).tables[0].rows[1].versus;
    assert.deepEqual(versus, {
      reference: 'full',
      difference: 0,
      low: 0,
      high: 0,
      p: 1,
      adjusted: 1,
      verdict: 'matches',
    });
  });

  test('take MNLI’s two dev sets and scores of a regression task', () => {
    for (const task of ['mnli', 'stsb']) {
      const table = tableOf([runOf({ task, quality: 0.95 }), runOf({ task, arm: 'top-2', quality: 0.5 })]);
      assert.equal(table.rows[1].versus?.verdict, 'worse', task);
      assert.equal(table.examples, task === 'mnli' ? 120 : 60);
    }
  });

  test('need the reference', () => {
    const without = compare(records.slice(3), options);
    assert.deepEqual([without.comparisons, without.tables[0].reference], [0, undefined]);
    assert.ok(without.notes.includes('mrpc: no run of full, so nothing is compared with it'));
  });

  test('with several methods are from fine-tuning, unless the reference names one', () => {
    const lora = [runOf({ tuning: 'lora' }), runOf({ arm: 'top-2', tuning: 'lora' }), runOf({})];
    assert.equal(tableOf(lora).reference, 'full, fine-tune');
    assert.equal(tableOf(lora, { reference: 'full, lora' }).reference, 'full, lora');
    assert.equal(tableOf(lora.slice(0, 2), { reference: 'full, lora' }).reference, 'full');
  });
});

describe('notes', () => {
  test('what measuring took is missed where ν placed an arm and nothing tells it', () => {
    const notesOf = (seconds: object) => {
      const run = runOf({ arm: 'selected-2' });
      return compare(
        [runOf({}), { ...run, cost: { ...run.cost, seconds: { ...run.cost.seconds, ...seconds } } }],
        options,
      ).notes.join();
    };
    assert.match(notesOf({}), /mrpc: what measuring the layers took for selected-2 is not in their cost/);
    assert.doesNotMatch(notesOf({ select: 3 }), /what measuring/);
  });

  const notesFor = (...seeds: number[]) =>
    compare([...seedsOf({}, ...seeds), ...seedsOf({ arm: 'top-2' }, ...seeds)], options).notes.join('\n');

  test('say for which seeds intervals speak', () => {
    assert.match(notesFor(4), /speak for this seed \(4\)/);
    assert.match(notesFor(1, 2), /speak for these seeds \(1, 2\)/);
    assert.match(notesFor(1, 2, 3, 4, 5), /seeds are resampled too/);
  });

  test('say in what else runs differ', () => {
    const { notes } = compare([runOf({ epochs: 3 }), runOf({ arm: 'top-2', learningRate: 1 })], options);
    assert.ok(
      notes.some((note) => /mrpc: runs differ in training\.epochs \(3; 2\)/.test(note)),
      notes.join('\n'),
    );
    assert.ok(!notes.some((note) => /learningRate/.test(note)));
  });
});

describe('what a plan says of rows without runs', () => {
  const records = [...seedsOf({}, 1), ...seedsOf({ arm: 'selected-2', triple: { bottom: 5, top: 6, head: 6 } }, 1)];
  const remark = { task: 'mrpc', model: 'en-12x192', method: '' };
  const { tables, notes } = compare(records, options, {
    notes: ['first'],
    remarks: [
      { ...remark, arm: 'top-2', triple: { bottom: 5, top: 6, head: 6 } },
      { ...remark, arm: 'above-selected', note: 'no such arm' },
      { ...remark, arm: 'full', note: '1 of 2 seeds have no result: out of memory' },
      { ...remark, task: 'rte', arm: 'full', note: '2 of 2 seeds have no result: out of memory' },
    ],
  });
  const row = (id: string) => tables[0].rows.find((one) => one.id === id);

  test('is another name, a note, or an empty row', () => {
    assert.deepEqual(
      tables[0].rows.map(({ id }) => id),
      ['full', 'top-2', 'selected-2', 'above-selected'],
    );
    assert.deepEqual([row('top-2')?.sameAs, row('top-2')?.mean], ['selected-2', row('selected-2')?.mean]);
    assert.equal(row('top-2')?.versus, undefined);
    assert.equal(row('full')?.note, '1 of 2 seeds have no result: out of memory');
    assert.deepEqual([row('above-selected')?.scores, row('above-selected')?.arm.head], [[], 0]);
    assert.ok(notes.includes('rte, en-12x192: no run (2 of 2 seeds have no result: out of memory)'));
    assert.equal(notes[0], 'first');
  });

  test('measuring the layers is a cost of the arms that it places, whoever has the runs', () => {
    const measuring = { flops: 1e9, seconds: 7 };
    const [full, selected] = records;
    const placed = [{ ...remark, arm: 'top-2', triple: { bottom: 5, top: 6, head: 6 } }];
    const costs = (runs: RunRecord[], remarks: Remark[]) =>
      compare(runs, options, { remarks }).tables[0].rows.map(({ arm, cost: { trainingFlops, seconds } }) => [
        arm.name,
        Number(trainingFlops) / 1e9,
        seconds.select,
        seconds.total,
      ]);
    const bare = costs([full, selected], placed);
    const [flops, total] = [Number(bare[0][1]), Number(bare[0][3])];
    assert.deepEqual(costs([full, { ...selected, measuring }], placed), [
      ['full', flops, undefined, total],
      ['top-2', flops, undefined, total],
      ['selected-2', flops + 1, 7, total + 7],
    ]);
    const top = { ...selected, arm: { ...selected.arm, name: 'top-2' } };
    assert.deepEqual(costs([full, top], [{ ...placed[0], arm: 'selected-2', measuring }]), [
      ['full', flops, undefined, total],
      ['top-2', flops, undefined, total],
      ['selected-2', flops + 1, 7, total + 7],
    ]);
    const older = [{ ...placed[0], arm: 'selected-2', measuring: { ...measuring, flops: null } }];
    assert.equal(compare([full, top], options, { remarks: older }).tables[0].rows[2].cost.trainingFlops, null);
  });

  test('may be the reference', () => {
    const remarks = [{ ...remark, arm: 'top-2', triple: { bottom: 5, top: 6, head: 6 } }];
    const [table] = compare(records, { ...options, reference: 'top-2' }, { remarks }).tables;
    assert.equal(table.reference, 'selected-2');
  });
});

describe('over tasks', () => {
  const quality = { full: 0.95, 'top-2': 0.4, 'selected-2': 0.9 };
  const records = GLUE.flatMap((task) =>
    Object.entries(quality).map(([arm, share]) => runOf({ task, arm, quality: share, examples: 40 })),
  );

  test('the GLUE mean needs all nine', () => {
    const { overall, tables } = compare(records, options);
    assert.deepEqual(
      tables.map(({ task }) => task.name),
      GLUE,
    );
    const full = overall[0];
    const scores = GLUE.map((task) => records.find((one) => one.task.name === task)?.score ?? Number.NaN);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.equal(full.glue, mean(scores));
    assert.equal(full.glueWithoutWnli, mean(scores.slice(0, 8)));
    assert.deepEqual([full.mean, full.tasks, full.p], [mean(scores), 9, null]);

    const eight = compare(
      records.filter(({ task }) => task.name !== 'wnli'),
      options,
    );
    assert.deepEqual([eight.overall[0].glue, eight.overall[0].glueWithoutWnli], [null, full.glueWithoutWnli]);
    assert.ok(eight.notes.some((note) => /mean of 8 tasks/.test(note)));
  });

  test('verdicts are counted, and the test over tasks is Wilcoxon’s', () => {
    const { overall, tables } = compare(records, options);
    const top = overall.find(({ id }) => id === 'top-2');
    const verdicts = tables.map(({ rows }) => rows.find(({ id }) => id === 'top-2')?.versus?.verdict);
    assert.equal(top?.verdicts.worse, verdicts.filter((verdict) => verdict === 'worse').length);
    assert.equal(
      Object.values(top?.verdicts ?? {}).reduce((sum, count) => sum + count, 0),
      9,
    );
    // All nine differences have one sign.
    const signs = tables.map(({ rows }) => Math.sign(rows.find(({ id }) => id === 'top-2')?.versus?.difference ?? 0));
    assert.deepEqual([...new Set(signs)], [-1]);
    assert.equal(top?.p, 2 / 2 ** 9);
    const five = compare(
      records.filter(({ task }) => GLUE.indexOf(task.name) < 5),
      options,
    );
    assert.equal(five.overall[1].p, null);
    assert.ok(five.notes.some((note) => /no test over tasks: it needs 6/.test(note)));
  });

  test('rows that are the same as others count in means, not in tests', () => {
    const same = records.map((record) =>
      record.task.name === 'rte' && record.arm.name === 'selected-2'
        ? { ...record, arm: { name: 'selected-2', bottom: 5, top: 6, head: 6 } }
        : record,
    );
    const { overall } = compare(same, options);
    const selected = overall.find(({ id }) => id === 'selected-2');
    assert.equal(Object.keys(selected?.scores ?? {}).length, 9);
    assert.equal(
      Object.values(selected?.verdicts ?? {}).reduce((sum, count) => sum + count, 0),
      8,
    );
  });

  test('the mean is over what every row has; models stand apart, by their weights', () => {
    const few = records.filter(({ arm, task }) => arm.name !== 'top-2' || GLUE.indexOf(task.name) < 3);
    const { overall } = compare(few, options);
    assert.deepEqual(
      overall.map(({ tasks }) => tasks),
      [3, 3, 3],
    );
    const others = seedsOf({ hash: 'ccccccccdddddddd' }, 1);
    const { tables } = compare([...seedsOf({}, 1), ...others], options);
    assert.deepEqual(
      tables.map(({ model }) => model),
      ['en-12x192 (aaaaaaaa)', 'en-12x192 (cccccccc)'],
    );
    assert.deepEqual(compare(others, options).overall, []);
  });
});
