/** `spantune study`: questions that take many runs, or many draws, each answered by tables and plots. */
import { join } from 'node:path';
import type { Argv } from 'yargs';
import type { RunRecord } from '../comparison/types.js';
import type { Override } from '../config/load.js';
import { UserError } from '../errors.js';
import { displayPath, makeFolders, writeFileWhole } from '../files.js';
import { nearest } from '../nearest.js';
import type { RobustnessResult } from '../pipeline/robustness.js';
import type { SelectResult } from '../pipeline/types.js';
import type { StudyDocument, StudyFormat } from '../report/studies/table.js';
import { note, runWithReports } from './session.js';
import { type Arguments, choiceOf, countOf, type Flags, flagsOf, textOf, textsOf, valued } from './verb.js';

/** What each study takes beside what all take. */
const STUDIES = {
  regret: ['k', 'scores', 'halvings', 'resamples'],
  depth: ['margin', 'resamples'],
  robustness: ['ratios', 'size', 'sizes', 'draws', 'set'],
} as const;
type Study = keyof typeof STUDIES;
const NAMES = Object.keys(STUDIES) as Study[];

export const positionals = '<name> <inputs..>';
export const describe =
  'Answer a question by many runs or draws. regret: what does each selection rule lose against the best layers? depth: how many layers need tuning? robustness: what do skewed classes and few inputs make of ν?';

