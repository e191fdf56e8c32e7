/** `spantune compare`: finished runs side by side. */
import { extname } from 'node:path';
import type { Argv } from 'yargs';
import { UserError } from '../errors.js';
import { displayPath, writeFileWhole } from '../files.js';
import { nearest } from '../nearest.js';
import type { Format } from '../report/comparison/render.js';
import { formatSome } from '../report/format.js';
import { note } from './session.js';
import { type Arguments, flagsOf, textOf, textsOf, valued } from './verb.js';

const REFERENCE = 'full';
const EXTENSIONS: Record<string, Format | undefined> = {
  '.txt': 'text',
  '.md': 'markdown',
  '.csv': 'csv',
  '.tex': 'latex',
  '.json': 'json',
  '.html': 'html',
};

export const positionals = '<runs..>';
export const describe =
  'Compare runs: scores with intervals and tests against a reference arm, and what each arm costs.';

export function options(command: Argv): Argv {
  return command
    .positional('runs', {
      describe: "Run folders, folders that hold some, a grid's folder",
      type: 'string',
      array: true,
    })
    .options({
      reference: valued('Arm that the others are compared with; "full, lora" names the method too (default: full)'),
      margin: valued('Points that an arm may lie below the reference and still match it (default: 1)'),
      resamples: valued('Paired resamples of dev (default: 10000)'),
      format: valued('text, markdown, csv, latex, json or html (default: by the ending of --output, without it text)'),
      output: valued('File to write'),
    })
    .example('spantune compare runs/mrpc-full-seed* runs/mrpc-selected-2-seed*', '')
    .example('spantune compare runs/glue --output comparison.html', '')
    .example('spantune compare runs --reference top-2 --format latex > table.tex', '');
}

export async function run(args: Arguments): Promise<void> {
  const flags = flagsOf(args);
  const output = textOf(args, 'output');
  const [{ gatherRuns }, { compare }, { FORMATS, renderComparison }, { styleFor }] = await Promise.all([
    import('../comparison/gather.js'),
    import('../comparison/compare.js'),
    import('../report/comparison/render.js'),
    import('../report/style.js'),
  ]);
  const format = formatOf(args, flags.json, output, FORMATS);
  const stated = { reference: textOf(args, 'reference'), margin: marginOf(args), resamples: resamplesOf(args) };
  const gathered = gatherRuns(textsOf(args, 'runs'));
  const comparison = compare(
    gathered.records,
    {
      reference: stated.reference ?? gathered.reference ?? REFERENCE,
      margin: stated.margin ?? gathered.margin ?? 0.01,
      resamples: stated.resamples,
      seed: 1,
    },
    gathered,
  );
  if (stated.reference !== undefined && comparison.tables.every(({ reference }) => reference === undefined)) {
    const names = [...new Set(comparison.tables.flatMap(({ rows }) => rows.map(({ id }) => id)))];
    const near = nearest(stated.reference, names);
    throw new UserError(`--reference ${stated.reference}: no run has this arm`, {
      hint: near ? `did you mean "${near}"?` : `arms: ${names.map((name) => `"${name}"`).join(', ')}`,
    });
  }
  const text = renderComparison(comparison, format, styleFor(process.stdout));
  if (output === undefined) process.stdout.write(text);
  else writeFileWhole(output, renderComparison(comparison, format));
  const { leftOut } = gathered;
  if (leftOut.length > 0) {
    const some = formatSome(leftOut.map(displayPath), 3);
    note(flags, `left out, being unfinished or without weights (as trials of a search are): ${some}`);
  }
  if (output !== undefined) note(flags, `written: ${displayPath(output)}`);
}

function formatOf(args: Arguments, json: boolean, output: string | undefined, formats: readonly Format[]): Format {
  const text = textOf(args, 'format');
  if (text === undefined) {
    if (json) return 'json';
    if (output === undefined) return 'text';
    const known = EXTENSIONS[extname(output).toLowerCase()];
    if (known) return known;
    throw new UserError(`--output ${output}: the ending does not say the format`, {
      hint: `end it in ${Object.keys(EXTENSIONS).join(', ')}, or give --format`,
    });
  }
  const format = formats.find((name) => name === text);
  if (!format) {
    const near = nearest(text, formats);
    throw new UserError(`--format ${text}: must be one of ${formats.join(', ')}`, {
      hint: near ? `did you mean "${near}"?` : 'leave it out for text',
    });
  }
  if (json && format !== 'json') {
    throw new UserError(`--json and --format ${text} exclude each other`, { hint: 'give one of the two' });
  }
  return format;
}

/** As a fraction. */
function marginOf(args: Arguments): number | undefined {
  const text = textOf(args, 'margin');
  if (text === undefined) return undefined;
  const points = text.trim() === '' ? Number.NaN : Number(text);
  if (points >= 0 && points <= 100) return points / 100;
  throw new UserError(`--margin ${text}: must be a number of points from 0 to 100`, { hint: 'such as --margin 1' });
}

function resamplesOf(args: Arguments): number {
  const text = textOf(args, 'resamples') ?? '10000';
  const count = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(count) && count >= 100 && count <= 1_000_000) return count;
  throw new UserError(`--resamples ${text}: must be a whole number from 100 to 1000000`, {
    hint: 'leave it out for 10000',
  });
}
