/** Options of the verbs that take a run folder. */
import { statSync } from 'node:fs';
import { UserError } from '../errors.js';
import type { RunOptions } from '../pipeline/types.js';
import { type Arguments, textOf, valued } from './verb.js';

export const RUN_OPTIONS = {
  data: valued(
    "Folder of GLUE's layout, or for a task of your own a file with the run's columns (default: the run's own data)",
  ),
  'batch-size': valued('Inputs in a batch (default: 32)'),
  threads: valued('Threads (default: all cores)'),
  engine: valued("compiled or eager (default: the run's)"),
};

export function runOptions(args: Arguments): RunOptions {
  const run = String(args.run);
  const stat = statSync(run, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    throw new UserError(stat ? 'is a file, not a run folder' : 'there is no such run folder', {
      file: run,
      hint: 'give a folder that spantune train has written',
    });
  }
  const data = textOf(args, 'data');
  if (data !== undefined && !statSync(data, { throwIfNoEntry: false })) {
    throw new UserError(`--data ${data}: there is no such folder or file`, { hint: 'check the path' });
  }
  const name = textOf(args, 'engine');
  if (name !== undefined && name !== 'compiled' && name !== 'eager') {
    throw new UserError(`--engine ${name}: must be one of compiled, eager`, { hint: 'leave it out for the usual one' });
  }
  return { run, data, batchSize: count(args, 'batch-size'), engine: { name, threads: count(args, 'threads') } };
}

function count(args: Arguments, name: string): number | undefined {
  const text = textOf(args, name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) {
    throw new UserError(`--${name} ${text}: must be a whole number of at least 1`, {
      hint: 'leave it out for the default',
    });
  }
  return Number(text);
}
