/** What a finished run is good for: evaluating, predicting, being the start of another run. */
import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { CheckpointError, DataError, UserError } from '../../src/errors.js';
import { openModel } from '../../src/pipeline/model.js';
import type { RunResult } from '../../src/pipeline/run-folder.js';
import {
  configOf,
  evaluated,
  pairs,
  predicted,
  readMetrics,
  readTable,
  temporary,
  topics,
  trained,
  write,
  writeModel,
  writeTopics,
} from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const data = join(folder, 'glue');
const at = (name: string) => join(folder, 'runs', name);
const cells = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

/** STS-B's original layout: ten columns, the texts in 7 and 8, the score in 9. */
function writeScores(): void {
  const rows = (count: number, seed: number, labelled: boolean) =>
    pairs(count, seed).map(([first, second, alike], i) => [
      i + 100,
      ...cells(6),
      first,
      second,
      ...(labelled ? [(2.5 * alike).toFixed(3)] : []),
    ]);
  write(join(data, 'STS-B/train.tsv'), [
    ['index', ...cells(6), 'sentence1', 'sentence2', 'score'],
    ...rows(60, 1, true),
  ]);
  write(join(data, 'STS-B/dev.tsv'), [['index', ...cells(6), 'sentence1', 'sentence2', 'score'], ...rows(18, 2, true)]);
  write(join(data, 'STS-B/test.tsv'), [['index', ...cells(6), 'sentence1', 'sentence2'], ...rows(5, 3, false)]);
}

const NLI = ['contradiction', 'neutral', 'entailment'];

/** MNLI's: texts in 8 and 9, the label in 11 of train, in 15 of dev. */
function writeInference(): void {
  const header = (count: number) => [['index', ...cells(count - 1)]];
  const rows = (count: number, seed: number, labelAt?: number) =>
    pairs(count, seed).map(([first, second, alike], i) => {
      const row = [i, ...cells(7), first, second];
      return labelAt === undefined ? row : [...row, ...cells(labelAt - 10), NLI[alike]];
    });
  write(join(data, 'MNLI/train.tsv'), [...header(12), ...rows(48, 4, 11)]);
  write(join(data, 'MNLI/dev_matched.tsv'), [...header(16), ...rows(15, 5, 15)]);
  write(join(data, 'MNLI/dev_mismatched.tsv'), [...header(16), ...rows(12, 6, 15)]);
  write(join(data, 'MNLI/test_matched.tsv'), [...header(10), ...rows(4, 7)]);
  write(join(data, 'MNLI/test_mismatched.tsv'), [...header(10), ...rows(3, 8)]);
  const diagnostic = pairs(6, 9).map(([first, second], i) => [i, first, second]);
  write(join(data, 'diagnostic/diagnostic.tsv'), [['index', 'sentence1', 'sentence2'], ...diagnostic]);
  const entails = (count: number, seed: number) =>
    pairs(count, seed).map(([first, second, alike], i) => [
      i,
      first,
      second,
      alike === 2 ? 'entailment' : 'not_entailment',
    ]);
  for (const [split, count, seed] of [
    ['train', 24, 10],
    ['dev', 9, 11],
  ] as const) {
    write(join(data, `RTE/${split}.tsv`), [['index', 'sentence1', 'sentence2', 'label'], ...entails(count, seed)]);
  }
}

before(() => {
  writeScores();
  writeInference();
});

