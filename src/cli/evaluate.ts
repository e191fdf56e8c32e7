/** `spantune evaluate`: a run's scores on a split. */
import type { Argv } from 'yargs';
import { RUN_OPTIONS, runOptions } from './run-options.js';
import { print, runWithReports } from './session.js';
import { type Arguments, flagsOf, textOf, valued } from './verb.js';

export const positionals = '<run>';
export const describe = 'Score a run on a split that has labels.';

export function options(command: Argv): Argv {
  return command
    .positional('run', { describe: 'Run folder, as spantune train writes it', type: 'string' })
    .options({
      split: valued("dev, train, or a task's further ones such as dev_mismatched and ax of MNLI (default: dev)"),
      ...RUN_OPTIONS,
    })
    .example('spantune evaluate runs/mrpc-selected-2-seed1 --data data/glue', '')
    .example('spantune evaluate runs/mnli --data data/glue --split dev_mismatched --json', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const { renderEvaluation } = await import('../report/training.js');
  const evaluation = { ...runOptions(args), split: textOf(args, 'split') ?? 'dev' };
  const result = await runWithReports({ verb: 'evaluate', options: evaluation }, flags);
  await print(flags, result, (style) => renderEvaluation(result, style));
}
