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
  if (ours && error instanceof Error && error.stack) lines.push(error.stack);
  return lines;
}

function messageOf(error: unknown): string {
  if (error instanceof SpantuneError) return error.describe(displayPath);
  return error instanceof Error ? error.message || error.name : String(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
