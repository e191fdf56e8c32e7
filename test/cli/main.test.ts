/** The command line from outside: exit codes, and what goes to stdout and what to stderr. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { runJob } from '../../src/cli/run-job.js';
import { resolveConfig } from '../../src/config/load.js';
import { DataError, Interrupted } from '../../src/errors.js';
import { MAIN, spantune, spantuneAll, start } from './support.js';

const MODEL = 'models/en-12x192';
const folder = mkdtempSync(join(tmpdir(), 'spantune-cli-'));
after(() => rmSync(folder, { recursive: true }));

const SUBJECTS = ['the dog', 'a ship', 'my sister', 'every king', 'the old whale', 'no lawyer'];
const VERBS = ['runs', 'sleeps', 'sings', 'waits', 'returns', 'falls'];
const WHERE = ['at night', 'in the harbour', 'before dawn', 'on the hill', 'for us'];
const rows = SUBJECTS.flatMap((subject) => VERBS.flatMap((verb) => WHERE.map((where) => [subject, verb, where])));
const file = join(folder, 'order.tsv');
writeFileSync(
  file,
  `sentence\tlabel\n${rows.map(([a, b, c], i) => (i % 2 ? `${a} ${b} ${c}\tright` : `${c.split(' ').toReversed().join(' ')} ${b} ${a}\twrong`)).join('\n')}\n`,
);

const MISTAKES: [words: string[], error: RegExp, hint: RegExp][] = [
  [[], /no verb given/, /--help/],
  [['slect'], /unknown verb "slect"/, /did you mean "select"\?/],
  [['--frob'], /unknown option "--frob"/, /--help/],
  [['train', 'run.yaml', '--seed', '3'], /unknown option "--seed"/, /--set KEY=VALUE; see spantune train --help/],
  [['select', '--sampels', '3'], /unknown option "--sampels"/, /did you mean "--samples"\?/],
  [['select', '--model'], /--model needs a value/, /select --help/],
  [['select', 'extra'], /unexpected argument "extra"/, /select --help/],
  [['select', '--seed', '1', '--seed', '2'], /--seed is given more than once/, /once/],
  [['select'], /--model is missing/, /--config/],
  [['select', '--model', MODEL, '--task', 'mrpc'], /--data is missing/, /--train FILE/],
  [['select', '--model', 'nowhere', '--train', file], /--model nowhere: there is no folder/, /./],
  [['select', '--model', MODEL, '--train', file, '--samples', 'ten'], /--samples ten: .*not "ten"/, /./],
  [
    ['select', '--model', MODEL, '--train', file, '--engine', 'compield'],
    /--engine compield: .*one of auto, compiled, tensorflow, cpu/,
    /did you mean "compiled"\?/,
  ],
  [['train'], /train needs <config>/, /train --help/],
  [['train', 'nothing.yaml'], /nothing\.yaml: cannot be read: there is no such file/, /configs/],
  [['evaluate', 'nothing'], /nothing: there is no such run folder/, /spantune train/],
  [['export', 'configs'], /--output is missing/, /folder/],
  [['export', 'nothing', '--output', 'a'], /nothing: there is no such run folder/, /./],
  [['export', 'configs', '--output', 'a', '--format', 'pef'], /--format pef: must be one of/, /"peft"/],
  [['predict', 'configs'], /nothing to predict/, /--input/],
  [['predict', 'configs', '--input', 'a', '--split', 'dev'], /--input and --split exclude each other/, /./],
  [['predict', 'configs', '--input', 'nothing.txt'], /nothing\.txt: there is no such file/, /./],
  [['evaluate', 'configs', '--threads', '0'], /--threads 0: must be a whole number/, /./],
  [['glue', 'any.yaml', '--cell', '2', '--stage', 'compare'], /--cell and --stage compare exclude each other/, /./],
  [['glue', 'any.yaml', '--dry-run', '--slurm', 'a.sh'], /--dry-run and --slurm exclude each other/, /./],
  [['glue', 'any.yaml', '--slurm', 'a.sh', '--cell', '1'], /--slurm and --cell exclude each other/, /./],
  [['select', '--quiet', '--verbose'], /--quiet and --verbose exclude each other/, /./],
];

const HELPS = [
  ['--help'],
  ['--version'],
  ['select', '--version'],
  ...['select', 'train', 'evaluate', 'predict', 'export', 'study', 'submission'].map((verb) => [verb, '--help']),
];

test('help, versions and mistakes', async (t) => {
  const outcomes = await spantuneAll([...HELPS, ...MISTAKES.map(([words]) => words)]);
  const of = (words: string[]) => outcomes[HELPS.indexOf(words)];
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

  for (const words of HELPS) {
    await t.test(`spantune ${words.join(' ')}`, () => {
      const { code, stdout, stderr } = of(words);
      assert.equal(code, 0);
      assert.equal(stderr, '');
      if (words.includes('--version')) assert.equal(stdout, `${version}\n`);
      else
        assert.match(
          stdout,
          new RegExp(
            `--json[\\s\\S]*--quiet[\\s\\S]*--verbose[\\s\\S]*Examples:[\\s\\S]*spantune ${words.length > 1 ? words[0] : 'select'} `,
          ),
        );
    });
  }
  for (const [index, [words, error, hint]] of MISTAKES.entries()) {
    await t.test(`a mistake is an error line and a hint line: spantune ${words.join(' ').replace(folder, '')}`, () => {
      const { code, stdout, stderr } = outcomes[HELPS.length + index];
      assert.equal(code, 2);
      assert.equal(stdout, '');
      const [first, second, ...rest] = stderr.trimEnd().split('\n');
      assert.match(first, /^error {2}/);
      assert.match(first, error);
      assert.match(second, /^hint {3}/);
      assert.match(second, hint);
      assert.ok(rest.every((line) => line.startsWith('cause ')) && (rest.length === 0 || words.includes('--verbose')));
    });
  }
});

const full = existsSync('/dev/full') ? openSync('/dev/full', 'w') : undefined;
test('standard output that cannot be written to is an error line', {
  skip: full === undefined && 'no /dev/full',
}, async () => {
  const { code, stderr } = await spantune(['--help'], { stdout: full });
  assert.equal(code, 2);
  assert.match(stderr, /^error {2}standard output cannot be written to: the disk is full\nhint {3}/);
});

test('a finished run and foreign files are not written over unasked', async () => {
  const model = join(process.cwd(), MODEL);
  const config = join(folder, 'run.yaml');
  writeFileSync(config, `model: ${model}\ntask: { name: order, train: ${file}, dev: ${file} }\n`);
  const lacking = join(folder, 'lacking.yaml');
  writeFileSync(lacking, `model: ${model}\ntask: { name: order, train: ${file} }\n`);
  const files = ['finished/result.json', 'foreign/notes.txt'].map((name) => join(folder, name));
  for (const path of files) {
    mkdirSync(dirname(path));
    writeFileSync(path, 'keep');
  }
  const outputs = files.map((path) => ['train', config, '--output', dirname(path)]);
  const [finished, foreign, noDev] = await spantuneAll([...outputs, ['train', lacking]]);
  assert.match(finished.stderr, /finished: holds a finished run\nhint .*--overwrite/);
  assert.match(foreign.stderr, /foreign: the run folder is not empty\nhint .*--overwrite/);
  assert.match(noDev.stderr, /missing key "task\.dev"/);
  for (const { code } of [finished, foreign, noDev]) assert.equal(code, 2);
  for (const path of files) assert.equal(readFileSync(path, 'utf8'), 'keep');
});

const SELECT = ['select', '--model', MODEL, '--train', file, '--threads', '1'];

describe('jobs', () => {
  test('select prints the table on stdout, people get the rest on stderr, and --output has the JSON', async () => {
    const output = join(folder, 'select.json');
    const { code, stdout, stderr } = await spantune([...SELECT, '--k', '3', '--output', output]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^order · 180 texts · en-12x192 \(12 layers × 192\)/);
    assert.match(stdout, /◂ ℓ\*/);
    assert.ok(
      !stdout.includes('\x1b') && !stderr.includes('\x1b'),
      'no colour and no rewritten line without a terminal',
    );
    assert.match(stderr, /^next {3}spantune train /m);
    const json = JSON.parse(readFileSync(output, 'utf8'));
    assert.equal(json.arm.name, 'selected-3');
    assert.equal(json.arm.top - json.arm.bottom, 2);
  });

  test('--json prints one document with the promised keys; --quiet leaves stderr empty', async () => {
    const { code, stdout, stderr } = await spantune([...SELECT, '--samples', '60', '--json', '--quiet']);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    const result = JSON.parse(stdout);
    assert.equal(result.task, 'order');
    assert.equal(result.samples, 60);
    assert.equal(result.layers.length, 12);
    assert.deepEqual([result.environment.engine, result.environment.threads], ['compiled', 1]);
    for (const [index, layer] of result.layers.entries()) {
      assert.deepEqual(Object.keys(layer), ['layer', 'nu', 'low', 'high', 'share']);
      assert.equal(layer.layer, index + 1);
      assert.ok(layer.low < layer.nu && layer.nu < layer.high);
    }
    const lowest = Math.min(...result.layers.map(({ nu }: { nu: number }) => nu));
    assert.equal(result.layers[result.selected - 1].nu, lowest);
    assert.deepEqual(Object.keys(result.arm), ['name', 'bottom', 'top', 'head']);
  });

  test('a mistake found by the worker reaches the command line with its place', async () => {
    const broken = join(folder, 'broken.tsv');
    writeFileSync(broken, 'sentence\tlabel\na\tx\nb\ty\nc\n');
    const job = {
      verb: 'select' as const,
      config: resolveConfig({ model: MODEL, task: { name: 't', train: broken } }),
    };
    const reporter = { log() {}, progress() {} };
    await assert.rejects(runJob(job, { reporter }), (error) => {
      assert.ok(error instanceof DataError);
      assert.equal(error.place.file, broken);
      assert.equal(error.place.line, 4);
      return true;
    });
  });

  test('a job that is asked to stop rejects with Interrupted', async () => {
    const config = resolveConfig({ model: MODEL, task: { name: 't', train: file }, engine: { threads: 1 } });
    const controller = new AbortController();
    const reporter = { log() {}, progress: () => controller.abort() };
    await assert.rejects(runJob({ verb: 'select', config }, { reporter, signal: controller.signal }), Interrupted);
  });

  test('the first Ctrl-C stops cleanly with exit code 130', async () => {
    const many = join(folder, 'many.tsv');
    const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
    writeFileSync(many, `${[head, ...Array.from({ length: 60 }, () => lines).flat()].join('\n')}\n`);
    let sent = false;
    // A terminal's progress comes at once; a log's only after some seconds.
    const terminal = `process.stderr.isTTY = true; ${MAIN}`;
    const { code, stdout, stderr } = await start(
      terminal,
      ['select', '--model', MODEL, '--train', many, '--threads', '1'],
      {
        onStderr(text, kill) {
          if (sent || !text.includes('%')) return;
          sent = true;
          kill('SIGINT');
        },
      },
    );
    assert.ok(sent, stderr);
    assert.equal(code, 130);
    assert.equal(stdout, '');
    assert.match(stderr, /stopping after the step under way/);
    assert.match(stderr, /error\S* {2}interrupted\n$/);
  });
});
