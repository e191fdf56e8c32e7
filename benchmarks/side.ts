/** One side of a benchmark: a process that answers lines `go N` with a line of JSON, so that two can take turns within one run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SpantuneError } from '../src/errors.js';
import { displayPath } from '../src/files.js';
import { median } from './statistics.js';

/** What `go N` is answered with. */
export interface Turn {
  /** Milliseconds of each of the N rounds. */
  runs: number[];
  /** Bytes, the process's highest so far. */
  peakMemory: number;
}

export interface Side {
  /** What the process said when it was ready. */
  about: Record<string, unknown>;
  go(count: number): Promise<Turn>;
  close(): void;
}

/** Resolves when the process has warmed up and said so. Rejects where it ends before its answer. */
export async function openSide(command: string, args: string[]): Promise<Side> {
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) {
      const hint = 'what it said of the reason stands above';
      throw new SpantuneError(`${[command, ...args].map(displayPath).join(' ')} ended early`, { hint });
    }
    return JSON.parse(value);
  };
  return {
    about: await next(),
    async go(count) {
      child.stdin?.write(`go ${count}\n`);
      return next();
    },
    close: () => child.stdin?.end('quit\n'),
  };
}

/** The other end: says `about`, then answers `go N` by N calls of `round`, until `quit` or the end of input. */
export async function serve(about: object, round: () => unknown): Promise<void> {
  console.log(JSON.stringify({ ready: true, ...about }));
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, count] = line.split(' ');
    if (word === 'quit') break;
    const runs: number[] = [];
    for (let i = 0; i < Number(count); i++) {
      const began = performance.now();
      await round();
      runs.push(performance.now() - began);
    }
    console.log(JSON.stringify({ runs, peakMemory: process.resourceUsage().maxRSS * 1024 }));
  }
}

/**
 * All sides in turn, `count` rounds each at a time; ratios are of the first over the second, turn by turn. A side that is not there has no
 * runs, and there are no ratios to it.
 */
export async function takeTurns(
  sides: readonly [Side | undefined, Side, ...Side[]],
  { turns, count }: { turns: number; count: number },
): Promise<{ runs: number[][]; ratios: number[]; peakMemory: (number | undefined)[] }> {
  const runs: number[][] = sides.map(() => []);
  const ratios: number[] = [];
  let peakMemory: (number | undefined)[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const answers: (Turn | undefined)[] = [];
    for (const side of sides) answers.push(await side?.go(count));
    answers.forEach((answer, i) => {
      runs[i].push(...(answer?.runs ?? []));
    });
    const [peer, own] = answers;
    if (peer && own) ratios.push(median(peer.runs) / median(own.runs));
    peakMemory = answers.map((answer) => answer?.peakMemory);
  }
  for (const side of sides) side?.close();
  return { runs, ratios, peakMemory };
}
