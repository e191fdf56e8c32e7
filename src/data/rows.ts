/** Rows of a TSV (quoting off), CSV (quoting on) or JSONL file, each with the line on which it begins. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { DataError } from '../errors.js';
import { reason } from '../files.js';

export type Format = 'tsv' | 'csv' | 'jsonl';

/** A cell is undefined where a JSONL row lacks the field, or holds null. */
export type Cells = (string | undefined)[];

export interface RowVisitor {
  /** Sees the first row (JSONL: its field names); true says that it is a header and no data. JSONL always has names. */
  begin(first: string[]): boolean;
  row(cells: Cells, line: number): void;
}

/** Reads a whole file. Throws a `DataError` that names it. */
export function readBytes(file: string, hint: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new DataError(`cannot be read: ${reason(cause)}`, { file, hint, cause });
  }
}

/** By the file's extension, else by its first line. */
export function formatOf(file: string, bytes: Buffer): Format {
  const known = formatOfExtension(file);
  if (known) return known;
  const end = bytes.indexOf(10);
  const first = bytes.subarray(0, end < 0 ? bytes.length : end).toString('utf8');
  if (/^\ufeff?\s*\{/.test(first)) return 'jsonl';
  return first.includes('\t') ? 'tsv' : 'csv';
}

export function formatOfExtension(file: string): Format | undefined {
  const extension = extname(file).toLowerCase();
  if (extension === '.tsv') return 'tsv';
  if (extension === '.csv') return 'csv';
  if (['.jsonl', '.ndjson', '.json'].includes(extension)) return 'jsonl';
  return undefined;
}

/**
 * Walks the rows of a file in order; blank lines are no rows. Throws a `DataError` with file and line where the file breaks its
 * format's rules, and lets the visitor's own errors pass.
 */
export function eachRow(file: string, bytes: Buffer, format: Format, visitor: RowVisitor): void {
  // Tables may be UTF-16, which its mark tells.
  if (format === 'jsonl' || bytes[0] !== 0xff || bytes[1] !== 0xfe) requireText(file, bytes);
  if (format === 'jsonl') eachJsonRow(file, bytes, visitor);
  else eachDelimitedRow(file, bytes, format, visitor);
}

function eachDelimitedRow(file: string, bytes: Buffer, format: 'tsv' | 'csv', visitor: RowVisitor): void {
  // csv-parse counts a quoted CRLF twice and gives a record's last line, so lines are counted here.
  let line = 1;
  let first = true;
  try {
    parse(bytes, {
      delimiter: format === 'tsv' ? '\t' : ',',
      quote: format === 'tsv' ? false : '"',
      bom: true,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n'],
      on_record: (cells: string[]) => {
        const start = line;
        line += 1;
        for (const cell of cells) line += newlines(cell);
        if (cells.length === 1 && cells[0] === '') return null;
        const header = first && visitor.begin(cells);
        first = false;
        if (!header) visitor.row(cells, start);
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new DataError(csvMessage(cause), {
      file,
      line,
      hint: 'put fields that hold quotes into quotes and double the inner ones, or save the file as TSV, where quotes are plain text',
      cause,
    });
  }
}

function csvMessage(error: CsvError): string {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return 'a quoted field that begins in this row is never closed';
  if (error.code === 'CSV_INVALID_CLOSING_QUOTE') return 'a quoted field goes on after its closing quote';
  if (error.code === 'INVALID_OPENING_QUOTE') return 'a quote stands inside an unquoted field';
  return `is not valid CSV: ${error.message}`;
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function eachJsonRow(file: string, bytes: Buffer, visitor: RowVisitor): void {
  let names: string[] | undefined;
  let line = 0;
  for (const text of eachLine(bytes)) {
    line++;
    if (text.trim() === '') continue;
    const row = parseObject(text, file, line);
    if (!names) {
      names = Object.keys(row);
      visitor.begin(names);
    }
    visitor.row(
      names.map((name) => cell(row[name])),
      line,
    );
  }
}

/** UTF-8, with `nul` without NUL bytes; judged line by line where it is not, since there is a number to tell. */
export function requireText(file: string, bytes: Buffer, { nul = false } = {}): void {
  if (isUtf8(bytes) && !(nul && bytes.includes(0))) return;
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    const part = bytes.subarray(start, end < 0 ? bytes.length : end);
    const what = nul && part.includes(0) ? 'holds a NUL byte' : isUtf8(part) ? undefined : 'is not valid UTF-8';
    if (what !== undefined) {
      const hint = 'give text in UTF-8, such as iconv -f latin1 -t utf8 writes; a binary file has none to label';
      throw new DataError(what, { file, line, hint });
    }
    start += part.length + 1;
  }
}

/** Lines of a file of any size, without their ends and without a byte-order mark. */
export function* eachLine(bytes: Buffer): Generator<string> {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(10, start);
    const end = found < 0 ? bytes.length : found;
    yield bytes.subarray(start, end > start && bytes[end - 1] === 13 ? end - 1 : end).toString('utf8');
    start = end + 1;
  }
}

function parseObject(text: string, file: string, line: number): Record<string, unknown> {
  const hint = 'a JSONL file holds one object a line, such as {"sentence": "…", "label": 0}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError('is not valid JSON', { file, line, hint, cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DataError('is not a JSON object', { file, line, hint });
  }
  return value as Record<string, unknown>;
}

/** An object or array in a column that nobody asks for is no mistake; in one that is asked for it counts as missing. */
function cell(value: unknown): string | undefined {
  return value === undefined || value === null || typeof value === 'object' ? undefined : String(value);
}
