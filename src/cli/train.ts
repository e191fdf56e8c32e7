/** `spantune train`: a configuration becomes a run folder. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { Override } from '../config/load.js';
import type { RunConfig } from '../config/schema.js';
import { Interrupted, UserError } from '../errors.js';
import { displayPath } from '../files.js';
import { commandName, quoted } from './command.js';
import { note, print, runWithReports } from './session.js';
import { type Arguments, flagsOf, textOf, textsOf, valued } from './verb.js';

export const positionals = '<config>';
export const describe =
  'Select the layers (unless the arm is explicit), attach a classifier, tune, evaluate; writes a run folder.';

export function options(command: Argv): Argv {
  return command
    .positional('config', {
      describe: 'YAML file of the run; configs/defaults.yaml explains every key',
      type: 'string',
    })
    .options({
      set: { ...valued('Set any key of the configuration: key=value; may be repeated'), array: true, nargs: 1 },
      output: valued('The run folder (default: runs/TASK-ARM-seedN)'),
      overwrite: { describe: 'Write over a finished run', type: 'boolean' },
      threads: valued('Threads (default: all cores)'),
      engine: valued('auto, compiled, tensorflow or cpu (default: compiled)'),
      device: valued('Of the compiled engine: cpu, webgpu or cuda (default: cpu)'),
    })
    .example('spantune train configs/mrpc-selected.yaml', '')
    .example('spantune train configs/mrpc-selected.yaml --set training.epochs=5 --set seed=2', '')
    .example('spantune train configs/mrpc-selected.yaml --set "arm={ bottom: l*, top: L, head: L }"', '')
    .example('spantune train configs/trec-selected.yaml --output runs/trec --json > trec.json', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const [{ loadConfig, setOverride }, { parseOptionValue }, { renderSelection }, { renderTraining }] =
    await Promise.all([
      import('../config/load.js'),
      import('../config/layers.js'),
      import('../report/selection.js'),
      import('../report/training.js'),
    ]);
  const overrides: Override[] = textsOf(args, 'set').map(setOverride);
  const add = (name: string, path: string, read: (text: string, option: string) => unknown) => {
    const text = textOf(args, name);
    const option = `--${name} ${text}`;
    if (text !== undefined) overrides.push({ path, value: read(text, option), option });
  };
  add('output', 'output.folder', String);
  add('threads', 'engine.threads', parseOptionValue);
  add('engine', 'engine.name', String);
  add('device', 'engine.device', String);
  if (args.overwrite !== undefined)
    overrides.push({ path: 'output.overwrite', value: args.overwrite, option: '--overwrite' });

  const config = loadConfig(String(args.config), { overrides });
  if (config.task.data === undefined && config.task.dev === undefined) {
    throw new UserError('missing key "task.dev": training scores on it', {
      file: String(args.config),
      hint: 'name the file of the dev split',
    });
  }
  const output = resolve(config.output.folder ?? defaultFolder(config));
  checkFolder(output, config.output.overwrite, String(args.config));
  try {
    const result = await runWithReports({ verb: 'train', config, output }, flags);
    await print(flags, result, (style) => {
      const curve = result.selection ? `${renderSelection(result.selection, style)}\n\n` : '';
      return curve + renderTraining(result, style);
    });
  } catch (error) {
    // Stopped before anything was written, it has left no folder behind.
    if (error instanceof Interrupted && existsSync(output))
      throw new Interrupted(`the run folder ${displayPath(output)} is unfinished; the same command starts it again`);
    throw error;
  }
  const folder = displayPath(output);
  note(flags, `\nrun    ${folder}\nnext   ${commandName()} predict ${quoted(folder)} --input FILE`);
}

function defaultFolder({ task, arm, seed }: RunConfig): string {
  const name = typeof arm === 'string' ? arm : (arm.name ?? [arm.bottom ?? '', arm.top ?? '', arm.head].join('_'));
  return join('runs', `${task.name}-${name}-seed${seed}`.replaceAll(/[^\w.+-]/g, ''));
}

/** What a run that did not finish leaves behind; it may be written over. */
const UNFINISHED =
  /^(config\.yaml|metrics\.jsonl|predictions(_mismatched)?\.tsv|tuned\.safetensors|run\.lock|.*\.part)$/;

/** A finished run is hours of work, and other files are none of ours: neither is written over unasked. */
function checkFolder(folder: string, overwrite: boolean, configFile: string): void {
  if (overwrite || !existsSync(folder)) return;
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch (cause) {
    throw new UserError('is not a folder', { file: folder, hint: 'choose another with --output', cause });
  }
  const own = resolve(configFile) === join(folder, 'config.yaml');
  if (own || !entries.every((entry) => UNFINISHED.test(entry))) {
    const what = entries.includes('result.json') ? 'holds a finished run' : 'the run folder is not empty';
    throw new UserError(what, { file: folder, hint: 'choose another with --output, or add --overwrite' });
  }
}
