/** What a grid's file may say, and where each mistake in it is told to stand. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { setOverride } from '../../src/config/load.js';
import { ConfigError, UserError } from '../../src/errors.js';
import { loadGrid } from '../../src/glue/grid.js';
import { prepare } from '../../src/glue/prepare.js';
import { writeModel } from '../pipeline/support.js';
import { bench } from './support.js';

const { folder, model, task, write } = bench();
const file = join(folder, 'wrong.yaml');
const FIXED = [
  `models: [${model}]`,
  'tasks:',
  `  - { name: topics, train: ${task.train}, dev: ${task.dev} }`,
  'arms: [full, selected-2]',
  'learningRate: 1e-3',
  '',
].join('\n');

/** Line 6 is the first after what is fixed. */
const WRONG: [yaml: string, place: string | undefined, message: RegExp, hint: RegExp][] = [
  ['seds: [1]', '6:1', /unknown key "seds"/, /did you mean "seeds"\?/],
  ['model: x', '6:1', /unknown key "model"/, /did you mean "models"\?/],
  ['seeds: 1', '6:8', /seeds must be a list of seeds, not 1/, /docs\/grids/],
  ['seeds: [1, 2, 1]', '6:15', /seeds names 1 twice/, /keep one/],
  ['baselines: [topk]', '6:13', /there is no arm "topk"/, /top-k/],
  ['reference: fulll', '6:12', /the reference "fulll" is not among the arms/, /did you mean "full"\?/],
  ['methods: [lorra]', '6:11', /methods must be/, /lora/],
  ['methods: [{ method: lora, rnk: 4 }]', '6:27', /unknown key "rnk"/, /did you mean "rank"\?/],
  ['run: { training: { epochz: 1 } }', '6:20', /unknown key "epochz"/, /did you mean "epochs"\?/],
  ['run: { seed: 3 }', '6:14', /"seed" is not a key of "run" in a grid/, /state it as seeds/],
  ['margin: 2', '6:9', /margin must be a number of at least 0 and below 1, not 2/, /docs\/grids/],
];

for (const [yaml, place, message, hint] of WRONG) {
  test(`a mistake has a place and a remedy: ${yaml}`, () => {
    writeFileSync(file, `${FIXED}${yaml}\n`);
    assert.throws(
      () => prepare(loadGrid(file)),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(`${error.place.line}:${error.place.column}`, place, error.message);
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        return true;
      },
    );
  });
}

