/** The command line in processes of its own, and what comes out of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { root } from '../project/root.js';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  /** What standard input holds; nothing unless told. */
  input?: string;
  /** A file that standard output goes to; it is read unless told. */
  stdout?: number;
  onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** At once: the first line of stderr may come when all is over. */
  onStart?: (kill: (signal: NodeJS.Signals) => void) => void;
}

/** The build runs itself; sources run by their loader. */
const BUILT = import.meta.url.endsWith('.js');
const IMPORT = `import { main } from '${BUILT ? './dist/src/cli/main.js' : './src/cli/main.ts'}';`;

export const MAIN = `${IMPORT} await main(process.argv.slice(1));`;

/** Runs the command line in a process of its own, as `bin/spantune` does. */
export function spantune(words: string[], options: StartOptions = {}): Promise<Outcome> {
  return start(MAIN, words, options);
}

export function start(
  script: string,
  words: string[],
  { input, stdout, onStderr, onStart }: StartOptions = {},
): Promise<Outcome> {
  const loader = BUILT ? [] : ['--import', 'tsx'];
  const child = spawn(process.execPath, [...loader, '--input-type=module', '-e', script, '--', ...words], {
    cwd: root,
    stdio: ['pipe', stdout ?? 'pipe', 'pipe'],
  });
  child.stdin?.end(input);
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  onStart?.(kill);
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    outcome.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    outcome.stderr += text;
    onStderr?.(text, kill);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}

/** Runs the command line once for each list of words, all in one process. (Not in this one, whose stdout is the test runner's.) */
export async function spantuneAll(lists: string[][]): Promise<Outcome[]> {
  const script = `
    ${IMPORT}
    const outcomes = [];
    const [out, err] = [process.stdout.write, process.stderr.write];
    for (const words of JSON.parse(process.argv[1])) {
      const outcome = { stdout: '', stderr: '' };
      process.stdout.write = (text) => { outcome.stdout += text; return true; };
      process.stderr.write = (text) => { outcome.stderr += text; return true; };
      process.exitCode = 0;
      await main(words);
      outcomes.push({ ...outcome, code: process.exitCode });
    }
    process.stdout.write = out;
    process.stderr.write = err;
    process.exitCode = 0;
    console.log(JSON.stringify(outcomes));`;
  const { stdout, stderr } = await start(script, [JSON.stringify(lists)]);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}