describe('STS-B', () => {
  const run = at('stsb');
  let result: RunResult;
  before(async () => {
    result = await trained(configOf({ model, task: { name: 'stsb', data }, training: { epochs: 6 } }), run);
  });

  test('is a regression: one output, correlations, classes of scores for the choice of layers', () => {
    assert.deepEqual(Object.keys(result.metrics), ['pearson', 'spearman', 'score']);
    assert.equal(result.definition.kind, 'regression');
    assert.equal(result.selection?.samples, 60);
    assert.equal(result.trainableParameters, 2 * 7_504 + 32 * 32 + 32 + 32 + 1);
    const losses = readMetrics(run).steps.map(({ loss }) => Number(loss));
    const [first, last] = [losses.slice(0, 4), losses.slice(-4)].map((part) => part.reduce((sum, x) => sum + x, 0) / 4);
    assert.ok(last < 0.7 * first, `${first} ${last}`);
  });

  test('predicts scores, and evaluating reproduces the run’s', async () => {
    const { metrics, score } = await evaluated({ run, split: 'dev' });
    assert.deepEqual({ ...metrics, score }, result.metrics);
    const { header, rows } = readTable(join(run, 'predictions.tsv'));
    assert.deepEqual(header, ['index', 'label', 'prediction']);
    assert.deepEqual(
      rows.map(([, label]) => Number(label)),
      pairs(18, 2).map(([, , alike]) => 2.5 * alike),
    );
    const { predictions, labels } = await predicted({ run, split: 'test' });
    assert.deepEqual(labels, []);
    assert.deepEqual(
      predictions.map(({ index, scores }) => [index, scores]),
      [100, 101, 102, 103, 104].map((index) => [String(index), []]),
    );
    for (const { label } of predictions) assert.ok(Number.isFinite(label), String(label));
  });

  test('its test split has no labels to evaluate', async () => {
    await assert.rejects(evaluated({ run, split: 'test' }), (error) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.place.file, join(data, 'STS-B/test.tsv'));
      assert.equal(error.place.line, 2);
      assert.match(error.message, /no labels/);
      assert.match(error.hint ?? '', /spantune predict .* --split test/);
      return true;
    });
  });
});

