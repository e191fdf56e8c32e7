/** Options of the verbs that take a run folder. */
import { statSync } from 'node:fs';
import type { EngineRequest } from '../engine/types.js';
import { UserError } from '../errors.js';
import type { RunOptions } from '../pipeline/types.js';
import { type Arguments, textOf, valued } from './verb.js';

export const RUN_OPTIONS = {
  data: valued(
    "Folder of GLUE's layout, or for a task of your own a file with the run's columns (default: the run's own data)",
  ),
  'batch-size': valued('Inputs in a batch (default: 32)'),
  threads: valued('Threads (default: all cores)'),
  engine: valued("auto, compiled, tensorflow or cpu (default: the run's)"),
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
  return {
    run,
    data,
    batchSize: count(args, 'batch-size'),
    engine: { name: engine(args), threads: count(args, 'threads') },
  };
}

const ENGINES = ['auto', 'compiled', 'tensorflow', 'cpu'] as const satisfies EngineRequest[];

function engine(args: Arguments): EngineRequest | undefined {
  const text = textOf(args, 'engine');
  const name = ENGINES.find((known) => known === text);
  if (text !== undefined && name === undefined) {
    throw new UserError(`--engine ${text}: must be one of ${ENGINES.join(', ')}`, {
      hint: 'leave it out for the usual one',
    });
  }
  return name;
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
