/** The command line from a configuration to predictions, and whatever a user may get wrong on the way. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { failureLines } from '../../src/cli/failure.js';
import { loadConfig } from '../../src/config/load.js';
import { SpantuneError } from '../../src/errors.js';
import { runSelect } from '../../src/pipeline/select.js';
import { runTrain } from '../../src/pipeline/train.js';
import { plain } from '../../src/report/style.js';
import {
  configOf,
  evaluated,
  LAND,
  predicted,
  quiet,
  temporary,
  topics,
  VOCABULARY,
  write,
  writeModel,
  writeTopics,
} from '../pipeline/support.js';
import { MAIN, type Outcome, spantune, spantuneAll, start } from './support.js';

const folder = temporary();
const model = writeModel(join(folder, 'model'));
const task = writeTopics(join(folder, 'topics'), { train: 32, dev: 10 });
const data = join(folder, 'glue');
const header = ['sentence', 'label'];
const rows = topics(24, 5).map(([text, label]) => [text, label === 'sea' ? 1 : 0]);
write(join(data, 'SST-2/train.tsv'), [header, ...rows]);
write(join(data, 'SST-2/test.tsv'), [['index', 'sentence'], ...rows.map(([text], i) => [i, text])]);

let made = 0;
/** Writes a configuration and says under which name. */
function config(values: object): string {
  const file = join(folder, `config-${made++}.yaml`);
  const training = { epochs: 1, batchSize: 16, learningRate: 5e-3 };
  const fixed = { model, task, arm: 'top-1', training, classifier: { pooling: 'mean' }, engine: { threads: 1 } };
  writeFileSync(file, stringify({ ...fixed, ...values }));
  return file;
}

const run = join(folder, 'runs/topics');
let trainOutcome: Outcome;
before(async () => {
  trainOutcome = await spantune(['train', config({ arm: 'selected-2' }), '--output', run, '--json']);
});

test('train prints its result as JSON and tells people where the run is', () => {
  const { code, stdout, stderr } = trainOutcome;
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout);
  assert.deepEqual(result, JSON.parse(readFileSync(join(run, 'result.json'), 'utf8')));
  assert.deepEqual([result.task, result.arm.name, result.layers], ['topics', 'selected-2', 3]);
  assert.match(stderr, new RegExp(`run +${run}\\nnext +spantune predict ${run} --input FILE`));
});

