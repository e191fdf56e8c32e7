/** Reading a run's configuration: defaults, places of mistakes, paths, options. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import {
  defaultsFile,
  type LoadOptions,
  loadConfig,
  resolveConfig,
  setOverride,
  stringifyConfig,
} from '../../src/config/load.js';
import { allKeys, METHOD_OPTIONS, splitSeedOf } from '../../src/config/schema.js';
import { ConfigError, UserError } from '../../src/errors.js';
import { PRESET_NAMES } from '../../src/selection/arms.js';

const folder = mkdtempSync(join(tmpdir(), 'spantune-config-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'run.yaml');

const MINIMAL = 'model: m\ntask:\n  name: mrpc\n  data: d\n';

function load(yaml: string, options: LoadOptions = {}) {
  writeFileSync(file, yaml);
  return loadConfig(file, { checkPaths: false, ...options });
}

/** The error's description, the file's path cut to `run.yaml`, and its hint. */
function mistake(yaml: string, options: LoadOptions = {}): [string, string | undefined] {
  try {
    load(yaml, options);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.exitCode, 2);
    return [error.describe().replaceAll(folder, '').replace('/run.yaml', 'run.yaml'), error.hint];
  }
  return assert.fail('no error');
}

const set = (...assignments: string[]) => ({ overrides: assignments.map(setOverride) });

test('defaults.yaml and the schema agree key by key', () => {
  const keysOf = (value: unknown): string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner).map((deep) => `${key}.${deep}`)])
      : [];
  const stated = keysOf(parse(readFileSync(defaultsFile(), 'utf8')));
  const optional = (key: string) => /^(model|task|arm\.|tuning\.)/.test(key);
  assert.deepEqual(
    stated.filter((key) => !key.startsWith('adapters')).toSorted(),
    allKeys()
      .filter((key) => !optional(key))
      .toSorted(),
  );
});

test('every adapter method has the default of every option', () => {
  const { adapters } = parse(readFileSync(defaultsFile(), 'utf8'));
  assert.deepEqual(Object.keys(adapters), [...METHOD_OPTIONS.keys()]);
  for (const [method, options] of METHOD_OPTIONS) {
    const defaulted = options.filter((option) => option !== 'from');
    assert.deepEqual(Object.keys(adapters[method]).toSorted(), defaulted.toSorted(), method);
    assert.deepEqual(load(`${MINIMAL}tuning: ${method}\n`).tuning, { method, ...adapters[method] });
  }
  const tuning = load(`${MINIMAL}tuning: { method: lora, rank: 4, targets: [key] }\n`, set('tuning.alpha=1')).tuning;
  assert.deepEqual(tuning, { ...adapters.lora, method: 'lora', rank: 4, targets: ['key'], alpha: 1 });
  assert.equal(load(`${MINIMAL}tuning: lora\n`, set('tuning=fine-tune')).tuning, 'fine-tune');
});

test('the schema names every key of a task', () => {
  const commented = readFileSync(defaultsFile(), 'utf8');
  for (const key of allKeys().filter((name) => name.startsWith('task.'))) {
    assert.match(commented, new RegExp(`^# +${key.slice('task.'.length)}: `, 'm'), `${key} is explained`);
  }
});

test('a minimal file gets every default', () => {
  const config = load(MINIMAL);
  assert.equal(config.arm, 'selected-2');
  assert.equal(config.selection.k, 2);
  assert.equal(config.selection.samples, 'all');
  assert.equal(config.training.epochs, 3);
  assert.equal(config.training.epsilon, 1e-6);
  assert.equal(config.training.warmup, 0.06);
  assert.equal(config.training.maxLength, 128);
  assert.equal(config.engine.cacheBytes, 2e9);
  assert.deepEqual(config.training.dropout, { hidden: null, attention: null });
  assert.deepEqual([config.splitSeed, config.measureInference, config.task.trainSamples], [null, false, undefined]);
});

