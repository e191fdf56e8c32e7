/** One child process of the command line: its document on stdout, its progress as lines of stderr, its error as told there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Interrupted, SpantuneError, UserError } from '../errors.js';

/** How spantune itself is started: words after `node` that come before the verb. */
export type Launcher = readonly string[];

export interface ChildOptions {
  launcher: Launcher;
  signal: AbortSignal;
  /** Gets each line of its stderr. */
  onLine?(line: string): void;
  onStart?(pid: number): void;
}

const LAST_LINES = 20;
const running = new Set<ChildProcess>();

/** Ends every child at once. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Runs the command line with these words and parses the document that it prints. Aborting `signal` sends SIGINT, which lets it end
 * between two steps.
 *
 * @throws UserError, SpantuneError with what the child said, by its exit code; Interrupted where it was stopped.
 */
export async function runChild<T>(words: readonly string[], options: ChildOptions): Promise<T> {
  const { launcher, signal, onLine, onStart } = options;
  if (signal.aborted) throw new Interrupted();
  // In a process group of its own: a terminal's Ctrl-C reaches the parent alone, which passes it on once.
  const child = spawn(process.execPath, [...launcher, ...words], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: process.platform !== 'win32',
    env: { ...process.env, NO_COLOR: '1' },
  });
  running.add(child);
  const interrupt = () => void child.kill('SIGINT');
  signal.addEventListener('abort', interrupt);
  let stdout = '';
  let rest = '';
  const last: string[] = [];
  const line = (text: string) => {
    last.push(text);
    if (last.length > LAST_LINES) last.shift();
    onLine?.(text);
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(line);
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  try {
    const code = await ended(child);
    if (rest !== '') line(rest);
    if (signal.aborted && code !== 0) throw new Interrupted();
    if (code !== 0) throw failureOf(code, last);
    return JSON.parse(stdout) as T;
  } finally {
    running.delete(child);
    signal.removeEventListener('abort', interrupt);
  }
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** The child's own `error` and `hint` lines, or its last words. */
function failureOf(code: number, lines: string[]): SpantuneError {
  const at = lines.findLastIndex((text) => /^error {2}/.test(text));
  const hint = lines.slice(at + 1).find((text) => at >= 0 && /^hint {3}/.test(text));
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  const message = at >= 0 ? lines[at].replace(/^error +/, '') : `ended with ${signal ?? `code ${code}`}${tail(lines)}`;
  const options = { hint: hint?.replace(/^hint +/, '') ?? hintOf(signal) };
  return code === 2 ? new UserError(message, options) : new SpantuneError(message, options);
}

function hintOf(signal: string | undefined): string {
  if (signal === 'SIGKILL') return 'was it out of memory? try fewer --jobs';
  return 'the same command tries it again';
}

function tail(lines: string[]): string {
  const last = lines.filter((text) => text.trim() !== '').at(-1);
  return last === undefined ? '' : `: ${last.trim()}`;
}
