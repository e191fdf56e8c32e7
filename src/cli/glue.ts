/** `spantune glue`: a grid of tasks, models, arms, methods and seeds becomes a folder of runs and a comparison. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Argv } from 'yargs';
import type { Override } from '../config/load.js';
import { Interrupted, UserError } from '../errors.js';
import { displayPath } from '../files.js';
import type { Stage } from '../glue/context.js';
import type { Failure } from '../glue/outcome.js';
import type { Prepared } from '../glue/prepare.js';
import type { GridDocument } from '../glue/summary.js';
import type { EstimateOptions } from '../pipeline/estimate.js';
import { formatSome } from '../report/format.js';
import { commandName, quoted } from './command.js';
import { note, print, runWithReports, withReports } from './session.js';
import { type Arguments, choiceOf, countOf, type Flags, flagsOf, textOf, textsOf, valued } from './verb.js';

export const positionals = '<grid>';
export const describe =
  'Run tasks × models × arms × methods × seeds, each in a process of its own, and compare. Started again, it goes on where it was.';

export function options(command: Argv): Argv {
  return command
    .positional('grid', { describe: 'YAML file of the grid; docs/grids.md explains every key', type: 'string' })
    .options({
      output: valued("The grid's folder: runs, measurements, tables"),
      store: valued('Folder of runs and measurements that several grids share (default: the output folder)'),
      jobs: valued('Runs side by side (default: as many as cores and memory allow)'),
      set: { ...valued('Set any key of the grid: key=value; may be repeated'), array: true, nargs: 1 },
      'dry-run': { describe: 'Say what would run and what it would take; write nothing', type: 'boolean' },
      slurm: valued('Write a Slurm array script to this file instead of running'),
      cell: valued('Run one cell alone, by its number: what a task of the Slurm array does'),
      stage: valued(
        'Go no further than select (measure the layers) or search (learning rates); compare: what is finished, starting nothing',
      ),
    })
    .conflicts('dry-run', ['slurm', 'cell', 'stage'])
    .conflicts('slurm', ['cell', 'stage'])
    .example('spantune glue configs/glue/miniature.yaml --output runs/miniature', '')
    .example('spantune glue configs/glue/paper.yaml --dry-run', '')
    .example('spantune glue configs/glue/minilm.yaml --output runs/minilm --set seeds=[1] --jobs 2', '')
    .example('spantune glue configs/glue/paper.yaml --output shared/paper --slurm paper.sh', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const [{ setOverride }, { loadGrid }, { prepare }] = await Promise.all([
    import('../config/load.js'),
    import('../glue/grid.js'),
    import('../glue/prepare.js'),
  ]);
  const overrides: Override[] = textsOf(args, 'set').map(setOverride);
  const dry = args['dry-run'] === true;
  const jobs = countOf(args, 'jobs');
  const cell = countOf(args, 'cell');
  const stage = choiceOf(args, 'stage', STAGES, 'leave it out to run everything');
  if (stage === 'compare' && cell !== undefined)
    throw new UserError('--cell and --stage compare exclude each other', { hint: 'give one of the two' });
  const grid = loadGrid(String(args.grid), { overrides, checkPaths: !dry });
  const prepared = prepare(grid, { absent: dry });
  const output = textOf(args, 'output');
  if (dry) {
    await plan(flags, prepared, { jobs, store: textOf(args, 'store') ?? output });
    return;
  }
  if (output === undefined)
    throw new UserError('--output is missing', { hint: "name the grid's folder, such as --output runs/mine" });
  const store = textOf(args, 'store');
  const script = textOf(args, 'slurm');
  if (script !== undefined) {
    await writeSlurm(flags, args, prepared, { script, output, store, jobs });
    return;
  }
  const { runCell, runGrid } = await import('../glue/run.js');
  const { killChildren } = await import('../glue/child.js');
  process.on('exit', killChildren);

  try {
    await withReports(flags, 'stopping every run after the step under way', async (reporter, signal) => {
      const options = { output, store, jobs, launcher: launcher(), reporter, signal };
      if (cell !== undefined || (stage !== undefined && stage !== 'compare')) {
        const outcome = await runCell(prepared, cell, (stage ?? 'run') as Stage, options);
        reporter.progress(undefined);
        const { finishedLines } = await import('../glue/outcome.js');
        note(flags, finishedLines(outcome).join('\n'));
        tell(flags, outcome.failures, again(args));
        return;
      }
      const document = await runGrid(prepared, options, { look: stage === 'compare' });
      reporter.progress(undefined);
      const shown = await show(flags, output, document);
      if (stage === 'compare') tellMissing(flags, document.failures, again(args), shown);
      else tell(flags, document.failures, again(args));
    });
  } catch (error) {
    if (error instanceof Interrupted) throw new Interrupted(`what is finished stays; ${again(args)} resumes`);
    throw error;
  }
}

/** `--dry-run`. */
async function plan(
  flags: Flags,
  prepared: Prepared,
  { jobs, store }: { jobs?: number; store?: string },
): Promise<void> {
  const [{ dryRun }, { renderDryRun }, { divisionOf }] = await Promise.all([
    import('../glue/dry-run.js'),
    import('../glue/dry-run-table.js'),
    import('../glue/run.js'),
  ]);
  const estimate = (options: EstimateOptions) => runWithReports({ verb: 'estimate', options }, flags);
  const dry = await dryRun(prepared, { store, division: divisionOf(prepared, jobs), estimate });
  await print(flags, dry, () => renderDryRun(dry));
}