test('the seed of the clean split is the run’s own unless it is stated', () => {
  assert.equal(splitSeedOf(load(`${MINIMAL}seed: 5\n`)), 5);
  assert.equal(splitSeedOf(load(`${MINIMAL}seed: 5\nsplitSeed: 0\n`)), 0);
});

test('relative paths are relative to the file that states them, options to the current folder', () => {
  const config = load(MINIMAL, set('task.data=elsewhere'));
  assert.equal(config.model, join(folder, 'm'));
  assert.equal(config.task.data, resolve('elsewhere'));
  assert.equal(load(MINIMAL, { ...set('task.data=x'), base: '/base' }).task.data, '/base/x');
  assert.equal(load('model: /abs/m\ntask: { name: a, data: ../d }\n').task.data, resolve(folder, '../d'));
});

test('the resolved configuration written and read again is the same', () => {
  const yaml = `${MINIMAL}arm: { bottom: l* - 1, top: l*, head: L }\nclassifier: linear\nengine: { cacheBytes: 1.5 GB }\n`;
  const config = load(yaml);
  assert.equal(config.classifier.kind, 'linear');
  assert.equal(config.engine.cacheBytes, 1.5e9);
  assert.deepEqual(load(stringifyConfig(config)), config);
  assert.deepEqual(resolveConfig({ ...config }, { checkPaths: false }), config);
});

test('a block left empty keeps its defaults', () => {
  assert.deepEqual(load(`${MINIMAL}training:\n`), load(MINIMAL));
});

test('values that were meant otherwise get a hint of their own', () => {
  const [message, hint] = mistake(`${MINIMAL}engine: { name: gpu }\n`);
  assert.match(message, /engine\.name must be one of auto, compiled, tensorflow, cpu, not "gpu"$/);
  assert.equal(hint, 'for a GPU, state engine.device: webgpu or cuda');
  assert.match(mistake(`${MINIMAL}training: { learningRate: .nan }\n`)[0], /not NaN$/);
});

test('unknown keys are named where they stand', () => {
  assert.deepEqual(mistake(`${MINIMAL}trainng:\n  epochs: 3\n`), [
    'run.yaml:5:1: unknown key "trainng"',
    'did you mean "training"?',
  ]);
  assert.deepEqual(mistake(`${MINIMAL}training:\n  dropout:\n    hiden: 0\n`), [
    'run.yaml:7:5: unknown key "hiden"',
    'did you mean "hidden"?',
  ]);
  assert.deepEqual(mistake(`${MINIMAL}epochs: 3\n`), [
    'run.yaml:5:1: unknown key "epochs"',
    'did you mean "training.epochs"?',
  ]);
  assert.deepEqual(mistake(`${MINIMAL}arm: { bottom: 1, topp: 2, head: 2 }\n`), [
    'run.yaml:5:19: unknown key "topp"',
    'did you mean "top"?',
  ]);
  const [message, hint] = mistake(`${MINIMAL}engine:\n  zzzzzz: 1\n`);
  assert.equal(message, 'run.yaml:6:3: unknown key "zzzzzz"');
  assert.equal(hint, 'known keys here: name, device, threads, cacheBytes');
  assert.equal(
    mistake('modl: m\ntask: { name: a, data: b }\n')[0],
    'run.yaml:1:1: unknown key "modl"',
    'before the missing key it explains',
  );
  assert.equal(mistake(`${MINIMAL}__proto__:\n  x: 1\n`)[0], 'run.yaml:5:1: unknown key "__proto__"');
});

test('the first of several mistakes is shown', () => {
  assert.match(mistake(`${MINIMAL}seed: x\ntraining:\n  epochs: y\n`)[0], /^run\.yaml:5:7: seed /);
  assert.match(mistake(`${MINIMAL}training:\n  epochs: y\nseed: x\n`)[0], /^run\.yaml:6:11: training\.epochs /);
});