describe('MNLI, and what starts from it', () => {
  const run = at('mnli');
  const arm = { bottom: 2, top: 2, head: 2 };
  let result: RunResult;
  before(async () => {
    result = await trained(configOf({ model, task: { name: 'mnli', data }, arm, training: { epochs: 1 } }), run);
  });

  test('is scored on both dev sets', async () => {
    const { accuracy, accuracy_mismatched: mismatched, score } = result.metrics;
    assert.deepEqual(Object.keys(result.metrics), ['accuracy', 'score', 'accuracy_mismatched']);
    assert.equal(score, (accuracy + mismatched) / 2);
    assert.equal((await evaluated({ run, split: 'dev' })).metrics.accuracy, accuracy);
    const other = await evaluated({ run, split: 'dev_mismatched' });
    assert.deepEqual([other.metrics.accuracy, other.examples], [mismatched, 12]);
    assert.equal(readMetrics(run).evaluations[0].evaluation.accuracy, accuracy);
  });

  test('keeps what it predicts on both', async () => {
    const { header, rows } = readTable(join(run, 'predictions_mismatched.tsv'));
    assert.deepEqual(header, readTable(join(run, 'predictions.tsv')).header);
    assert.deepEqual(
      rows.map(([, label]) => label),
      pairs(12, 6).map(([, , alike]) => NLI[alike]),
    );
    const right = rows.filter(([, label, prediction]) => label === prediction).length;
    assert.equal(right / rows.length, result.metrics.accuracy_mismatched);
    assert.equal(result.devExamples, 15 + 12);
    // A run of another task in its folder leaves nothing of it.
    const again = at('mnli-again');
    await trained(configOf({ model, task: { name: 'mnli', data }, arm, training: { epochs: 0 } }), again);
    assert.ok(readdirSync(again).includes('predictions_mismatched.tsv'));
    await trained(configOf({ model, task: { name: 'rte', data }, arm, training: { epochs: 0 } }), again);
    assert.ok(!readdirSync(again).includes('predictions_mismatched.tsv'));
  });

  test('predicts its test splits and AX', async () => {
    for (const [split, count] of [
      ['test', 4],
      ['test_mismatched', 3],
      ['ax', 6],
    ] as const) {
      const { predictions, labels } = await predicted({ run, data, split });
      assert.deepEqual(labels, ['entailment', 'neutral', 'contradiction']);
      assert.deepEqual(
        predictions.map(({ index }) => index),
        Array.from({ length: count }, (_, i) => String(i)),
      );
      for (const { label, scores } of predictions) {
        assert.equal(label, labels[scores.indexOf(Math.max(...scores))]);
        assert.ok(Math.abs(scores.reduce((sum, x) => sum + x, 0) - 1) < 1e-9, String(scores));
      }
    }
  });

  test('an unknown split lists those there are', async () => {
    await assert.rejects(evaluated({ run, split: 'devel' }), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /mnli has no split "devel"/);
      assert.match(error.hint ?? '', /dev_mismatched/);
      return true;
    });
  });

  test('as a model it ends at its classifier’s layer, with the tuned weights in place of the base’s', () => {
    const tuned = openSafetensors(join(run, 'tuned.safetensors'));
    const { parameters } = openModel(run).load(2);
    const base = openModel(model).load(2).parameters;
    assert.equal(openModel(run).config.layers, 2);
    assert.deepEqual([...parameters.keys()], [...base.keys()]);
    const query = tuned.read('bert.encoder.layer.1.attention.self.query.weight').data;
    assert.deepEqual(parameters.get('layers.2.query.weight')?.data, query);
    assert.notDeepEqual(query, base.get('layers.2.query.weight')?.data);
    assert.deepEqual(parameters.get('layers.1.query.weight'), base.get('layers.1.query.weight'));
    tuned.close();
  });

  test('a run that starts from it says so, and is opened through it', async () => {
    const rte = at('rte');
    const config = configOf({ model: run, task: { name: 'rte', data }, arm: 'full', training: { epochs: 1 } });
    const { layers, arm, metrics, baseHash } = await trained(config, rte);
    assert.deepEqual([layers, arm.bottom, arm.top, arm.head], [2, 1, 2, 2]);
    assert.equal(baseHash, openModel(run).hash);
    const { metrics: again, score } = await evaluated({ run: rte, split: 'dev' });
    assert.deepEqual({ ...again, score }, metrics);
  });

  test('a copy of the run is the same model, a changed one is another', () => {
    const copy = at('copy');
    cpSync(run, copy, { recursive: true });
    assert.equal(openModel(copy).hash, openModel(run).hash);
    const file = join(copy, 'tuned.safetensors');
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(file, bytes);
    assert.notEqual(openModel(copy).hash, openModel(run).hash);
  });

  test('another base model than the run was tuned from is refused', async () => {
    const own = writeModel(join(folder, 'changing'));
    const small = at('changing');
    await trained(
      configOf({ model: own, task: { name: 'rte', data }, arm: 'head-only-top', training: { epochs: 1 } }),
      small,
    );
    appendFileSync(join(own, 'config.json'), '\n');
    for (const open of [() => evaluated({ run: small, split: 'dev' }), async () => openModel(small)]) {
      await assert.rejects(open, (error) => {
        assert.ok(error instanceof CheckpointError);
        assert.equal(error.place.file, own);
        assert.match(error.message, /not the one that the run was tuned from/);
        return true;
      });
    }
  });

  test('a run that did not come to its end is no model', () => {
    const unfinished = at('unfinished');
    cpSync(run, unfinished, { recursive: true });
    rmSync(join(unfinished, 'result.json'));
    assert.throws(
      () => openModel(unfinished),
      (error) =>
        error instanceof CheckpointError && /the run is unfinished: it has no result\.json/.test(error.message),
    );
  });
});

