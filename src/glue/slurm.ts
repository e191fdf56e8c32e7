/**
 * A grid as a Slurm array script. Each task of the array runs one cell by `spantune glue GRID --output DIR --cell N`, the same code as
 * on one machine; tasks share DIR over a common file system and wait for each other's measurements and trials by their locks.
 */
import { countCells } from './cells.js';
import type { Prepared } from './prepare.js';
import { isSearch } from './search.js';

export interface SlurmOptions {
  /** Words that start spantune on a node, such as `node /shared/spantune/bin/spantune`, as a shell reads them. */
  command: string;
  /** The grid's file and folder, absolute, as a shell reads them. */
  grid: string;
  output: string;
  /** Further words of the command line, such as `--set seeds=[1]`, as a shell reads them. */
  words: string[];
  /** Tasks at once, where stated. */
  jobs?: number;
  threads: number;
  /** Bytes of the largest run. */
  memory: number;
  /** The folder of the logs, absolute, as a shell reads it. */
  logs: string;
}

/** The script's text. `bash FILE` submits everything in order; `sbatch FILE` the runs alone. */
export function slurmScript(prepared: Prepared, options: SlurmOptions): string {
  const { command, grid, output, words, jobs, threads, memory, logs } = options;
  const { seeds, learningRate } = prepared.grid.values;
  const cells = countCells(prepared);
  const limit = jobs === undefined ? '' : `%${jobs}`;
  const base = [command, 'glue', grid, '--output', output, ...words, '--quiet'].join(' ');
  const measured = prepared.pairs.some((pair) => pair.measured);
  // One seed of each arm searches for all.
  const searching = isSearch(learningRate) ? `1-${cells}:${seeds.length}${limit}` : undefined;
  const steps: [stage: string, array: string | undefined][] = [
    ...(measured ? [['select', undefined] as [string, undefined]] : []),
    ...(searching === undefined ? [] : [['search', searching] as [string, string]]),
    ['run', `1-${cells}${limit}`],
    ['compare', undefined],
  ];
  return `#!/bin/bash
# ${prepared.grid.name}: ${cells} cells (model and task, method, arm, seed), written by spantune glue --slurm. Not to be used after the grid's
# file has changed: write it anew.
#
#     bash FILE      submits ${steps.map(([stage]) => stage).join(', then ')}, each after the one before
#     sbatch FILE    submits the cells alone; a cell whose measurements or trials are missing makes them, or waits for the task that does
#
# What failed or ran out of time goes on where it was when the script is submitted again. Arrays larger than the cluster's MaxArraySize have to be
# submitted in parts: sbatch --array=1-1000 FILE, and so on.
#SBATCH --job-name=spantune-${prepared.grid.name.replaceAll(/[^\w.-]/g, '-')}
#SBATCH --array=1-${cells}${limit}
#SBATCH --cpus-per-task=${threads}
#SBATCH --mem=${Math.ceil((1.25 * memory) / 2 ** 20)}M
#SBATCH --signal=B:TERM@60
#SBATCH --output=${logs}/%x-%A_%a.log

# No task of the array: within an allocation of somebody's own, too, this submits.
if [ -z "\${SLURM_ARRAY_TASK_ID:-}" ]; then
  set -euo pipefail
  mkdir -p ${logs}
  last=
  submit() {
    last=$(sbatch --parsable --job-name="spantune-$1" --export="ALL,SPANTUNE_STAGE=$1" \${last:+--dependency=afterany:$last} "\${@:2}" "$0")
    echo "$1: job $last"
  }
${steps.map(([stage, array]) => `  submit ${stage} ${array === undefined ? '--array=0' : `--array=${array}`}`).join('\n')}
  exit
fi

case "\${SPANTUNE_STAGE:-run}" in
  select) set -- --stage select --jobs 1 ;;
  search) set -- --stage search --cell "$SLURM_ARRAY_TASK_ID" ;;
  compare) set -- --stage compare ;;
  *) set -- --cell "$SLURM_ARRAY_TASK_ID" ;;
esac
${base} "$@" &
child=$!
# A signal before the time limit: the run under way ends cleanly, and its time so far is kept.
trap 'kill -TERM "$child"; wait "$child"' TERM
wait "$child"
`;
}
