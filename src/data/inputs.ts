/** Reads new text to predict: plain lines, or a table with the task's columns. */
import { DataError } from '../errors.js';
import { USUAL_COLUMNS } from './own-task.js';
import { eachLine, eachRow, type Format, formatOfExtension, readBytes } from './rows.js';
import { quoted } from './splits.js';
import type { Example } from './types.js';

export interface InputOptions {
  /** True where an input is two texts. */
  pair: boolean;
  /** Column of the text, or of both texts; without it the usual names are looked for. */
  text?: string | [string, string];
  /** The text itself (standard input); `path` then only names it in messages. */
  content?: string;
}

/**
 * Reads inputs without labels. A .tsv, .csv or .jsonl file has named columns; so has other text whose first line names them, or
 * that begins with `{`. Anything else is plain: one input a line, for a pair task two texts with a tab between; a blank line is
 * an empty input. Throws a `DataError` with file and line.
 */
export function readInputs(path: string, options: InputOptions): Example[] {
  const bytes = options.content === undefined ? readBytes(path, 'check --input') : Buffer.from(options.content);
  if (bytes.length === 0) throw new DataError('is empty', { file: path, hint: 'give one input a line' });
  const candidates = options.text === undefined ? usual(options.pair) : [[options.text].flat()];
  const format = options.content === undefined ? formatOfExtension(path) : undefined;
  const [first] = eachLine(bytes);
  if (format) return fromTable(path, bytes, format, candidates);
  if (first.trimStart().startsWith('{')) return fromTable(path, bytes, 'jsonl', candidates);
  const names = first.split('\t');
  const named = candidates.some((columns) => columns.every((column) => names.includes(column)));
  return named && (options.pair || names.length > 1)
    ? fromTable(path, bytes, 'tsv', candidates)
    : fromLines(path, bytes, options.pair);
}

function usual(pair: boolean): string[][] {
  return USUAL_COLUMNS.filter((columns) => (columns.length === 2) === pair);
}

function fromTable(file: string, bytes: Buffer, format: Format, candidates: string[][]): Example[] {
  const examples: Example[] = [];
  let at: number[] = [];
  eachRow(file, bytes, format, {
    begin(first) {
      const columns = candidates.find((names) => names.every((name) => first.includes(name)));
      if (!columns) {
        throw new DataError(
          `has no column ${candidates.map((names) => names.map((name) => `"${name}"`).join(' and ')).join(', or ')}`,
          {
            file,
            line: 1,
            hint: `its columns are ${quoted(first)}; the first line must name those of the task`,
          },
        );
      }
      at = columns.map((name) => first.indexOf(name));
      return true;
    },
    row(cells, line) {
      const [text, pair] = at.map((column) => cells[column]);
      if (text === undefined || (at.length === 2 && pair === undefined)) {
        throw new DataError('a text is missing in this row', {
          file,
          line,
          hint: `the text stands in column ${at.map((column) => column + 1).join(' and ')}`,
        });
      }
      examples.push(pair === undefined ? { text, line } : { text, pair, line });
    },
  });
  if (examples.length === 0)
    throw new DataError('holds no rows', { file, hint: 'give one input a line below the header' });
  return examples;
}

function fromLines(file: string, bytes: Buffer, pair: boolean): Example[] {
  const examples: Example[] = [];
  let line = 0;
  for (const text of eachLine(bytes)) {
    line++;
    if (!pair) {
      examples.push({ text, line });
      continue;
    }
    const parts = text.split('\t');
    if (parts.length !== 2) {
      throw new DataError(`holds ${parts.length === 1 ? 'one text' : `${parts.length} texts`}, but two were expected`, {
        file,
        line,
        hint: 'the task reads pairs: put a tab between the two texts',
      });
    }
    examples.push({ text: parts[0], pair: parts[1], line });
  }
  return examples;
}