describe('from there', { concurrency: true }, () => {
  test('evaluate and predict take it from there', async () => {
    const texts = topics(10, 2).map(([text]) => text);
    const lines = write(
      join(folder, 'lines.txt'),
      texts.map((text) => [text]),
    );
    const [scores, predictions, asJson, quietly] = await spantuneAll([
      ['evaluate', run, '--batch-size', '7'],
      ['predict', run, '--input', lines],
      ['predict', run, '--data', task.dev, '--split', 'dev', '--json', '--quiet'],
      ['train', config({}), '--output', join(folder, 'runs/quietly'), '--quiet'],
    ]);
    for (const { code, stderr } of [scores, predictions, asJson, quietly]) assert.equal(code, 0, stderr);
    const { accuracy } = JSON.parse(trainOutcome.stdout).metrics;
    assert.match(scores.stdout, /^topics, dev · 10 examples/);
    assert.match(scores.stdout, new RegExp(`accuracy +${(100 * accuracy).toFixed(1)}`));
    const table = predictions.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    assert.deepEqual(table[0], ['index', 'label', 'probability']);
    const labels = JSON.parse(asJson.stdout).predictions.map(({ label }: { label: string }) => label);
    assert.deepEqual(
      table.slice(1).map(([, label]) => label),
      labels,
    );
    assert.equal(asJson.stderr + quietly.stderr, '');
    const right = topics(10, 2).filter(([, label], i) => label === labels[i]).length;
    assert.equal(right / 10, accuracy);
  });

  test('an unlabelled split of the run’s own is predicted without --data; long inputs and blank lines are told', async () => {
    const long = write(join(folder, 'long.txt'), [[Array(40).fill('the').join(' ')], [''], ['tide']]);
    const [split, cut] = await spantuneAll([
      ['predict', labelless(), '--split', 'test'],
      ['predict', run, '--input', long],
    ]);
    for (const { code, stderr } of [split, cut]) assert.equal(code, 0, stderr);
    assert.equal(split.stdout.trimEnd().split('\n').length, 3);
    assert.equal(cut.stdout.trimEnd().split('\n').length, 4);
    assert.match(cut.stderr, /1 line is blank and labelled as empty text/);
    assert.match(cut.stderr, /1 input is longer than 24 tokens/);
  });

  test('Ctrl-C before the run folder stands says nothing of one', async () => {
    const at = join(folder, 'runs/early');
    let sent = false;
    const words = ['train', config({ arm: 'selected-1' }), '--output', at];
    const { code, stderr } = await start(`process.stderr.isTTY = true; ${MAIN}`, words, {
      onStderr(text, kill) {
        if (sent || !text.includes('%')) return;
        sent = true;
        kill('SIGINT');
      },
    });
    assert.ok(sent, stderr);
    assert.equal(code, 130, stderr);
    assert.equal(/unfinished/.test(stderr), existsSync(at), stderr);
  });

  test('predict reads standard input', async () => {
    const { code, stdout, stderr } = await spantune(['predict', run, '--input', '-'], {
      input: 'the old whale\nthe forest\n',
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^index\tlabel\tprobability\n0\t(land|sea)\t0\.\d{4}\n1\t(land|sea)\t0\.\d{4}\n$/);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} ends training between steps, with exit code 130 and without a result`, async () => {
      const output = join(folder, 'runs/stopped', signal);
      const words = ['train', config({ training: { epochs: 10_000, batchSize: 4 } }), '--output', output];
      let second: Promise<Outcome> | undefined;
      const { code, stdout, stderr } = await start(`process.stderr.isTTY = true; ${MAIN}`, words, {
        onStderr(text, kill) {
          if (second || !/tune.*loss/.test(text)) return;
          second = spantune(words);
          second.finally(() => kill(signal));
        },
      });
      assert.equal(code, 130, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /error\S* +interrupted\n.*hint\S* +the run folder .*stopped\/\w+ is unfinished/);
      assert.deepEqual(readdirSync(output).sort(), ['config.yaml', 'metrics.jsonl']);
      const refused = await second;
      assert.match(refused?.stderr ?? '', /another run is writing this folder: process \d+ on .*\nhint .*--output/);
      assert.equal(refused?.code, 2);
    });
  }

  test('weights that are no numbers are told as such, not as a training that diverged', async () => {
    const poisoned = broken('poisoned', (copy) => {
      const file = join(copy, shard);
      const bytes = readFileSync(file);
      bytes.writeFloatLE(Number.NaN, bytes.length - 4);
      writeFileSync(file, bytes);
    });
    const words = ['train', config({ model: poisoned }), '--output', join(folder, 'runs/poisoned'), '--quiet'];
    const { code, stderr } = await spantune(words);
    assert.match(
      stderr,
      /^error +.*poisoned: \S+ holds values that are not finite numbers\nhint +the weights are damaged/,
    );
    assert.equal(code, 2);
  });
});

const shard = 'model-00003-of-00006.safetensors';

/** A copy of the model with something done to it. */
function broken(name: string, harm: (copy: string) => void): string {
  const copy = join(folder, 'broken', name);
  cpSync(model, copy, { recursive: true });
  harm(copy);
  return copy;
}

const rewrite = (file: string, from: string, to: string) =>
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));

/** What goes wrong: on the command line, or in the verb's story alone, which starts no thread. */
interface Mistake {
  what: string;
  words?: () => string[];
  story?: () => Promise<unknown>;
  error: RegExp;
  hint: RegExp;
}

/** The run, its configuration naming a test split without labels. */
function labelless(): string {
  const copy = join(folder, 'runs/labelless');
  cpSync(run, copy, { recursive: true });
  const file = write(join(folder, 'own/test.tsv'), [['sentence'], ['the tide'], ['the old whale']]);
  rewrite(join(copy, 'config.yaml'), '\ntask:\n', `\ntask:\n  test: ${file}\n`);
  return copy;
}

const output = join(folder, 'runs/never');
const words = (values: object, ...more: string[]) => ['train', config(values), '--output', output, ...more];
const train = async (values: object) => runTrain(loadConfig(config(values)), output, quiet, () => false);
const own = (name: string, ...lines: (string | number)[][]) => ({
  ...task,
  train: write(join(folder, 'own', `${name}.tsv`), lines),
});

const MISTAKES: Mistake[] = [
  {
    what: 'no weights',
    story: () => {
      const weightless = broken('weightless', (copy) => {
        for (const file of readdirSync(copy)) if (file.includes('safetensors')) rmSync(join(copy, file));
      });
      return train({ model: weightless });
    },
    error: /broken\/weightless: holds no weights/,
    hint: /model\.safetensors/,
  },
  {
    what: 'a weight file of several is missing',
    story: () => train({ model: broken('shardless', (copy) => rmSync(join(copy, shard))) }),
    error: /model-00003-of-00006\.safetensors: there is no such file/,
    hint: /download it/,
  },
  {
    what: 'a truncated weight file',
    words: () => words({ model: broken('truncated', (copy) => truncateSync(join(copy, shard), 9_000)) }),
    error: /truncated\/model-00003-of-00006\.safetensors: /,
    hint: /damaged|again/,
  },
  {
    what: 'a weight file cut within its header',
    story: () => train({ model: broken('headless', (copy) => truncateSync(join(copy, shard), 5)) }),
    error: /headless\/model-00003-of-00006\.safetensors: /,
    hint: /damaged|again/,
  },
  {
    what: 'weights of another shape than config.json says',
    story: () =>
      train({
        model: broken('misshapen', (copy) =>
          rewrite(join(copy, 'config.json'), '"intermediate_size": 48', '"intermediate_size": 64'),
        ),
      }),
    error: /intermediate\.dense\.weight" is \[48, 32\], expected \[64, 32\]/,
    hint: /same model/,
  },
  {
    what: 'an unknown family',
    story: () =>
      train({
        model: broken('unknown', (copy) =>
          rewrite(join(copy, 'config.json'), '"model_type": "bert"', '"model_type": "gpt2"'),
        ),
      }),
    error: /unknown\/config\.json: "model_type" is "gpt2", which is not a known family/,
    hint: /bert/,
  },
  {
    what: 'a config.json that is no JSON',
    story: () =>
      train({ model: broken('unparsed', (copy) => writeFileSync(join(copy, 'config.json'), '{"model_type": ')) }),
    error: /unparsed\/config\.json: is not valid JSON/,
    hint: /config\.json/,
  },
  {
    what: 'no tokenizer',
    story: () => train({ model: broken('wordless', (copy) => rmSync(join(copy, 'vocab.txt'))) }),
    error: /wordless: holds no tokenizer/,
    hint: /tokenizer\.json/,
  },
  {
    what: 'a vocabulary larger than the model’s table',
    story: () => {
      const more = Array.from({ length: 61 - VOCABULARY.length }, (_, i) => `spare${i}`);
      return train({
        model: writeModel(join(folder, 'broken/large'), [
          ...VOCABULARY.filter((word) => word !== LAND[0]),
          ...more,
          'x',
          LAND[0],
        ]),
      });
    },
    error: /broken\/large: token id 61 lies outside the model's table of 61 rows; the tokenizer has 62/,
    hint: /same model/,
  },
  {
    what: 'a file in place of the model’s folder',
    story: () => train({ model: join(model, 'config.json') }),
    error: /config-\d+\.yaml:1:8: .*config\.json is not a folder/,
    hint: /./,
  },
  {
    what: 'a misspelt key',
    words: () => words({ trainng: { epochs: 2 } }),
    error: /config-\d+\.yaml:\d+:1: unknown key "trainng"/,
    hint: /did you mean "training"\?/,
  },
  ...[0, -1e-4].map((rate) => ({
    what: `a learning rate of ${rate}`,
    story: () => train({ training: { learningRate: rate } }),
    error: /config-\d+\.yaml:\d+:\d+: .*learningRate.* must be a number above 0/,
    hint: /./,
  })),
  {
    what: 'a learning rate of 0 on the command line',
    words: () => words({}, '--set', 'training.learningRate=0'),
    error: /--set training\.learningRate=0: .*must be a number above 0/,
    hint: /./,
  },
  {
    what: 'absurdly many threads',
    words: () => words({}, '--threads', '1025'),
    error: /1025 threads: at most 1024/,
    hint: /this machine has \d+ cores?/,
  },
  {
    what: 'an option without its value',
    words: () => words({}, '--threads='),
    error: /--threads needs a value/,
    hint: /leave it out/,
  },
  {
    what: 'a GPU by no device’s name',
    words: () => words({}, '--device', 'gpu'),
    error: /engine\.device must be one of cpu, webgpu, cuda, not "gpu"/,
    hint: /webgpu or cuda/,
  },
  {
    what: 'an arm outside the model',
    story: () => train({ arm: { bottom: 2, top: 5, head: 5 } }),
    error: /model: arm 2\.\.5@5 does not fit a model of 3 layers/,
    hint: /1 ≤ bottom ≤ top ≤ head ≤ L/,
  },
  ...['top-4', 'selected-4'].map((arm) => ({
    what: `more layers than the model has: ${arm}`,
    story: () => train({ arm }),
    error: /model: 4 layers cannot be tuned: the model has 3/,
    hint: /from 1 to 3/,
  })),
  {
    what: 'a proposal of more layers than the model has',
    story: async () => runSelect(configOf({ model, task, selection: { k: 4 }, arm: 'full' }), quiet),
    error: /model: 4 layers cannot be tuned: the model has 3/,
    hint: /from 1 to 3/,
  },
  {
    what: 'a row without its label',
    story: () => train({ task: own('narrow', header, ['the tide', 'sea'], ['the forest', 'land'], ['the reef']) }),
    error: /own\/narrow\.tsv:4: /,
    hint: /label/,
  },
  {
    what: 'a label outside the task',
    story: () =>
      train({ task: { ...task, dev: own('outside', header, ['the tide', 'sea'], ['the wind', 'air']).train } }),
    error: /own\/outside\.tsv:3: label "air" is not one of land, sea/,
    hint: /land or sea in column "label"/,
  },
  {
    what: 'an empty file',
    story: () => {
      const empty = join(folder, 'own/empty.tsv');
      mkdirSync(join(folder, 'own'), { recursive: true });
      writeFileSync(empty, '');
      return train({ task: { ...task, train: empty } });
    },
    error: /own\/empty\.tsv: is empty/,
    hint: /./,
  },
  {
    what: 'a file of nothing but its header',
    story: () => train({ task: { ...task, dev: own('header', header).train } }),
    error: /own\/header\.tsv: holds no rows/,
    hint: /./,
  },
  {
    what: 'a dev split without labels',
    story: () => train({ task: { ...task, dev: own('unlabelled', header, ['the tide', -1]).train } }),
    error: /own\/unlabelled\.tsv:2: the dev split has no labels/,
    hint: /name a file with labels/,
  },
  {
    what: 'a text column that is not there',
    story: () => train({ task: { ...task, text: 'phrase' } }),
    error: /topics\/train\.tsv:1: has no column "phrase"/,
    hint: /"sentence", "label"/,
  },
  {
    what: 'a folder in place of a file',
    story: () => train({ task: { ...task, dev: folder } }),
    error: /config-\d+\.yaml:\d+:\d+: .* is not a file/,
    hint: /./,
  },
  {
    what: 'no folder of data',
    story: () => train({ task: { name: 'sst2', data: join(folder, 'nowhere') } }),
    error: /config-\d+\.yaml:\d+:\d+: .*there is no folder .*nowhere/,
    hint: /./,
  },
  {
    what: 'no dev split',
    story: () => train({ task: { name: 'sst2', data } }),
    error: /SST-2\/dev\.tsv: there is no such file/,
    hint: /sst2 needs it for its dev split/,
  },
  {
    what: 'a run folder that cannot be made',
    story: async () => runTrain(loadConfig(config({})), join(task.train, 'run'), quiet, () => false),
    error: /train\.tsv\/run: /,
    hint: /--output/,
  },
  {
    what: 'a split that is not there',
    story: () => evaluated({ run, split: 'devel' }),
    error: /topics has no split "devel"/,
    hint: /train, dev/,
  },
  {
    what: 'evaluating what has no labels',
    words: () => [
      'evaluate',
      run,
      '--data',
      write(join(folder, 'own/test.tsv'), [['sentence'], ['the tide']]),
      '--split',
      'test',
    ],
    error: /own\/test\.tsv:2: the test split has no labels/,
    hint: /spantune predict .*runs\/topics --data .*own\/test\.tsv --split test`/,
  },
  {
    what: 'evaluating an unlabelled split of the run’s own',
    story: () => evaluated({ run: labelless(), split: 'test' }),
    error: /own\/test\.tsv:2: the test split has no labels/,
    hint: /`spantune predict .*runs\/labelless --split test`/,
  },
  {
    what: 'data that is not there',
    words: () => ['evaluate', run, '--data', join(folder, 'nowhere')],
    error: /--data .*nowhere: there is no such folder or file/,
    hint: /./,
  },
  {
    what: 'a run whose result cannot be read',
    story: () => {
      const damaged = join(folder, 'runs/damaged');
      cpSync(run, damaged, { recursive: true });
      writeFileSync(join(damaged, 'result.json'), '{');
      return evaluated({ run: damaged, split: 'dev' });
    },
    error: /damaged\/result\.json: is not valid JSON/,
    hint: /./,
  },
  {
    what: 'a run whose weights are cut short',
    story: () => {
      const cut = join(folder, 'runs/cut');
      cpSync(run, cut, { recursive: true });
      truncateSync(join(cut, 'tuned.safetensors'), 4_000);
      return predicted({ run: cut, input: { name: task.dev } });
    },
    error: /cut\/tuned\.safetensors: /,
    hint: /train it again/,
  },
  {
    what: 'a run that is none',
    story: () => evaluated({ run: model, split: 'dev' }),
    error: /model: is the folder of a model, not of a run/,
    hint: /spantune train/,
  },
  {
    what: 'a folder that is no run',
    words: () => ['predict', join(folder, 'own'), '--input', task.dev],
    error: /own: is no run folder: it holds neither config\.yaml nor result\.json/,
    hint: /spantune train/,
  },
  {
    what: 'a file in place of a run',
    words: () => ['evaluate', task.dev],
    error: /dev\.tsv: is a file, not a run folder/,
    hint: /spantune train/,
  },
  {
    what: 'a run that did not end',
    story: () => {
      const unfinished = join(folder, 'runs/unfinished');
      cpSync(run, unfinished, { recursive: true });
      rmSync(join(unfinished, 'result.json'));
      return evaluated({ run: unfinished, split: 'dev' });
    },
    error: /unfinished: the run is unfinished: it has no result\.json/,
    hint: /spantune train .*unfinished\/config\.yaml --output .*unfinished/,
  },
  {
    what: 'a run folder where none can be made',
    words: () => [
      'train',
      config({}),
      '--output',
      existsSync('/proc') ? '/proc/spantune/run' : join(task.train, 'run'),
    ],
    error: /run: cannot be (written to|made): /,
    hint: /--output/,
  },
  {
    what: 'a result of select where none can be written',
    words: () => ['select', '--config', config({}), '--output', join(task.train, 'deep/in/select.json')],
    error: /train\.tsv\/deep\/in: cannot be made: .*train\.tsv is not a folder/,
    hint: /./,
  },
  {
    what: 'input that is no text',
    words: () => {
      const binary = join(folder, 'own/binary.txt');
      writeFileSync(binary, Buffer.from([116, 10, 0, 255, 27, 91]));
      return ['predict', run, '--input', binary];
    },
    error: /own\/binary\.txt:2: holds a NUL byte/,
    hint: /UTF-8/,
  },
];

describe('a mistake is an error line with its place and a hint line, and leaves nothing behind', () => {
  const outcomes = new Map<Mistake, Outcome>();
  before(async () => {
    const typed = MISTAKES.filter((mistake) => mistake.words);
    const results = await spantuneAll(typed.map(({ words }) => words?.() ?? []));
    for (const [index, mistake] of typed.entries()) outcomes.set(mistake, results[index]);
  });
  for (const mistake of MISTAKES) {
    test(mistake.what, async () => {
      const { code, stdout, stderr } = outcomes.get(mistake) ?? (await outcomeOf(mistake.story));
      const [first, second, ...rest] = stderr.trimEnd().split('\n');
      assert.match(first, mistake.error);
      assert.match(first, /^error {2}/);
      assert.match(second ?? '', mistake.hint);
      assert.match(second ?? '', /^hint {3}/);
      assert.deepEqual([rest, code, stdout], [[], 2, '']);
    });
  }

  test('no run folder was made', () => {
    assert.equal(existsSync(output), false);
  });
});

/** What the command line would say and return. */
async function outcomeOf(story: Mistake['story']): Promise<Outcome> {
  try {
    await story?.();
  } catch (error) {
    const code = error instanceof SpantuneError ? error.exitCode : 1;
    return { code, stdout: '', stderr: failureLines(error, false, plain).join('\n') };
  }
  return assert.fail('nothing went wrong');
}