const WRONG: [yaml: string, place: string, message: RegExp, hint?: string][] = [
  [
    'training:\n  epochs: "3"\n',
    '6:11',
    /epochs must be a whole number of at least 0, not "3"$/,
    'write the number without quotes',
  ],
  ['training:\n  epochs: 1.5\n', '6:11', /whole number of at least 0, not 1\.5$/],
  ['training:\n  batchSize: 0\n', '6:14', /whole number of at least 1, not 0$/],
  ['training:\n  warmup: 1\n', '6:11', /at least 0 and below 1, not 1$/],
  ['training:\n  learningRate: 0\n', '6:17', /above 0, not 0$/],
  ['training:\n  schedule: liner\n', '6:13', /one of linear, cosine, constant, not "liner"$/, 'did you mean "linear"?'],
  ['training:\n  cleanSplit: 0.9\n', '6:15', /at most 0\.5, not 0\.9$/],
  ['training: 5\n', '5:11', /training must be a block of keys, not 5$/],
  ['classifier: linea\n', '5:13', /classifier\.kind must be one of mlp, linear/, 'did you mean "linear"?'],
  [
    'selection:\n  samples: al\n',
    '6:12',
    /must be all, or a whole number of at least 2, not "al"$/,
    'did you mean "all"?',
  ],
  ['selection:\n  samples: 1\n', '6:12', /at least 2, not 1$/],
  ['  trainSamples: 1\n', '5:17', /task\.trainSamples must be all, or a whole number of at least 2, not 1$/],
  ['  trainSamples: al\n', '5:17', /must be all, or a whole number of at least 2, not "al"$/, 'did you mean "all"?'],
  ['splitSeed: -1\n', '5:12', /splitSeed must be a whole number of at least 0, not -1$/],
  ['measureInference: yes\n', '5:19', /measureInference must be true or false, not "yes"$/],
  ['engine: { cacheBytes: 2 tons }\n', '5:23', /a size such as 500 MB/],
  ['output: { overwrite: 1 }\n', '5:22', /true or false, not 1$/],
  [
    'tuning: lorra\n',
    '5:9',
    /tuning\.method must be fine-tune alone, or one of .*, not "lorra"$/,
    'did you mean "lora"?',
  ],
  ['tuning: 3\n', '5:9', /tuning must be fine-tune alone, or one of bottleneck, .*, not 3$/],
  ['tuning: { method: lora, rank: 0 }\n', '5:31', /tuning\.rank must be a whole number of at least 1, not 0$/],
  ['tuning: { method: lora, targets: [qury] }\n', '5:35', /one of query, key, .*"qury"$/, 'did you mean "query"?'],
  ['tuning: { method: lora, targets: [] }\n', '5:34', /must name at least one part/],
  ['tuning: { method: lora, rnk: 8 }\n', '5:25', /unknown key "rnk"$/, 'did you mean "rank"?'],
  [
    'tuning: { method: ia3, rank: 8 }\n',
    '5:24',
    /"rank" is an option of lora, not of ia3$/,
    'options of ia3: layerNorms, from',
  ],
  ['tuning: { rank: 8 }\n', '5:1', /missing key "tuning\.method"$/, 'such as "tuning: { method: lora, rank: 8 }"'],
  [
    'adapters: { lora: { rank: 8 } }\n',
    '5:1',
    /unknown key "adapters"$/,
    'such as "tuning: { method: lora, rank: 8 }"',
  ],
  ['training:\n  evaluate: 0\n', '6:13', /must be epoch, or a whole number of steps, not 0$/],
  ['  metric: []\n', '5:11', /at least one metric/],
  ['seed: -1\n', '5:7', /at least 0, not -1$/],
  ['  labels: [only]\n', '5:11', /at least two classes/],
  ['  metric: accuracys\n', '5:11', /one or more of accuracy/, 'did you mean "accuracy"?'],
  ['  text: [a, b, c]\n', '5:9', /two of them for pairs/],
  ['arm: 3\n', '5:6', /the name of an arm/],
  ['arm: selectd-2\n', '5:6', /there is no arm "selectd-2"$/],
  ['arm: { bottom: 1, top: 2, head: x }\n', '5:6', /"x" is not a layer/],
  ['arm: selected-3\nselection:\n  k: 2\n', '7:6', /selection\.k is 2, but the arm is selected-3$/],
];

