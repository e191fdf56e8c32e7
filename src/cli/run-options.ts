/** Options of the verbs that take a run folder. */
import { statSync } from 'node:fs';
import type { Device, EngineRequest } from '../engine/types.js';
import { UserError } from '../errors.js';
import type { RunOptions } from '../pipeline/types.js';
import { type Arguments, choiceOf, countOf, textOf, valued } from './verb.js';

const DEVICES = ['cpu', 'webgpu', 'cuda'] as const satisfies Device[];
const ENGINES = ['auto', 'compiled', 'tensorflow', 'cpu'] as const satisfies EngineRequest[];

export const RUN_OPTIONS = {
  data: valued(
    "Folder of GLUE's layout, or for a task of your own a file with the run's columns (default: the run's own data)",
  ),
  'batch-size': valued('Inputs in a batch (default: 32)'),
  threads: valued('Threads (default: all cores)'),
  engine: valued("auto, compiled, tensorflow or cpu (default: the run's)"),
  device: valued("Of the compiled engine: cpu, webgpu or cuda (default: the run's)"),
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
    batchSize: countOf(args, 'batch-size'),
    engine: {
      name: choiceOf(args, 'engine', ENGINES, 'leave it out for the usual one'),
      device: choiceOf(args, 'device', DEVICES, 'leave it out for the usual one'),
      threads: countOf(args, 'threads'),
    },
  };
}
