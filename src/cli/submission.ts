/** `spantune submission`: the test predictions of runs as the zip that GLUE's server reads, and the check of such a zip. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Argv } from 'yargs';
import type { OpenTask } from '../data/types.js';
import { UserError } from '../errors.js';
import { displayPath, makeFolders, writeFileWhole } from '../files.js';
import { commandName, quoted } from './command.js';
import { oneLine } from './failure.js';
import { RUN_OPTIONS, runOptions } from './run-options.js';
import { note, print, runWithReports } from './session.js';
import { type Arguments, flagsOf, textOf, textsOf, valued } from './verb.js';

export const positionals = '[runs..]';
export const describe =
  "Predict the test sets of GLUE's tasks, each by its run, and write the zip that GLUE's server reads; or check such a zip.";

export function options(command: Argv): Argv {
  return command
    .positional('runs', { describe: 'Run folders, one for each task; that of mnli predicts AX too', type: 'string' })
    .options({
      output: valued('The zip file to write'),
      validate: valued('Check this zip file instead: names, headers, indices, values, numbers of rows'),
      partial: { describe: 'Tasks may be missing (the server refuses such a zip)', type: 'boolean' },
      ...RUN_OPTIONS,
      data: valued("Folder of GLUE's layout that holds the test sets (default: each run's own data)"),
    })
    .conflicts('validate', ['output', 'data', 'batch-size', 'threads', 'engine', 'device'])
    .example('spantune submission runs/cola runs/sst2 … --data data/glue --output submission.zip', '')
    .example('spantune submission runs/rte --partial --output rte.zip', '')
    .example('spantune submission --validate submission.zip', '');
}

export async function run(args: Arguments): Promise<void> {
  const zip = textOf(args, 'validate');
  if (zip !== undefined) await validate(args, zip);
  else await write(args);
}

async function write(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const runs = textsOf(args, 'runs');
  const output = textOf(args, 'output');
  const partial = args.partial === true;
  if (runs.length === 0) {
    throw new UserError('no run is named', { hint: 'give a run folder for each task, or --validate FILE.zip' });
  }
  if (output === undefined) throw new UserError('--output is missing', { hint: 'give the zip file to write' });
  const [{ planSubmission }, { checkTestRows, renderFile }, { packZip }, { renderTable }] = await Promise.all([
    import('../submission/plan.js'),
    import('../submission/render.js'),
    import('../submission/zip.js'),
    import('../report/table.js'),
  ]);
  const chosen = new Map(runs.map((folder) => [folder, runOptions({ ...args, run: folder })]));
  const tasks = new Map<string, OpenTask>();
  for (const folder of runs) tasks.set(folder, await openTestSets(folder, textOf(args, 'data')));
  const named = runs.map((folder) => ({ run: folder, task: tasks.get(folder)?.task.name ?? '' }));
  const { files, missing } = planSubmission(named, partial);

  // All that can be wrong with the test sets is found before the first prediction.
  const absent: string[] = [];
  const planned = files.filter((file) => {
    const opened = tasks.get(file.run);
    if (!opened) return false;
    if (partial && !opened.splits.includes(file.split)) {
      absent.push(file.file);
      return false;
    }
    const { examples, file: source } = opened.split(file.split);
    checkTestRows(file, examples, source);
    return true;
  });
  if (planned.length === 0) {
    throw new UserError('no test set is at hand', { hint: 'give the folder that holds them as --data' });
  }
  makeFolders(dirname(output));

  const contents = new Map<string, string>();
  for (const file of planned) {
    const options = { ...(chosen.get(file.run) ?? { run: file.run }), split: file.split };
    const { predictions } = await runWithReports({ verb: 'predict', options }, flags);
    contents.set(file.file, renderFile(file, predictions));
  }
  writeFileWhole(output, packZip(contents));

  const warnings: string[] = [];
  if (planned.length < files.length || missing.length > 0) {
    const tasksWithout = missing.length > 0 ? [`no run of ${missing.join(', ')}`] : [];
    const filesWithout = absent.length > 0 ? [`no test set of ${absent.join(', ')}`] : [];
    warnings.push(
      `GLUE's server refuses this zip, which is not whole: ${[...tasksWithout, ...filesWithout].join('; ')}`,
    );
  }
  const result = {
    output,
    files: planned.map(({ file, task, split, run, rows }) => ({ file, task, split, run, rows })),
    missing,
    warnings,
  };
  await print(flags, result, () =>
    renderTable(
      [{ title: 'file' }, { title: 'rows', align: 'right' }, { title: 'run' }],
      result.files.map(({ file, rows, run }) => [file, String(rows), displayPath(run)]),
    ),
  );
  for (const warning of warnings) note(flags, `warn   ${warning}`);
  const check = `${commandName()} submission --validate ${quoted(output)}${warnings.length > 0 ? ' --partial' : ''}`;
  note(flags, `\nzip    ${displayPath(output)}\nnext   ${check}`);
}

/** The run's task on its own data, or in `data`. */
async function openTestSets(folder: string, data: string | undefined): Promise<OpenTask> {
  const [{ readRun }, { openTask }, { glueEntry }] = await Promise.all([
    import('../pipeline/run-folder.js'),
    import('../data/tasks.js'),
    import('../data/glue.js'),
  ]);
  if (data !== undefined && !statSync(data).isDirectory()) {
    throw new UserError(`--data ${data}: is not a folder`, { hint: "give the folder that holds GLUE's tasks" });
  }
  const { task } = readRun(folder).config;
  if (task.text !== undefined || !glueEntry(task.name)) {
    throw new UserError(`its task ${task.name} is one of your own, which GLUE's server does not know`, {
      file: folder,
      hint: "give runs of GLUE's tasks",
    });
  }
  return openTask(data === undefined ? task : { name: task.name, data });
}

async function validate(args: Arguments, zip: string): Promise<void> {
  const flags = flagsOf(args);
  const runs = textsOf(args, 'runs');
  if (runs.length > 0) {
    throw new UserError('--validate and run folders exclude each other', { hint: 'give one of the two' });
  }
  const [{ readBytes }, { unpackZip }, { validateFiles }] = await Promise.all([
    import('../data/rows.js'),
    import('../submission/zip.js'),
    import('../submission/validate.js'),
  ]);
  const files = unpackZip(readBytes(zip, 'check the path'), zip);
  const problems = validateFiles(files, { partial: args.partial === true });
  const valid = problems.length === 0;
  await print(flags, { zip, valid, files: [...files.keys()], problems }, () =>
    valid
      ? `${displayPath(zip)}: ${files.size} ${files.size === 1 ? 'file' : 'files'}, nothing wrong`
      : problems.map(({ file, line, message }) => oneLine(`${line ? `${file}:${line}` : file}: ${message}`)).join('\n'),
  );
  if (valid) return;
  throw new UserError(
    `${problems.length === 1 ? '1 problem' : `${problems.length} problems`} in the zip, listed above`,
    {
      file: zip,
      hint: 'write it again with `spantune submission RUN… --output FILE.zip`',
    },
  );
}