for (const [yaml, place, message, hint] of WRONG) {
  test(`a wrong value is named where it stands: ${yaml.trim().replaceAll('\n', ' ')}`, () => {
    const [described, given] = mistake(MINIMAL + yaml);
    assert.ok(described.startsWith(`run.yaml:${place}: `), described);
    assert.match(described, message);
    if (hint) assert.equal(given, hint);
    assert.ok(given);
  });
}

test('missing keys are named at the block that lacks them', () => {
  assert.equal(mistake('')[0], 'run.yaml:1:1: missing key "model"');
  assert.equal(mistake('model: m\n')[0], 'run.yaml:1:1: missing key "task"');
  assert.equal(mistake('model: m\ntask:\n  data: d\n')[0], 'run.yaml:2:1: missing key "task.name"');
  assert.equal(mistake('model: m\ntask:\n  name: mrpc\n')[0], 'run.yaml:2:1: missing key "task.data" or "task.train"');
  assert.equal(mistake(`${MINIMAL}arm: { bottom: 1, head: 2 }\n`)[0], 'run.yaml:5:1: missing key "arm.top"');
});

test('YAML that cannot be read is an error with its place', () => {
  assert.match(mistake(`${MINIMAL}---\nmodel: a\n`)[0], /^run\.yaml:\d+:\d+: a second document begins here/);
  assert.match(mistake('model: [m\ntask: 2\n')[0], /^run\.yaml:\d:\d+: not valid YAML: /);
  assert.deepEqual(mistake(`${MINIMAL}model: n\n`), ['run.yaml:5:1: this key is stated twice', 'keep one of the two']);
  assert.equal(mistake('- 1\n- 2\n')[0], 'run.yaml:1:1: must be a block of keys');
  assert.match(mistake(`${MINIMAL}training:\n\tepochs: 3\n`)[0], /^run\.yaml:6:1: not valid YAML: Tabs/);
  assert.throws(
    () => loadConfig(join(folder, 'nothing.yaml')),
    (error) => error instanceof UserError && error.hint !== undefined,
  );
});

test('--set wins over the file, reads YAML, and is named in errors', () => {
  assert.equal(load(`${MINIMAL}seed: 2\n`, set('seed=3', 'seed=4')).seed, 4);
  assert.deepEqual(load(MINIMAL, set('arm={ bottom: 1, top: 2, head: L }')).arm, { bottom: 1, top: 2, head: 'L' });
  assert.equal(load(MINIMAL, set('training={ epochs: 7 }')).training.epochs, 7);
  assert.equal(load(MINIMAL, set('training={ epochs: 7 }')).training.batchSize, 32, 'other keys of the block stay');
  assert.deepEqual(load(`${MINIMAL}arm: { bottom: 1, top: 2, head: 3 }\n`, set('arm.head=L')).arm, {
    bottom: 1,
    top: 2,
    head: 'L',
  });
  assert.match(
    mistake(MINIMAL, set('training.epochs=three'))[0],
    /^--set training\.epochs=three: training\.epochs must be .*, not "three"$/,
  );
  assert.deepEqual(mistake(MINIMAL, set('training.epoch=3')), [
    '--set training.epoch=3: unknown key "epoch"',
    'did you mean "epochs"?',
  ]);
  assert.match(mistake(MINIMAL, set('__proto__.x=1'))[0], /^--set __proto__\.x=1: unknown key/);
  assert.equal(({} as Record<string, unknown>).x, undefined);
  for (const malformed of ['training.epochs', '=3', 'a..b=1', 'seed=[1']) {
    assert.throws(
      () => setOverride(malformed),
      (error) => error instanceof ConfigError && error.message.startsWith(`--set ${malformed}: `),
    );
  }
});

