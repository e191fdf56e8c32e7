/** `spantune select`: measures the layers and proposes an arm. */
import { dirname } from 'node:path';
import type { Argv } from 'yargs';
import type { Override } from '../config/load.js';
import { UserError } from '../errors.js';
import { displayPath, makeFolders, writeFileWhole } from '../files.js';
import type { Arm } from '../pipeline/types.js';
import { parseScores, SCORE_NAMES } from '../selection/scores/catalogue.js';
import { commandName, quoted } from './command.js';
import { note, print, runWithReports } from './session.js';
import { type Arguments, flagsOf, textOf, textsOf, valued } from './verb.js';

export const positionals = '';
export const describe = 'Measure the variability ν of every layer on a task and propose which layers to tune.';

export function options(command: Argv): Argv {
  return command
    .options({
      model: valued('Folder of a Hugging Face encoder'),
      task: valued('Name of a GLUE task: cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte, wnli'),
      data: valued('Folder that holds the task, such as MRPC/train.tsv'),
      train: valued('A task of your own: its training file, .tsv, .csv or .jsonl'),
      dev: valued('A task of your own: its dev file (measuring does not need it)'),
      text: valued('A task of your own: the column of the text, or two for pairs: A,B (default: sentence, text, …)'),
      label: valued('A task of your own: the column of the label (default: label)'),
      config: valued('Take model, task and the rest from a YAML file; options win over it'),
      set: { ...valued('Set any key of the configuration: key=value; may be repeated'), array: true, nargs: 1 },
      samples: valued('Measure on so many training inputs, stratified and seeded (default: all)'),
      seed: valued('Seed of sampling and resampling (default: 1)'),
      score: valued('Score that chooses: nu, debiased-nu, logme, h-score, knn, ridge, … (default: nu)'),
      scores: valued(`Scores to print side by side, separated by commas, or all: ${SCORE_NAMES.join(', ')}`),
      k: valued('Layers in the proposed span (default: 2)'),
      'max-length': valued('Longest input in tokens (default: 128)'),
      threads: valued('Threads (default: all cores)'),
      engine: valued('auto, compiled, tensorflow or cpu (default: compiled)'),
      device: valued('Of the compiled engine: cpu, webgpu or cuda (default: cpu)'),
      output: valued('Also write the JSON document to this file'),
    })
    .example('spantune select --model models/en-12x192 --task mrpc --data data/glue', '')
    .example('spantune select --model models/en-12x192 --task sst2 --data data/glue --samples 2000 --json', '')
    .example('spantune select --model models/en-12x192 --task rte --data data/glue --scores nu,logme,knn,cka', '')
    .example('spantune select --model models/en-12x192 --train trec/train.tsv --text sentence', '')
    .example('spantune select --config configs/mrpc-selected.yaml --k 3', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const [{ defaultsFile, loadConfig, resolveConfig, setOverride }, { renderSelection }] = await Promise.all([
    import('../config/load.js'),
    import('../report/selection.js'),
  ]);
  const { parseOptionValue } = await import('../config/layers.js');
  const file = textOf(args, 'config');
  if (file === undefined) requireTask(args);
  const overrides = [...selectOverrides(args, parseOptionValue), ...textsOf(args, 'set').map(setOverride)];
  const config = file === undefined ? resolveConfig({}, { overrides }) : loadConfig(file, { overrides });

  const output = textOf(args, 'output');
  // Before the work, lest it be done in vain.
  if (output !== undefined) makeFolders(dirname(output));
  const result = await runWithReports({ verb: 'select', config }, flags);
  if (output !== undefined) writeFileWhole(output, `${JSON.stringify(result, null, 2)}\n`);
  await print(flags, result, (style) => renderSelection(result, style));
  const next = trainWords(file === undefined ? displayPath(defaultsFile()) : file, overrides, result.arm, (text) => {
    // A text that YAML would read as something else is written in quotes.
    return parseOptionValue(text, text) === text ? text : JSON.stringify(text);
  });
  const dev = file === undefined && given(overrides, 'task.train') && !given(overrides, 'task.dev');
  note(flags, `\nnext   ${[commandName(), ...next, ...(dev ? ['--set task.dev=DEV_FILE'] : [])].join(' ')}`);
}

/** The words that tune the proposal: all that was said of other things than arm and selection, and the arm's layers. */
function trainWords(
  file: string,
  overrides: Override[],
  { name, bottom, top, head }: Arm,
  yaml: (text: string) => string,
): string[] {
  const words = overrides
    .filter(({ path }) => path !== 'arm' && !path.startsWith('arm.') && !path.startsWith('selection'))
    .filter(({ path }, index, all) => all.findLastIndex((other) => other.path === path) === index)
    .map(({ path, value }) => `${path}=${typeof value === 'string' ? yaml(value) : JSON.stringify(value)}`);
  const arm = `arm={ name: ${name}, bottom: ${bottom}, top: ${top}, head: ${head} }`;
  return ['train', quoted(file), ...[...words, arm].map((word) => `--set ${quoted(word)}`)];
}

const given = (overrides: Override[], path: string) => overrides.some((override) => override.path === path);

function requireTask(args: Arguments): void {
  const stated = (name: string) =>
    textOf(args, name) !== undefined || textsOf(args, 'set').some((word) => word.startsWith(name));
  if (!stated('model'))
    throw new UserError('--model is missing', { hint: 'give the folder of a Hugging Face encoder, or --config FILE' });
  if (stated('train') || stated('task.')) return;
  const hint = 'give --task NAME --data DIR, or --train FILE for a task of your own';
  for (const name of ['task', 'data']) if (!stated(name)) throw new UserError(`--${name} is missing`, { hint });
}

/** The verb's own options as overrides of the configuration. */
function selectOverrides(args: Arguments, parse: (text: string, option: string) => unknown): Override[] {
  const overrides: Override[] = [];
  const text = (option: string, path: string, value = textOf(args, option)) => {
    if (value !== undefined) overrides.push({ path, value, option: `--${option} ${value}` });
  };
  const yaml = (option: string, path: string) => {
    const value = textOf(args, option);
    if (value === undefined) return;
    overrides.push({ path, value: parse(value, `--${option} ${value}`), option: `--${option} ${value}` });
  };
  const train = textOf(args, 'train');
  text('model', 'model');
  text('task', 'task.name');
  if (train !== undefined && textOf(args, 'task') === undefined) {
    overrides.push({ path: 'task.name', value: taskName(train), option: `--train ${train}` });
  }
  text('data', 'task.data');
  text('train', 'task.train');
  text('dev', 'task.dev');
  const columns = textOf(args, 'text')
    ?.split(',')
    .map((column) => column.trim());
  if (columns) {
    overrides.push({
      path: 'task.text',
      value: columns.length === 1 ? columns[0] : columns,
      option: `--text ${args.text}`,
    });
  }
  text('label', 'task.label');
  text('score', 'selection.score');
  const scores = textOf(args, 'scores');
  if (scores !== undefined) {
    const option = `--scores ${scores}`;
    overrides.push({ path: 'selection.scores', value: parseScores(scores, option), option });
  }
  yaml('samples', 'selection.samples');
  yaml('seed', 'seed');
  yaml('k', 'selection.k');
  // The proposal's k also names the arm, lest a configuration's own arm contradict it.
  const k = textOf(args, 'k');
  if (k !== undefined && /^\d+$/.test(k)) overrides.push({ path: 'arm', value: `selected-${k}`, option: `--k ${k}` });
  yaml('max-length', 'training.maxLength');
  yaml('threads', 'engine.threads');
  text('engine', 'engine.name');
  text('device', 'engine.device');
  return overrides;
}

/** `data/trec/train.tsv` is about trec, `data/trec.tsv` too. */
function taskName(train: string): string {
  const parts = train.split(/[\\/]/).filter((part) => part !== '' && part !== '.' && part !== '..');
  const stem = (parts.at(-1) ?? 'task').replace(/\.[^.]+$/, '');
  return stem === 'train' ? (parts.at(-2) ?? 'task') : stem || 'task';
}
