/** `spantune export`: a run's adapter for Python's libraries. */
import type { Argv } from 'yargs';
import { UserError } from '../errors.js';
import { nearest } from '../nearest.js';
import type { ExportOptions } from '../pipeline/types.js';
import { note, print, runWithReports } from './session.js';
import { type Arguments, flagsOf, textOf, valued } from './verb.js';

const FORMATS = ['peft', 'adapterhub'] as const;

export const positionals = '<run>';
export const describe = "Write a run's adapter in the format of Python's peft or of AdapterHub's adapters.";

export function options(command: Argv): Argv {
  return command
    .positional('run', { describe: 'Run folder, as spantune train writes it', type: 'string' })
    .options({
      format: valued('peft: lora and ia3; adapterhub: bottleneck, pfeiffer and parallel (default: peft)'),
      output: valued('The folder to write, new or empty'),
    })
    .example('spantune export runs/mrpc-lora --output adapters/mrpc', '')
    .example('spantune export runs/mrpc-pfeiffer --format adapterhub --output adapters/mrpc', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const output = textOf(args, 'output');
  if (output === undefined) throw new UserError('--output is missing', { hint: 'give the folder to write' });
  const job = { verb: 'export' as const, options: { run: String(args.run), format: formatOf(args), output } };
  const result = await runWithReports(job, flags);
  await print(flags, result, () => result.files.map((file) => `${output}/${file}`).join('\n'));
  note(flags, `\nIn Python:\n${result.python.map((line) => `    ${line}`).join('\n')}`);
}

function formatOf(args: Arguments): ExportOptions['format'] {
  const text = textOf(args, 'format') ?? 'peft';
  const format = FORMATS.find((name) => name === text);
  if (format) return format;
  const near = nearest(text, FORMATS);
  throw new UserError(`--format ${text}: must be one of ${FORMATS.join(', ')}`, {
    hint: near ? `did you mean "${near}"?` : 'leave it out for peft',
  });
}
