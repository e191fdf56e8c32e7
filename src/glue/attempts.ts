/**
 * How long every attempt at a run or a measurement took, killed ones included: a file beside its result gets a line when one begins and one
 * when it ends, and is touched while it goes on, so that an attempt without an end lasted until the last touch.
 */
import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startBeat } from '../beat.js';
import { makeFolders } from '../files.js';
import { FILES } from '../pipeline/run-folder.js';

const FILE = 'attempts.jsonl';
const BEAT = 1_000;

/** What is attempted: where its attempts are noted, and what is there once it is done. */
export interface Attempted {
  log: string;
  result: string;
}

export const runAttempts = (folder: string): Attempted => ({
  log: join(folder, FILE),
  result: join(folder, FILES.result),
});
export const selectionAttempts = (result: string): Attempted => ({
  log: result.replace(/json$/, FILE),
  result,
});

interface Begin {
  began: number;
}
interface End {
  ended: number;
  outcome: Outcome;
}
export type Outcome = 'done' | 'failed' | 'interrupted' | 'killed';

export interface Attempt {
  seconds: number;
  outcome: Outcome;
}

/** Notes that an attempt begins; the returned function notes its end. Earlier ones without an end are closed first. */
export function beginAttempt({ log: file }: Attempted): (outcome: Outcome) => void {
  makeFolders(dirname(file));
  close(file);
  append(file, { began: Date.now() });
  const stop = startBeat(file, BEAT);
  return (outcome) => {
    stop();
    append(file, { ended: Date.now(), outcome });
  };
}

/**
 * Attempts so far, oldest first; the last one may be under way. Where there is a result, an attempt without an end gave it: only the
 * process that was to note it is gone.
 */
export function attemptsOf({ log: file, result }: Attempted): Attempt[] {
  const attempts: Attempt[] = [];
  let began: number | undefined;
  for (const line of linesOf(file)) {
    if ('began' in line) began = line.began;
    else if (began !== undefined) {
      attempts.push({ seconds: (line.ended - began) / 1000, outcome: line.outcome });
      began = undefined;
    }
  }
  if (began !== undefined) {
    const outcome = existsSync(result) ? 'done' : 'killed';
    attempts.push({ seconds: Math.max(0, touched(file) - began) / 1000, outcome });
  }
  return attempts;
}

/** Seconds of the attempts that came to nothing. */
export function lostSeconds(attempted: Attempted): number {
  return attemptsOf(attempted).reduce((sum, { outcome, seconds }) => sum + (outcome === 'done' ? 0 : seconds), 0);
}

function close(file: string): void {
  const open = linesOf(file).at(-1);
  if (open && 'began' in open) append(file, { ended: Math.max(open.began, touched(file)), outcome: 'killed' });
}

function touched(file: string): number {
  return Math.round(statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}

/** Half a line, of a moment when the machine went down, is passed over. */
function linesOf(file: string): (Begin | End)[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Begin | End];
    } catch {
      return [];
    }
  });
}

function append(file: string, line: Begin | End): void {
  const text = statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8') : '';
  const cut = text !== '' && !text.endsWith('\n');
  appendFileSync(file, `${cut ? '\n' : ''}${JSON.stringify(line)}\n`);
}