test('paths that are read must exist; the error stands at the key', () => {
  mkdirSync(join(folder, 'm'), { recursive: true });
  writeFileSync(join(folder, 'd'), '');
  assert.match(mistake(MINIMAL, { checkPaths: true })[0], /^run\.yaml:4:9: .* is not a folder$/);
  assert.match(
    mistake(MINIMAL.replace('m\n', 'n\n'), { checkPaths: true })[0],
    /^run\.yaml:1:8: there is no folder .*n$/,
  );
  const own = 'model: m\ntask: { name: a, train: d, dev: e }\n';
  assert.match(mistake(own, { checkPaths: true })[0], /^run\.yaml:2:33: there is no file .*e$/);
  load(own.replace('e }', 'd }'), { checkPaths: true });
});

test('k of the proposal follows the arm unless it is stated', () => {
  assert.equal(load(`${MINIMAL}arm: selected-4\n`).selection.k, 4);
  assert.equal(load(`${MINIMAL}arm: top-3\n`).selection.k, 3);
  assert.equal(load(`${MINIMAL}arm: full\n`).selection.k, 2);
  assert.equal(load(`${MINIMAL}selection: { k: 5 }\n`).selection.k, 5);
});

test('class names written as numbers are names', () => {
  assert.deepEqual(load(`${MINIMAL}  labels: [0, 1]\n  positiveLabel: 1\n`).task.labels, ['0', '1']);
});

/** Every YAML file under configs/ that is a run. */
function shipped(under: string): string[] {
  return readdirSync(under, { withFileTypes: true }).flatMap((entry) => {
    const path = join(under, entry.name);
    if (entry.isDirectory()) return shipped(path);
    return entry.name === 'defaults.yaml' ? [] : [path];
  });
}

test('the shipped configurations are valid, and those of adapters and arms brief', () => {
  // Grids are another kind of file: test/glue plans them.
  const files = shipped('configs').filter((path) => !path.startsWith(join('configs', 'glue')));
  for (const path of files) loadConfig(path, { checkPaths: false });
  const named = (folder: string) =>
    files.filter((path) => path.startsWith(join('configs', folder))).map((path) => basename(path, '.yaml'));
  for (const folder of ['adapters', 'arms']) {
    for (const name of named(folder)) {
      const text = readFileSync(join('configs', folder, `${name}.yaml`), 'utf8');
      assert.ok(text.split('\n').length - 1 < 20, name);
      if (folder === 'adapters') assert.equal((parse(text).tuning as { method: string }).method, name);
      else if (name !== 'explicit') assert.equal(parse(text).arm, name);
    }
  }
  assert.deepEqual(named('adapters').toSorted(), [...METHOD_OPTIONS.keys()].toSorted());
  const presets = PRESET_NAMES.map((preset) => preset.replace('-k', '-2'));
  assert.deepEqual(named('arms').toSorted(), [...presets, 'explicit'].toSorted());
});

test('the file of defaults runs with what is set on top, as the command that select proposes does', () => {
  const overrides = ['model=m', 'task.name=mrpc', 'task.data=d'].map(setOverride);
  assert.equal(loadConfig(defaultsFile(), { overrides, checkPaths: false }).task.name, 'mrpc');
});

test('a key that every object has is as unknown as any other', () => {
  for (const key of ['toString', 'constructor.x', '__proto__.x']) {
    assert.throws(
      () => resolveConfig({}, { overrides: [setOverride(`${key}=5`)], checkPaths: false }),
      (error: Error & { hint?: unknown }) => error instanceof UserError && typeof (error.hint ?? '') === 'string',
      key,
    );
  }
});