export function options(command: Argv): Argv {
  return command
    .positional('name', { describe: NAMES.join(', '), type: 'string' })
    .positional('inputs', {
      describe:
        "regret, depth: a grid's folder, run folders; regret also files of select --output. robustness: configurations of runs",
      type: 'string',
      array: true,
    })
    .options({
      output: valued('Folder to write tables (.txt, .md, .csv, .json) and plots to'),
      format: valued('What to print: text, markdown, csv or json (default: text)'),
      k: valued('regret: tuned layers (default: each number that ran at every head position)'),
      scores: valued('regret: scores to measure where the runs do not tell them: names, or all'),
      halvings: valued('regret: random halvings of dev and seeds (default: 200)'),
      resamples: valued('regret, depth: resamples of dev (default: 1000; depth: 10000)'),
      margin: valued('depth: points that selected-k may lie below top-k and still match it (default: 1)'),
      ratios: valued('robustness: how much rarer one class is made (default: 1,2,5,10,20,50)'),
      size: valued('robustness: inputs at every ratio (default: as many as the classes allow)'),
      sizes: valued('robustness: numbers of inputs (default: 50,100,200,500,1000,2000,5000,10000,20000,50000)'),
      draws: valued('robustness: draws of each (default: 20)'),
      set: { ...valued('robustness: set any key of the configurations: key=value'), array: true, nargs: 1 },
    })
    .example('spantune study regret runs/regret --output studies', '')
    .example('spantune study depth runs/depth --output studies', '')
    .example('spantune study robustness configs/mrpc-selected.yaml configs/rte-selected.yaml --output studies', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const study = studyOf(args);
  const { renderStudy, STUDY_FORMATS } = await import('../report/studies/table.js');
  const stated = choiceOf(args, 'format', STUDY_FORMATS, 'leave it out for text');
  if (flags.json && stated !== undefined && stated !== 'json') {
    throw new UserError(`--json and --format ${stated} exclude each other`, { hint: 'give one of the two' });
  }
  const format: StudyFormat = stated ?? (flags.json ? 'json' : 'text');
  const output = textOf(args, 'output');
  // Before the work, lest it be done in vain.
  if (output !== undefined) makeFolders(output);
  const document = await WORK[study](args, flags);
  const { styleFor } = await import('../report/style.js');
  process.stdout.write(renderStudy(document, format, styleFor(process.stdout)));
  if (output === undefined) return;
  const { writeStudy } = await import('../report/studies/write.js');
  const files = writeStudy(output, document);
  note(
    flags,
    `\nwritten: ${displayPath(files[0]).replace(/\.txt$/, '.{txt,md,csv,json}')}, ${document.plots.length} plot${document.plots.length === 1 ? '' : 's'}`,
  );
}

const WORK: Record<Study, (args: Arguments, flags: Flags) => Promise<StudyDocument>> = { regret, depth, robustness };

async function regret(args: Arguments, flags: Flags): Promise<StudyDocument> {
  const paths = textsOf(args, 'inputs');
  const isFile = (path: string) => path.endsWith('.json');
  const [{ gatherRuns }, { regretReport }, { regretDocument }, { readSelection }] = await Promise.all([
    import('../comparison/gather.js'),
    import('../studies/regret.js'),
    import('../report/studies/regret.js'),
    import('../studies/selections.js'),
  ]);
  const [k, halvings, resamples] = [countOf(args, 'k'), countOf(args, 'halvings') ?? 200, resamplesOf(args, 1000)];
  const selections = paths.filter(isFile).map(readSelection);
  const folders = paths.filter((path) => !isFile(path));
  if (folders.length === 0) throw new UserError('no run is named', { hint: "name a grid's folder, or run folders" });
  const { records } = gatherRuns(folders);
  const known = (task: string, model: string) =>
    selections.find((selection) => selection.task === task && selection.model === model);
  const scores = textOf(args, 'scores');
  if (scores !== undefined) selections.unshift(...(await measureScores(scores, records, known, args, flags)));
  return regretDocument(regretReport({ records, k, selectionOf: known }, { halvings, resamples, seed: 1 }));
}

/** Measures the layers of each task and model once more where a score is asked for that nobody measured. */
async function measureScores(
  text: string,
  records: readonly RunRecord[],
  known: (task: string, model: string) => SelectResult | undefined,
  args: Arguments,
  flags: Flags,
): Promise<SelectResult[]> {
  const [{ parseScores }, { lackingScores }] = await Promise.all([
    import('../selection/scores/catalogue.js'),
    import('../studies/selections.js'),
  ]);
  const output = textOf(args, 'output');
  const measured: SelectResult[] = [];
  for (const { record, names } of lackingScores(records, parseScores(text, `--scores ${text}`), known)) {
    note(flags, `measuring ${names.join(', ')} of ${record.model} on ${record.task.name}`);
    const config = { ...record.config, selection: { ...record.config.selection, scores: names } };
    const result = await runWithReports({ verb: 'select', config }, flags);
    measured.push(result);
    if (output === undefined) continue;
    const file = join(output, 'scores', `${record.task.name}-${record.modelHash.slice(0, 8)}.json`);
    writeFileWhole(file, `${JSON.stringify(result, null, 2)}\n`);
    note(flags, `written: ${displayPath(file)}, which may be named beside the runs next time`);
  }
  return measured;
}

async function depth(args: Arguments): Promise<StudyDocument> {
  const [{ gatherRuns }, { depthReport }, { depthDocument }] = await Promise.all([
    import('../comparison/gather.js'),
    import('../studies/depth.js'),
    import('../report/studies/depth.js'),
  ]);
  const gathered = gatherRuns(textsOf(args, 'inputs'));
  const margin = numberOf(args, 'margin', 100) ?? 100 * (gathered.margin ?? 0.01);
  const options = { resamples: resamplesOf(args, 10_000), seed: 1, margin: margin / 100 };
  return depthDocument(depthReport(gathered.records, gathered.remarks, options));
}

async function robustness(args: Arguments, flags: Flags): Promise<StudyDocument> {
  const [{ loadConfig, setOverride }, { robustnessReport }, { robustnessDocument }] = await Promise.all([
    import('../config/load.js'),
    import('../studies/robustness.js'),
    import('../report/studies/robustness.js'),
  ]);
  const options = {
    ratios: countsOf(args, 'ratios') ?? [1, 2, 5, 10, 20, 50],
    sizes: countsOf(args, 'sizes'),
    size: countOf(args, 'size'),
    draws: countOf(args, 'draws') ?? 20,
  };
  const overrides: Override[] = textsOf(args, 'set').map(setOverride);
  const configs = textsOf(args, 'inputs').map((file) => loadConfig(file, { overrides }));
  const results: RobustnessResult[] = [];
  for (const config of configs) {
    results.push(await runWithReports({ verb: 'robustness', options: { config, ...options } }, flags));
  }
  return robustnessDocument(robustnessReport(results));
}

/** The study, all of whose options are its own. */
function studyOf(args: Arguments): Study {
  const text = String(args.name);
  const study = NAMES.find((name) => name === text);
  if (!study) {
    const near = nearest(text, NAMES);
    throw new UserError(`there is no study "${text}"`, {
      hint: near ? `did you mean "${near}"?` : `one of ${NAMES.join(', ')}`,
    });
  }
  const own: readonly string[] = STUDIES[study];
  for (const option of new Set<string>(Object.values(STUDIES).flat())) {
    if (args[option] === undefined || own.includes(option)) continue;
    const others = NAMES.filter((name) => (STUDIES[name] as readonly string[]).includes(option));
    throw new UserError(`--${option} is nothing that ${study} asks for`, {
      hint: `leave it out; it belongs to ${others.join(' and ')}`,
    });
  }
  return study;
}

function resamplesOf(args: Arguments, usual: number): number {
  const count = countOf(args, 'resamples') ?? usual;
  if (count >= 100 && count <= 1_000_000) return count;
  throw new UserError(`--resamples ${count}: must be a whole number from 100 to 1000000`, {
    hint: `leave it out for ${usual}`,
  });
}

function numberOf(args: Arguments, name: string, most: number): number | undefined {
  const text = textOf(args, name);
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && value <= most) return value;
  throw new UserError(`--${name} ${text}: must be a number from 0 to ${most}`, {
    hint: 'leave it out for the default',
  });
}

/** Whole numbers between commas, ascending, each once. */
function countsOf(args: Arguments, name: string): number[] | undefined {
  const text = textOf(args, name);
  if (text === undefined) return undefined;
  const words = text.split(',').map((word) => word.trim());
  if (words.every((word) => /^[1-9]\d*$/.test(word))) return [...new Set(words.map(Number))].sort((a, b) => a - b);
  throw new UserError(`--${name} ${text}: must be whole numbers of at least 1 with commas between them`, {
    hint: `such as --${name} 10,50`,
  });
}
