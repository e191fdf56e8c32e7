/** Reads new text to predict: plain lines, or a table with the task's columns. */
import { DataError } from '../errors.js';
import { USUAL_COLUMNS } from './own-task.js';
import { eachLine, eachRow, type Format, formatOfExtension, readBytes, requireText } from './rows.js';
import { quoted } from './splits.js';
import type { Example } from './types.js';

export interface InputOptions {
  /** True where an input is two texts. */
  pair: boolean;
  /** Column of the text, or of both texts; without it the usual names are looked for. */
  text?: string | [string, string];
  /** The content itself (standard input), as text or as the bytes that came; `path` then only names it in messages. */
  content?: string | Uint8Array;
}

export interface Inputs {
  examples: Example[];
  /** What is to be said of blank lines. */
  warnings: string[];
}

/**
 * Reads inputs without labels. A .tsv, .csv or .jsonl file has named columns; so has other text whose first line names them, or
 * that begins with `{`. Anything else is plain: one input a line, for a pair task two texts with a tab between; a blank line is
 * an empty input there, so that line n of the input is line n of the answer, and no row of a table. Throws a `DataError` with file and
 * line, also where the content is no text.
 */
export function readInputs(path: string, options: InputOptions): Inputs {
  const bytes = options.content === undefined ? readBytes(path, 'check --input') : Buffer.from(options.content);
  if (bytes.length === 0) throw new DataError('is empty', { file: path, hint: 'give one input a line' });
  requireText(path, bytes, { nul: true });
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

/** `empty`: blank lines that became inputs; `skipped`: those that became none. */
function blankLines({ empty = 0, skipped = 0 }: { empty?: number; skipped?: number }): string[] {
  const lines = (count: number) => (count === 1 ? '1 line is blank' : `${count} lines are blank`);
  if (empty > 0) return [`${lines(empty)} and labelled as empty text`];
  return skipped > 0 ? [`${lines(skipped)} and left out: a table's rows alone are labelled`] : [];
}

function usual(pair: boolean): string[][] {
  return USUAL_COLUMNS.filter((columns) => (columns.length === 2) === pair);
}

function fromTable(file: string, bytes: Buffer, format: Format, candidates: string[][]): Inputs {
  const examples: Example[] = [];
  // Lines that hold rows, and all lines.
  let covered = 0;
  let lines = 0;
  for (const _ of eachLine(bytes)) lines++;
  const linesOf = (cells: (string | undefined)[]) =>
    format === 'jsonl' ? 1 : 1 + cells.reduce((count, cell) => count + (cell?.split('\n').length ?? 1) - 1, 0);
  let at: number[] = [];
  eachRow(file, bytes, format, {
    begin(first) {
      if (format !== 'jsonl') covered += linesOf(first);
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
      covered += linesOf(cells);
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
  return { examples, warnings: blankLines({ skipped: lines - covered }) };
}

function fromLines(file: string, bytes: Buffer, pair: boolean): Inputs {
  const examples: Example[] = [];
  let empty = 0;
  let line = 0;
  for (const text of eachLine(bytes)) {
    line++;
    const blank = text.trim() === '';
    if (blank) empty++;
    if (!pair || blank) {
      examples.push(pair ? { text, pair: '', line } : { text, line });
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
  return { examples, warnings: blankLines({ empty }) };
}