/** `--slurm`. */
async function writeSlurm(
  flags: Flags,
  args: Arguments,
  prepared: Prepared,
  { script, output, store, jobs }: { script: string; output: string; store?: string; jobs?: number },
): Promise<void> {
  const [{ slurmScript }, { largestOf, threadsOf }, { makeFolders, writeFileWhole }] = await Promise.all([
    import('../glue/slurm.js'),
    import('../glue/run.js'),
    import('../files.js'),
  ]);
  // Slurm makes no folder for its logs: without one, what `sbatch` starts ends at once, and says nothing.
  const logs = join(output, 'logs');
  makeFolders(logs);
  const place = (path: string) => quoted(resolve(path));
  const text = slurmScript(prepared, {
    command: [process.execPath, ...launcher()].map(quoted).join(' '),
    grid: place(String(args.grid)),
    output: place(output),
    words: [
      ...(store === undefined ? [] : ['--store', place(store)]),
      ...textsOf(args, 'set').flatMap((word) => ['--set', quoted(word)]),
    ],
    jobs,
    threads: threadsOf(prepared) ?? 4,
    memory: largestOf(prepared),
    logs: place(logs),
  });
  writeFileWhole(script, text);
  note(flags, `written: ${displayPath(script)}\nnext   bash ${quoted(displayPath(script))}`);
}

/** The comparison of what is finished: printed, and written beside the runs. False where nothing is. */
async function show(flags: Flags, output: string, document: GridDocument): Promise<boolean> {
  if (document.tables.every(({ rows }) => rows.every(({ runs }) => runs.every(({ score }) => score === undefined))))
    return false;
  const [{ gatherRuns }, { compare }, { renderComparison }, { writeReport }, { styleFor }] = await Promise.all([
    import('../comparison/gather.js'),
    import('../comparison/compare.js'),
    import('../report/comparison/render.js'),
    import('../report/comparison/report.js'),
    import('../report/style.js'),
  ]);
  const { reference, margin } = document;
  const gathered = gatherRuns([output]);
  const comparison = compare(gathered.records, { reference, margin, resamples: 10_000, seed: 1 }, gathered);
  const files = writeReport(output, comparison);
  process.stdout.write(renderComparison(comparison, flags.json ? 'json' : 'text', styleFor(process.stdout)));
  const page = files.find((path) => path.endsWith('.html'));
  if (page !== undefined) note(flags, `\nreport ${displayPath(resolve(page))}`);
  return true;
}

/** What a comparison of finished runs lacks; a mistake where it lacks everything. */
function tellMissing(flags: Flags, missing: readonly Failure[], command: string, shown: boolean): void {
  if (missing.length === 0) return;
  const some = formatSome(
    missing.map(({ what }) => what),
    5,
  );
  note(flags, `\nnot finished yet: ${some}\n\nnext   ${command}`);
  if (!shown) process.exitCode = 2;
}

/** What failed, why, and what to do; sets the exit code: 2 where all that failed can be mended by the user, 1 otherwise. */
function tell(flags: Flags, failures: readonly Failure[], command: string): void {
  if (failures.length === 0) return;
  const lines = failures.map(({ what, message, hint }) => `failed ${what}: ${message}${hint ? ` (${hint})` : ''}`);
  note(flags, `\n${lines.join('\n')}\n\nnext   ${command} runs again what failed, and nothing else`);
  process.exitCode = failures.every(({ exitCode }) => exitCode === 2) ? 2 : 1;
}

/** Words after `node` that start this very build again; sources (development) need their loader. */
function launcher(): string[] {
  const built = import.meta.url.endsWith('.js');
  const entry = fileURLToPath(new URL(built ? './child.js' : './child.ts', import.meta.url));
  return built ? [entry] : ['--import', import.meta.resolve('tsx'), entry];
}

/** The same command, as it can be typed again. */
function again(args: Arguments): string {
  const words = [
    ...[commandName(), 'glue', quoted(String(args.grid))],
    ...['output', 'store', 'jobs'].flatMap((name) => {
      const text = textOf(args, name);
      return text === undefined ? [] : [`--${name}`, quoted(displayPath(text))];
    }),
    ...textsOf(args, 'set').flatMap((text) => ['--set', quoted(text)]),
  ];
  return words.join(' ');
}

const STAGES = ['select', 'search', 'run', 'compare'] as const;
