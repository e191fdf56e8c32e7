/** Run folders as records, and which folders a path stands for. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gatherRuns } from '../../src/comparison/gather.js';
import { readRunRecord } from '../../src/comparison/run-record.js';
import { methodLabel } from '../../src/config/method-label.js';
import { CheckpointError, DataError, UserError } from '../../src/errors.js';
import { score } from '../../src/metrics/score.js';
import { type RunSpec, writeRun } from './support.js';

const root = mkdtempSync(join(tmpdir(), 'spantune-gather-'));
after(() => rmSync(root, { recursive: true }));
let made = 0;
const runIn = (spec?: RunSpec) => writeRun(join(root, `run${++made}`), spec);

describe('a run folder as a record', () => {
  test('tells scores, predictions, cost and course of the run', () => {
    const record = readRunRecord(runIn({ arm: 'selected-2', seed: 3, learningRate: 1e-4 }));
    assert.equal(record.task.name, 'mrpc');
    assert.deepEqual(record.arm, { name: 'selected-2', bottom: 3, top: 4, head: 4 });
    assert.deepEqual([record.seed, record.learningRate, record.method], [3, 1e-4, 'fine-tune']);
    const [{ split, gold, predicted }] = record.splits;
    assert.deepEqual([split, gold.length], ['dev', 60]);
    assert.equal(score(record.task, predicted, gold).score, record.score);
    assert.equal(record.collapsed, false);
    assert.deepEqual(record.cost, {
      trainingFlops: 4e9,
      inferenceFlops: 1e6,
      trainableParameters: 3000 - 1000,
      storedParameters: 9000,
      seconds: { read: 1, tune: 13, evaluate: 1, total: 15 },
      peakMemory: 1e8 + 3,
      inference: { latency: 5, throughput: 100 },
    } satisfies typeof record.cost);
    assert.deepEqual(
      record.steps.map(({ step, loss }) => [step, loss]),
      [
        [1, 0.5],
        [2, Number.NaN],
      ],
    );
    assert.deepEqual(record.evaluations[1], { step: 2, epoch: 2, score: record.score });
  });

  test('has both dev sets of MNLI', () => {
    const both = readRunRecord(runIn({ task: 'mnli' }));
    assert.deepEqual(
      both.splits.map(({ split }) => split),
      ['dev', 'dev_mismatched'],
    );
    const scores = both.splits.map(({ gold, predicted }) => score(both.task, predicted, gold).score);
    assert.equal(both.score, (scores[0] + scores[1]) / 2);
    assert.equal(readRunRecord(runIn({ task: 'mnli', mismatched: false })).splits.length, 1);
  });

  test('has scores as they were written, and the one of a run that diverged', () => {
    const record = readRunRecord(runIn({ task: 'stsb' }));
    assert.equal(score(record.task, record.splits[0].predicted, record.splits[0].gold).score, record.score);
    const diverged = readRunRecord(runIn({ task: 'stsb', constant: Number.NaN }));
    assert.deepEqual([diverged.score, diverged.collapsed], [0, true]);
    assert.equal(readRunRecord(runIn({ constant: 1 })).collapsed, true);
  });

  test('of an earlier version has no account of its cost', () => {
    const folder = runIn();
    change(folder, (result) => {
      delete result.cost;
      delete result.inference;
      delete result.devExamples;
    });
    const { cost } = readRunRecord(folder);
    assert.deepEqual([cost.trainingFlops, cost.inferenceFlops, cost.storedParameters], [null, null, null]);
    assert.equal(cost.inference, undefined);
  });

  test('without epochs needs no log', () => {
    const folder = runIn({ epochs: 0 });
    rmSync(join(folder, 'metrics.jsonl'));
    assert.deepEqual(readRunRecord(folder).steps, []);
  });
});

function change(folder: string, edit: (result: Record<string, unknown>) => void): void {
  const file = join(folder, 'result.json');
  const result = JSON.parse(readFileSync(file, 'utf8'));
  edit(result);
  writeFileSync(file, JSON.stringify(result));
}
function rewrite(folder: string, name: string, edit: (text: string) => string): void {
  const file = join(folder, name);
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
}

describe('what is missing or damaged is named', () => {
  type Damage = [what: string, damage: (folder: string) => void, kind: typeof UserError, file: RegExp, message: RegExp];
  const cases: Damage[] = [
    ...['result.json', 'config.yaml', 'tuned.safetensors'].map(
      (name): Damage => [
        `no ${name}`,
        (folder) => rmSync(join(folder, name)),
        CheckpointError,
        /run\d+$/,
        new RegExp(name.replace('.', '\\.')),
      ],
    ),
    ...['predictions.tsv', 'metrics.jsonl'].map(
      (name): Damage => [
        `no ${name}`,
        (folder) => rmSync(join(folder, name)),
        UserError,
        new RegExp(`${name}$`),
        /no such file/,
      ],
    ),
    [
      'no metrics in the result',
      (folder) => change(folder, (result) => delete (result.metrics as Record<string, unknown>).score),
      CheckpointError,
      /result\.json$/,
      /"metrics\.score"/,
    ],
    [
      'a result that is cut off',
      (folder) => rewrite(folder, 'result.json', (text) => text.slice(0, 200)),
      UserError,
      /result\.json$/,
      /not valid JSON/,
    ],
    [
      'too few predictions',
      (folder) => rewrite(folder, 'predictions.tsv', (text) => text.split('\n').slice(0, -2).join('\n')),
      CheckpointError,
      /predictions\.tsv$/,
      /59 predictions, but the run scored 60/,
    ],
    [
      'too few predictions of a run that does not say how many there are',
      (folder) => {
        change(folder, (result) => delete result.devExamples);
        rewrite(folder, 'predictions.tsv', (text) => text.split('\n').slice(0, 20).join('\n'));
      },
      CheckpointError,
      /predictions\.tsv$/,
      /score .*, but result\.json says/,
    ],
    [
      'a line that is cut off',
      (folder) => rewrite(folder, 'predictions.tsv', (text) => text.slice(0, text.length - 12)),
      DataError,
      /predictions\.tsv$/,
      /columns/,
    ],
    [
      'an unknown label',
      (folder) => rewrite(folder, 'predictions.tsv', (text) => text.replace('\tequivalent\t', '\tequal\t')),
      DataError,
      /predictions\.tsv$/,
      /(label|prediction) "equal" is not one of not_equivalent, equivalent/,
    ],
    [
      'other columns',
      (folder) => rewrite(folder, 'predictions.tsv', (text) => text.replace('index', 'id')),
      DataError,
      /predictions\.tsv$/,
      /index, label, prediction/,
    ],
    [
      'no predictions',
      (folder) => rewrite(folder, 'predictions.tsv', (text) => text.split('\n')[0]),
      DataError,
      /predictions\.tsv$/,
      /no predictions/,
    ],
    [
      'a broken log',
      (folder) => rewrite(folder, 'metrics.jsonl', (text) => text.slice(0, -10)),
      CheckpointError,
      /metrics\.jsonl$/,
      /not a line/,
    ],
  ];
  for (const [what, damage, kind, file, message] of cases) {
    test(what, () => {
      const folder = runIn();
      damage(folder);
      assert.throws(
        () => gatherRuns([folder]),
        (error) => {
          assert.ok(error instanceof kind, String(error));
          assert.match(String(error.place.file), file);
          assert.match(error.message, message);
          assert.ok(error.hint);
          return true;
        },
      );
    });
  }

  test('scores of a regression task, with their line', () => {
    const folder = runIn({ task: 'stsb' });
    rewrite(folder, 'predictions.tsv', (text) => text.replace(/^(3\t[^\t]*\t).*$/m, '$1much'));
    assert.throws(
      () => readRunRecord(folder),
      (error) => {
        assert.ok(error instanceof DataError);
        assert.equal(error.place.line, 5);
        assert.match(error.message, /prediction "much" is not a number/);
        return true;
      },
    );
  });

  test('the second dev set of MNLI', () => {
    const folder = runIn({ task: 'mnli' });
    rmSync(join(folder, 'predictions_mismatched.tsv'));
    assert.throws(() => readRunRecord(folder), /no such file/);
  });
});

describe('paths', () => {
  const seeds = (paths: string[]) => gatherRuns(paths).records.map(({ seed }) => seed);

  test('a folder of folders is searched three deep, and a run is read once', () => {
    const folder = join(root, 'nested');
    writeRun(join(folder, 'one'), { seed: 1 });
    writeRun(join(folder, 'a', 'two'), { seed: 2 });
    writeRun(join(folder, 'a', 'b', 'three'), { seed: 3 });
    writeRun(join(folder, 'a', 'b', 'c', 'four'), { seed: 4 });
    assert.deepEqual(seeds([folder]).sort(), [1, 2, 3]);
    assert.deepEqual(seeds([join(folder, 'one'), folder, join(folder, 'a', 'b', 'three')]).sort(), [1, 2, 3]);
  });

  test('unfinished runs on the way are left out, and told', () => {
    const folder = join(root, 'some');
    writeRun(join(folder, 'one'), { seed: 1 });
    const two = writeRun(join(folder, 'two'), { seed: 2 });
    rmSync(join(two, 'result.json'));
    const { records, leftOut } = gatherRuns([folder]);
    assert.deepEqual([records.length, leftOut], [1, [two]]);
  });

  test('without a run in it a path is refused', () => {
    mkdirSync(join(root, 'empty'));
    assert.throws(() => gatherRuns([join(root, 'empty')]), /no run in there/);
    assert.throws(() => gatherRuns([join(root, 'nowhere')]), /no such folder/);
    const folder = runIn();
    assert.throws(() => gatherRuns([join(folder, 'config.yaml')]), UserError);
  });
});

describe('a grid', () => {
  const folder = join(root, 'grid');
  const run = (hash: string, spec: RunSpec) => {
    writeRun(join(folder, 'runs', hash), spec);
    return { seed: spec.seed ?? 1, folder: join(folder, 'runs', hash), score: 0.5 };
  };
  const row = (name: string, more: object = {}) => ({ id: name, name, method: 0, searchSeconds: 0, runs: [], ...more });
  const selection = join(folder, 'selections', 's.json');
  const document = {
    format: 1,
    reference: 'full',
    margin: 0.02,
    notes: ['learning rate: searched'],
    tables: [
      {
        model: 'en-12x192',
        task: 'mrpc',
        layers: 6,
        selection,
        lostSeconds: 7,
        rows: [
          row('full', {
            triple: { bottom: 1, top: 6, head: 6 },
            searchSeconds: 40,
            trials: [
              { rate: 1e-5, score: 0.5 },
              { rate: 3e-5, score: 0.6 },
              { rate: 1e-4, score: null },
            ],
            runs: [run('f1', {})],
          }),
          row('selected-2', {
            triple: { bottom: 5, top: 6, head: 6 },
            measured: true,
            runs: [
              run('t1', { arm: 'top-2' }),
              { seed: 2, folder: join(folder, 'runs', 't2'), failure: 'out of memory' },
            ],
          }),
          row('top-2', { triple: { bottom: 5, top: 6, head: 6 }, sameAs: 'selected-2' }),
          row('above-selected', { note: 'no such arm: no layer is left to tune' }),
        ],
      },
    ],
    failures: [],
  };
  mkdirSync(join(folder, 'selections'), { recursive: true });
  writeFileSync(
    selection,
    JSON.stringify({
      selected: 4,
      seconds: 31.23,
      flops: 5e12,
      layers: [],
      score: 'nu',
      scores: [
        { name: 'nu', seconds: 3 },
        { name: 'logme', seconds: 20 },
      ],
    }),
  );
  writeFileSync(join(folder, 'grid.json'), JSON.stringify(document));
  // A trial of the search: no row of the table.
  run('trial', { seed: 9 });

  test('says which runs are whose', () => {
    const gathered = gatherRuns([folder]);
    assert.deepEqual(
      gathered.records.map(({ arm, seed }) => [arm.name, seed]),
      [
        ['full', 1],
        ['selected-2', 1],
      ],
    );
    assert.deepEqual([gathered.reference, gathered.margin], ['full', 0.02]);
    assert.equal(gathered.records[0].cost.seconds.search, 40);
    assert.equal(gathered.records[1].cost.seconds.search, undefined);
    // The same run without a search took 40 s less.
    const [{ cost: searched }, { cost: plain }] = gathered.records;
    assert.equal(searched.seconds.total, plain.seconds.total + 40);
    assert.equal(gathered.records[0].selection?.selected, 4);
    // What placing an arm took stands beside what its run took.
    assert.equal(gathered.records[0].measuring, undefined);
    assert.deepEqual(gathered.records[1].measuring, { flops: 5e12, seconds: 31.23 - 20 + 7 });
    assert.deepEqual(gathered.remarks, [
      {
        task: 'mrpc',
        model: 'en-12x192',
        arm: 'full',
        method: 'fine-tune',
        triple: { bottom: 1, top: 6, head: 6 },
        note: '1 of 3 trials of its learning rate failed (0.0001)',
      },
      {
        task: 'mrpc',
        model: 'en-12x192',
        arm: 'selected-2',
        method: 'fine-tune',
        triple: { bottom: 5, top: 6, head: 6 },
        measuring: { flops: 5e12, seconds: 31.23 - 20 + 7 },
        note: '1 of 2 seeds have no result: out of memory',
      },
      { task: 'mrpc', model: 'en-12x192', arm: 'top-2', method: '', triple: { bottom: 5, top: 6, head: 6 } },
      {
        task: 'mrpc',
        model: 'en-12x192',
        arm: 'above-selected',
        method: '',
        note: 'no such arm: no layer is left to tune',
      },
    ]);
    assert.deepEqual(gathered.notes.length, 2);
    assert.match(
      gathered.notes[1],
      /mrpc: measuring the layers of en-12x192 took 18 s, 7 s of them in attempts that came to nothing, once for all runs; each arm that it places counts it in full; further scores took 20 s/,
    );
  });

  test('may have been moved', () => {
    const moved = join(root, 'moved');
    cpSync(folder, moved, { recursive: true });
    const text = readFileSync(join(moved, 'grid.json'), 'utf8').replaceAll(folder, '/elsewhere/grid');
    writeFileSync(join(moved, 'grid.json'), text);
    const { records } = gatherRuns([moved]);
    assert.deepEqual([records.length, records[0].selection?.selected], [2, 4]);
  });

  test('whose file is damaged is refused', () => {
    const damaged = join(root, 'damaged');
    mkdirSync(damaged);
    writeFileSync(join(damaged, 'grid.json'), JSON.stringify({ ...document, tables: [{ task: 'mrpc' }] }));
    assert.throws(() => gatherRuns([damaged]), /"tables\.0\.model" is missing/);
    writeFileSync(join(damaged, 'grid.json'), JSON.stringify({ ...document, format: 2 }));
    assert.throws(() => gatherRuns([damaged]), /"format" is missing or not as a grid writes it/);
  });

  test('mends what is damaged in its runs', () => {
    const damaged = join(root, 'damaged-run');
    cpSync(folder, damaged, { recursive: true });
    const text = readFileSync(join(damaged, 'grid.json'), 'utf8').replaceAll(folder, damaged);
    writeFileSync(join(damaged, 'grid.json'), text);
    writeFileSync(join(damaged, 'runs', 'f1', 'tuned.safetensors'), 'cut');
    const told = (error: CheckpointError) =>
      /f1.tuned\.safetensors$/.test(error.place.file ?? '') && /run the grid again/.test(error.hint ?? '');
    assert.throws(() => gatherRuns([damaged]), told);
  });
});

test('methods are called by what is not their default', () => {
  assert.equal(methodLabel('fine-tune'), 'fine-tune');
  const lora = {
    method: 'lora',
    rank: 8,
    alpha: 16,
    dropout: 0,
    targets: ['query', 'value'],
    layerNorms: false,
  } as const;
  assert.equal(methodLabel({ ...lora, targets: ['query', 'value'] }), 'lora');
  assert.equal(methodLabel({ ...lora, rank: 4, targets: ['query'] }), 'lora rank 4 targets query');
  assert.equal(methodLabel({ method: 'ia3', layerNorms: false, from: '/somewhere/mrpc' }), 'ia3 from mrpc');
  assert.equal(readRunRecord(runIn({ tuning: { method: 'bottleneck', size: 64 } })).method, 'bottleneck size 64');
});
