/** What is wrong with a submission, all of it. */
import { isUtf8 } from 'node:buffer';
import { nearest } from '../nearest.js';
import { HEADER, SUBMISSION_FILES, type SubmissionFile } from './files.js';

export interface Problem {
  /** Name in the zip. */
  file: string;
  /** 1-based. */
  line?: number;
  message: string;
}

export interface ValidateOptions {
  /** Files that are missing are no problem. */
  partial?: boolean;
  /** Rows of a file where they are not those of GLUE's own test set. */
  rows?: Readonly<Record<string, number>>;
}

/** Problems listed of one file; a last one counts the rest. */
export const MOST_PROBLEMS = 100;

/** `files`: contents by name in the zip. An empty list: the server can read it. */
export function validateFiles(files: ReadonlyMap<string, Uint8Array>, options: ValidateOptions = {}): Problem[] {
  const known = SUBMISSION_FILES.map(({ file }) => file);
  const strangers = [...files.keys()].filter((name) => !known.includes(name));
  const problems = strangers.map((file): Problem => {
    const near = known.find((name) => file.endsWith(`/${name}`)) ?? nearest(file, known);
    const instead = near && !files.has(near) ? `: is it ${near}, at the top of the zip?` : '';
    return { file, message: `is no file of a submission${instead}` };
  });
  for (const expected of SUBMISSION_FILES) {
    const bytes = files.get(expected.file);
    const rows = options.rows?.[expected.file] ?? expected.rows;
    if (bytes) problems.push(...shortened(expected.file, validateFile(expected, bytes, rows)));
    else if (!options.partial) problems.push({ file: expected.file, message: 'is missing' });
  }
  if (!SUBMISSION_FILES.some(({ file }) => files.has(file)) && options.partial) {
    problems.push({ file: known[0], message: 'is missing, and so is every other file' });
  }
  return problems;
}

/** Problems of one file. */
export function validateFile(expected: SubmissionFile, bytes: Uint8Array, rows = expected.rows): Problem[] {
  const { file } = expected;
  const problems: Problem[] = [];
  const say = (message: string, line?: number) =>
    problems.push({ file, ...(line === undefined ? {} : { line }), message });
  if (!isUtf8(bytes)) return [{ file, message: 'is no text' }];
  const text = Buffer.from(bytes).toString('utf8');
  if (text.startsWith('\ufeff')) say('begins with a byte-order mark', 1);
  const lines = text.replace(/^\ufeff/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const carriage = lines.findIndex((line) => line.endsWith('\r'));
  if (carriage >= 0) say('ends in CR LF; lines end in LF alone', carriage + 1);
  const [header = '', ...body] = lines.map((line) => line.replace(/\r$/, ''));
  if (header !== HEADER) say(`the header is ${quoted(header)}, not "index<TAB>prediction"`, 1);
  let next = 0;
  body.forEach((row, i) => {
    const cells = row.split('\t');
    if (cells.length !== 2) {
      say(row === '' ? 'is blank' : `has ${cells.length} column${cells.length === 1 ? '' : 's'}, not 2`, i + 2);
      next++;
      return;
    }
    const [index, value] = cells;
    // Goes on from a gap, so that it is told once; a row that is where it belongs is right whatever stood before it.
    if (index !== String(next) && index !== String(i)) say(`the index is ${quoted(index)}, not ${next}`, i + 2);
    next = (/^\d{1,9}$/.test(index) ? Number(index) : next) + 1;
    const mistake = valueMistake(expected, value);
    if (mistake) say(mistake, i + 2);
  });
  if (body.length !== rows) say(`has ${body.length} rows, but ${rows} were expected`);
  return problems;
}

function valueMistake({ values, range }: SubmissionFile, value: string): string | undefined {
  if (!range)
    return values.includes(value) ? undefined : `the prediction is ${quoted(value)}, not ${values.join(' or ')}`;
  const score = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (score >= range[0] && score <= range[1]) return undefined;
  return `the prediction is ${quoted(value)}, not a number from ${range[0]} to ${range[1]}`;
}

function shortened(file: string, problems: Problem[]): Problem[] {
  const rest = problems.length - MOST_PROBLEMS;
  if (rest <= 0) return problems;
  return [...problems.slice(0, MOST_PROBLEMS), { file, message: `and ${rest} more problems` }];
}

const quoted = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