describe('predicting new text', () => {
  const run = at('topics');
  const task = writeTopics(join(folder, 'topics'), { train: 32, dev: 10 });
  const texts = topics(10, 2).map(([text]) => text);
  let expected: string[][] = [];
  before(async () => {
    await trained(configOf({ model, task, arm: 'top-1', training: { epochs: 1 } }), run);
    expected = readTable(join(run, 'predictions.tsv')).rows.map(([index, , label, ...scores]) => [
      index,
      label,
      ...scores,
    ]);
    // From here on the run folder and the base model are all there is.
    rmSync(join(folder, 'topics'), { recursive: true });
  });

  const inputs: Record<string, () => { name: string; text?: string }> = {
    'lines of text': () => ({
      name: write(
        join(folder, 'in.txt'),
        texts.map((text) => [text]),
      ),
    }),
    TSV: () => ({ name: write(join(folder, 'in.tsv'), [['id', 'sentence'], ...texts.map((text, i) => [i, text])]) }),
    CSV: () => ({ name: write(join(folder, 'in.csv'), [['sentence'], ...texts.map((text) => [`"${text}"`])]) }),
    JSONL: () => ({
      name: write(
        join(folder, 'in.jsonl'),
        texts.map((sentence) => [JSON.stringify({ sentence })]),
      ),
    }),
    'standard input': () => ({ name: '<stdin>', text: `${texts.join('\n')}\n` }),
  };
  for (const [kind, input] of Object.entries(inputs)) {
    test(`${kind}: as for the same rows of dev`, async () => {
      const { predictions, task, labels } = await predicted({ run, input: input() });
      assert.deepEqual([task, labels], ['topics', ['land', 'sea']]);
      assert.deepEqual(
        predictions.map(({ index, label, scores }) => [index, label, ...scores.map((score) => score.toFixed(6))]),
        expected,
      );
    });
  }

  test('a file of the run’s columns can be scored, without the data that the run was trained on', async () => {
    const rows = topics(10, 2);
    const file = write(join(folder, 'moved.tsv'), [['sentence', 'label'], ...rows]);
    const right = expected.filter(([, label], i) => label === rows[i][1]).length;
    for (const split of ['dev', 'test']) {
      const { metrics, examples } = await evaluated({ run, data: file, split });
      assert.deepEqual([metrics.accuracy, examples], [right / 10, 10]);
    }
  });

  test('a file with other columns is refused at its first line', async () => {
    const file = write(join(folder, 'other.tsv'), [
      ['phrase', 'label'],
      ['the tide', 'sea'],
    ]);
    await assert.rejects(predicted({ run, input: { name: file } }), (error) => {
      assert.ok(error instanceof DataError);
      assert.deepEqual([error.place.file, error.place.line], [file, 1]);
      return true;
    });
  });

  test('a missing split is told with its file', async () => {
    await assert.rejects(evaluated({ run, split: 'dev' }), (error) => {
      assert.ok(error instanceof DataError);
      assert.match(error.place.file ?? '', /topics.(train|dev)\.tsv$/);
      return true;
    });
  });
});

test('pairs: two texts a line, or two columns', async () => {
  const run = at('pairs');
  const rows = pairs(12, 20).map(([first, second, alike]) => [first, second, alike > 0 ? 'yes' : 'no']);
  const file = write(join(folder, 'pairs/all.tsv'), [['premise', 'claim', 'label'], ...rows]);
  const task = { name: 'claims', train: file, dev: file, text: ['premise', 'claim'] };
  await trained(configOf({ model, task, arm: 'head-only-top', training: { epochs: 1 } }), run);
  const expected = readTable(join(run, 'predictions.tsv')).rows.map(([, , label, ...scores]) => [label, ...scores]);
  const lines = rows.map(([first, second]) => `${first}\t${second}`).join('\n');
  const table = rows.map(([premise, claim]) => [JSON.stringify({ claim, premise })]);
  for (const input of [{ name: '<stdin>', text: lines }, { name: write(join(folder, 'pairs/in.jsonl'), table) }]) {
    const { predictions } = await predicted({ run, input });
    assert.deepEqual(
      predictions.map(({ label, scores }) => [label, ...scores.map((score) => score.toFixed(6))]),
      expected,
    );
  }
  await assert.rejects(predicted({ run, input: { name: '<stdin>', text: `${lines}\nalone\n` } }), (error) => {
    assert.ok(error instanceof DataError);
    assert.deepEqual([error.place.file, error.place.line], ['<stdin>', 13]);
    return true;
  });
});
