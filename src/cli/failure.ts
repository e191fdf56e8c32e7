/** An error as the command line shows it: one `error` line, one `hint` line, and an exit code. */
import { SpantuneError } from '../errors.js';
import { displayPath } from '../files.js';
import { type Style, styleFor } from '../report/style.js';

/** Prints a failure to stderr and returns the exit code: 2 for the user's mistake, 1 for ours, 130 for an interruption. */
export function printFailure(error: unknown, verbose: boolean): number {
  process.stderr.write(`${failureLines(error, verbose, styleFor(process.stderr)).join('\n')}\n`);
  return error instanceof SpantuneError ? error.exitCode : 1;
}

export function failureLines(error: unknown, verbose: boolean, { red, cyan, dim }: Style): string[] {
  const ours = !(error instanceof SpantuneError);
  const message = ours ? `internal: ${oneLine(messageOf(error))}` : oneLine(error.describe(displayPath));
  const hint = ours ? 'this is a fault of spantune: please report it, with what --verbose adds' : error.hint;
  const lines = [`${red('error')}  ${message}`];
  if (hint) lines.push(`${cyan('hint')}   ${oneLine(hint)}`);
  if (!verbose) return lines;
  for (let cause = causeOf(error); cause !== undefined; cause = causeOf(cause)) {
    lines.push(`${dim('cause')}  ${cause instanceof Error ? `${cause.name}: ` : ''}${oneLine(messageOf(cause))}`);
  }
  if (ours && error instanceof Error && error.stack) {
    lines.push(error.stack.split('\n').map(escaped).join('\n'));
  }
  return lines;
}

function messageOf(error: unknown): string {
  if (error instanceof SpantuneError) return error.describe(displayPath);
  return error instanceof Error ? error.message || error.name : String(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** Longest quotation, and longest line, of what a file holds. */
const LONGEST_QUOTE = 200;
const LONGEST_LINE = 1000;

/** One line that is safe to print, whatever a file that is quoted holds. */
export function oneLine(text: string): string {
  const line = escaped(text.trim().replace(/\s*\n\s*/g, ' '));
  const short = line.replace(/"([^"]*)"/g, (quote, inner: string) =>
    inner.length > LONGEST_QUOTE ? `"${inner.slice(0, 60)}…"` : quote,
  );
  return short.length > LONGEST_LINE ? `${short.slice(0, LONGEST_LINE)}…` : short;
}

/** Control characters, and those that turn the direction of writing, as \xNN or \uNNNN: a terminal obeys them. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === '\t') return '\\t';
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}
