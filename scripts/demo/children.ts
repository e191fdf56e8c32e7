/**
 * Child processes in lanes: so many at once, each on its own. One that fails, or an interruption, ends them all, and only when all
 * have ended does the promise settle, so that nobody is left behind writing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

export interface Child {
  /** What failures call it. */
  name: string;
  /** Words after `node`. */
  words: string[];
  /** Gets each line of its stderr. */
  onLine?(line: string): void;
  onStart?(): void;
  /** With its exit code; null after a signal. */
  onEnd?(code: number | null): void;
}

/** A child that did not end well. */
export class ChildFailure extends Error {
  override name = 'ChildFailure';
  readonly exitCode: number;
  /** Its `error` line and what follows, or its last words. */
  readonly lines: string[];

  constructor(child: string, exitCode: number, lines: string[]) {
    super(`${child} ended with code ${exitCode}`);
    this.exitCode = exitCode;
    this.lines = lines;
  }
}

const LAST_LINES = 20;

/**
 * The stdout of every child, in order. Aborting `signal` sends each a SIGINT, which lets it end by itself; `kill` ends those that run
 * at once. Rejects with the first `ChildFailure`.
 */
export function runChildren(
  children: readonly Child[],
  { lanes, signal }: { lanes: number; signal: AbortSignal },
): { done: Promise<string[]>; kill(): void } {
  const outputs: string[] = [];
  const running = new Set<ChildProcess>();
  const waiting = children.map((child, index) => ({ child, index }));
  let failure: unknown;
  const interrupt = () => {
    for (const process of running) process.kill('SIGINT');
  };
  const lane = async () => {
    for (let next = waiting.shift(); next && !failure && !signal.aborted; next = waiting.shift()) {
      try {
        outputs[next.index] = await run(next.child, running);
      } catch (error) {
        failure ??= error;
        interrupt();
      }
    }
  };
  const all = async () => {
    signal.addEventListener('abort', interrupt);
    try {
      await Promise.all(Array.from({ length: lanes }, lane));
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
    signal.throwIfAborted();
    if (failure) throw failure;
    return outputs;
  };
  return {
    done: all(),
    kill() {
      for (const process of running) process.kill('SIGKILL');
    },
  };
}

function run({ name, words, onLine, onStart, onEnd }: Child, running: Set<ChildProcess>): Promise<string> {
  // In a process group of its own: a terminal's Ctrl-C reaches the parent alone, which passes it on once.
  const child = spawn(process.execPath, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  running.add(child);
  onStart?.();
  let stdout = '';
  let rest = '';
  const last: string[] = [];
  const line = (text: string) => {
    last.push(text);
    if (last.length > LAST_LINES) last.shift();
    onLine?.(text);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(line);
  });
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      running.delete(child);
      reject(error);
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      onEnd?.(code);
      if (rest !== '') line(rest);
      if (code === 0) resolve(stdout);
      else reject(new ChildFailure(name, code ?? 128 + (signal ? constants.signals[signal] : 0), errorLines(last)));
    });
  });
}

function errorLines(lines: string[]): string[] {
  const start = lines.findLastIndex((text) => text.startsWith('error'));
  return start < 0 ? lines.slice(-3) : lines.slice(start);
}
