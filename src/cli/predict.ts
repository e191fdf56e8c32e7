/** `spantune predict`: labels for new text, or for a split of the task's files. */
import { statSync } from 'node:fs';
import { buffer as readAll } from 'node:stream/consumers';
import type { Argv } from 'yargs';
import { UserError } from '../errors.js';
import type { PredictOptions } from '../pipeline/types.js';
import { RUN_OPTIONS, runOptions } from './run-options.js';
import { note, print, runWithReports } from './session.js';
import { type Arguments, type Flags, flagsOf, textOf, valued } from './verb.js';

export const positionals = '<run>';
export const describe = 'Label new text, or a split of the task; prints one tab-separated line for each input.';

export function options(command: Argv): Argv {
  return command
    .positional('run', { describe: 'Run folder, as spantune train writes it', type: 'string' })
    .options({
      input: valued(
        "One input a line, the texts of a pair apart by a tab; or .tsv, .csv, .jsonl with the run's columns; - for stdin",
      ),
      split: valued("In place of new text a split of the task: test, dev, or MNLI's test_mismatched and ax"),
      ...RUN_OPTIONS,
    })
    .conflicts('input', ['split', 'data'])
    .example('spantune predict runs/sst2 --input reviews.txt', '')
    .example('echo "How far is the moon?" | spantune predict runs/trec --input -', '')
    .example('spantune predict runs/mrpc --data data/glue --split test --json', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const { renderPredictions } = await import('../report/predictions.js');
  const prediction: PredictOptions = { ...runOptions(args), ...(await source(args, flags)) };
  const result = await runWithReports({ verb: 'predict', options: prediction }, flags);
  await print(flags, result, () => renderPredictions(result));
}

async function source(args: Arguments, flags: Flags): Promise<Pick<PredictOptions, 'input' | 'split'>> {
  const input = textOf(args, 'input');
  const split = textOf(args, 'split');
  if (input === undefined) {
    if (split === undefined && args.data === undefined) {
      throw new UserError('nothing to predict', {
        hint: 'give --input FILE, --input - for stdin, or --data DIR --split test',
      });
    }
    return { split: split ?? 'test' };
  }
  if (input !== '-') {
    const stat = statSync(input, { throwIfNoEntry: false });
    if (!stat || stat.isDirectory()) {
      const what = stat ? 'is a folder, not a file' : 'there is no such file';
      throw new UserError(what, { file: input, hint: 'check the path; - reads stdin' });
    }
    return { input: { name: input } };
  }
  if (process.stdin.isTTY) note(flags, 'reading stdin: one input a line, Ctrl-D ends it');
  return { input: { name: '<stdin>', text: await readAll(process.stdin) } };
}