const REPLACED: [values: object, message: RegExp, hint: RegExp][] = [
  [{ tasks: ['mrcp'] }, /there is no task "mrcp"/, /did you mean "mrpc"\?/],
  [{ tasks: [{ name: 'topics', train: 'nowhere.tsv', dev: 'nowhere.tsv' }] }, /there is no file .*nowhere\.tsv/, /./],
  [{ tasks: ['mrpc', { name: 'mrpc', trainSamples: 9 }] }, /two tasks are named "mrpc"/, /another name/],
  [{ models: [model, `${model}/.`] }, /"\S+" and "\S+" are the same model/, /keep one/],
  [{ arms: ['full', { bottom: 1.5, top: 2, head: 'L' }] }, /bottom must be a whole number, .* not 1\.5/, /./],
  [{ arms: ['full', { name: '', bottom: 1, top: 2, head: 2 }] }, /the arm's name is empty/, /leave it out/],
  [{ models: ['nowhere'] }, /there is no folder .*nowhere/, /./],
  [{ arms: ['full', 'selected-4'] }, /arm selected-4 on model: 4 layers cannot be tuned: the model has 3/, /1 to 3/],
  [{ arms: ['full', { bottom: 1, top: 9, head: 9 }] }, /does not fit a model of 3 layers/, /1 ≤ bottom/],
  [{ arms: [] }, /the grid has no arms/, /such as/],
  [{ learningRate: undefined }, /missing key "learningRate"/, /search/],
  [{ learningRate: { lora: 1e-3 } }, /learningRate says nothing of full or fine-tune/, /add "fine-tune/],
  [{ learningRate: { search: { seed: 1 } } }, /search\.seed is 1, which is among the seeds/, /no final run/],
  [
    { learningRate: { search: { rates: { full: [1e-3], 'fine-tune': [1e-3, 3e-3] } } } },
    /different numbers of trials: full 1, fine-tune 2/,
    /equally|as many/,
  ],
  [{ learningRate: { 'fine-tune': 'fast' } }, /learningRate\.fine-tune must be a number above 0, not "fast"/, /./],
  [{ learningRate: { search: { selection: 'clear' } } }, /search\.selection must be one of clean, dev, not/, /"clean"/],
  [{ learningRate: { search: { rates: { full: [1, 1] } } } }, /must name each rate once/, /./],
  [{ learningRate: { search: { share: 0.02 } } }, /a share of 0\.02 of the 48 rows of topics holds out 1/, /more/],
  [{ learningRate: { search: {}, full: 1 } }, /unknown key "full"/, /learningRate\.search\.rates\.full/],
  [{ learningRate: { serch: {} } }, /unknown key "serch"/, /did you mean "search"/],
  [{ learningRate: { ful: 1e-3 } }, /unknown key "ful"/, /did you mean "full"/],
  [
    { reference: 'full, lora' },
    /names a method that the grid does not have/,
    /state "reference: full", or one of "full, fine-tune"/,
  ],
  [{ arms: ['top-1'] }, /the reference "full" is not among the arms/, /state "reference: "/],
  [{ baselines: ['botom-k'] }, /there is no baseline "botom-k"/, /did you mean "bottom-k"/],
  [{ baselines: ['random-kk'] }, /there is no arm "random-kk"/, /random/],
  [{ seeds: [] }, /seeds must be a list of seeds, not an empty one/, /./],
  [
    { learningRate: { search: {} }, run: { training: { cleanSplit: 0.2 } } },
    /the clean split is stated by the search/,
    /search\.share/,
  ],
];

for (const [values, message, hint] of REPLACED) {
  test(`told at its line before anything starts: ${message.source}`, () => {
    assert.throws(
      () => prepare(loadGrid(write(values))),
      (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        assert.match(error.place.file ?? '', /grid-\d+\.yaml$/);
        assert.ok((error.place.line ?? 0) > 0);
        return true;
      },
    );
  });
}

test('models whose folders have one name are told apart by the folders above them', () => {
  const other = writeModel(join(folder, 'other', 'model'), ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a']);
  const { pairs } = prepare(loadGrid(write({ models: [model, other] })));
  const names = pairs.map(({ model: { name } }) => name);
  assert.deepEqual(names, [`${basename(folder)}/model`, 'other/model']);
});

test('a file that is no block of keys is told how a grid begins', () => {
  writeFileSync(file, '- full\n');
  assert.throws(
    () => loadGrid(file),
    (error: ConfigError) => /models:/.test(error.hint ?? ''),
  );
});

test('--set changes any key, and is named where it is wrong', () => {
  const overrides = [setOverride('seeds=[4, 5]'), setOverride('run.training.epochs=7')];
  const grid = loadGrid(write(), { overrides });
  assert.deepEqual(grid.values.seeds, [4, 5]);
  assert.equal(grid.configOf(0, 0, 0).training.epochs, 7);
  assert.throws(
    () => loadGrid(write(), { overrides: [setOverride('seeds=x')] }),
    /^ConfigError: --set seeds=x: seeds must be a list/,
  );
  const wrong = loadGrid(write(), { overrides: [setOverride('run.training.epochs=x')] });
  assert.throws(() => wrong.configOf(0, 0, 0), /^ConfigError: --set run\.training\.epochs=x: training\.epochs must be/);
});

test('baselines come in the sizes that the arms name, each once', () => {
  const names = (values: object) => loadGrid(write(values)).arms.map(({ name }) => name);
  assert.deepEqual(names({ arms: ['top-1', 'selected-1', 'selected-3'], baselines: ['full', 'top-k'] }), [
    'top-1',
    'selected-1',
    'selected-3',
    'full',
    'top-3',
  ]);
  assert.deepEqual(names({ arms: [], baselines: true }), [
    'full',
    'top-2',
    'bottom-2',
    'random-2',
    'head-only',
    'head-only-top',
    'selected-2',
    'selected-2-top',
    'up-to-selected',
    'above-selected',
  ]);
});

test('every run has the same split seed, and measures inference', () => {
  const { splitSeed, measureInference, training } = loadGrid(write({ splitSeed: 9 })).configOf(0, 0, 0);
  assert.deepEqual([splitSeed, measureInference, training.cleanSplit], [9, true, 0]);
  const searched = loadGrid(write({ learningRate: { search: { share: 0.2 } } })).configOf(0, 0, 0);
  assert.equal(searched.training.cleanSplit, 0.2);
  const onDev = loadGrid(write({ learningRate: { search: { selection: 'dev' } } })).configOf(0, 0, 0);
  assert.equal(onDev.training.cleanSplit, 0);
});
