/** Child processes of the benchmarks, and the file of their results: a line of JSON each, so that an interrupted command goes on. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { displayPath } from '../src/files.js';
import { environment } from '../src/pipeline/environment.js';
import type { SelectResult, TrainResult } from '../src/pipeline/types.js';

export const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What benchmarks/peers/train.py prints. */
export interface PeerResult {
  task: string;
  arm: { name: string; bottom: number | null; top: number | null; head: number };
  metrics: Record<string, number>;
  /** `seconds`: of the run, to the end of the evaluation. */
  epochs: { epoch: number; metrics?: Record<string, number>; seconds?: number }[];
  /** `read`, `load`, `train`, `evaluate`, and `total` and `cpu` of all after the imports. */
  seconds: Record<string, number>;
  peakMemory: number;
  padding: number;
  trainableParameters: number;
  environment: Record<string, string | number>;
}

export interface Runs<T> {
  readonly all: (T & { key: string })[];
  find(key: string): (T & { key: string }) | undefined;
  /** The finished run, or the one that `run` makes; undefined, with a line on stderr, where that failed. */
  once(key: string, run: () => T, tell: (result: T) => string): (T & { key: string }) | undefined;
}

/** Runs that the file holds already; `rename` gives the key of a line. */
export function openRuns<T extends object>(file: string, rename: (key: string) => string = (key) => key): Runs<T> {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const all: (T & { key: string })[] = lines.map((line) => {
    const run = JSON.parse(line);
    return { ...run, key: rename(run.key) };
  });
  const find = (key: string) => all.find((run) => run.key === key);
  return {
    all,
    find,
    once(key, run, tell) {
      const known = find(key);
      if (known) return known;
      try {
        const result = { ...run(), key };
        all.push(result);
        appendFileSync(file, `${JSON.stringify(result)}\n`);
        console.error(`${key}: ${tell(result)}`);
        return result;
      } catch (cause) {
        process.exitCode = 1;
        console.error(`${key}: ${cause instanceof Error ? cause.message : cause}`);
        return undefined;
      }
    },
  };
}

function json(program: string, args: string[]): unknown {
  const child = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (child.error) throw child.error;
  if (child.status !== 0) throw new Error(child.stderr.slice(-2000) || `ended with ${child.status ?? child.signal}`);
  return JSON.parse(child.stdout);
}

/** A run of spantune in a process of its own, its folder thrown away. Throws what it said on stderr where it fails. */
export function trainRun(work: string, config: object): TrainResult {
  const [file, folder] = [join(work, 'run.yaml'), join(work, 'run')];
  mkdirSync(work, { recursive: true });
  writeFileSync(file, JSON.stringify(config));
  rmSync(folder, { recursive: true, force: true });
  return json(process.execPath, [
    here('../bin/spantune'),
    'train',
    file,
    '--output',
    folder,
    '--json',
    '--quiet',
  ]) as TrainResult;
}

/** Evaluations of the last `trainRun`, with the seconds of tuning until each had ended. */
export function lastEvaluations(work: string): { epoch: number; seconds: number; score: number }[] {
  const lines = readFileSync(join(work, 'run', 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean);
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ evaluation }) => evaluation)
    .map(({ epoch, seconds, evaluation: { score } }) => ({ epoch, seconds, score }));
}

/** `spantune select` in a process of its own. */
export function selectRun(work: string, config: object, scores: string): SelectResult {
  const file = join(work, 'select.yaml');
  mkdirSync(work, { recursive: true });
  writeFileSync(file, JSON.stringify(config));
  const args = ['select', '--config', file, '--scores', scores, '--json', '--quiet'];
  return json(process.execPath, [here('../bin/spantune'), ...args]) as SelectResult;
}

/** benchmarks/peers/train.py in a process of its own. */
export function peerRun(python: string, args: string[]): PeerResult {
  return json(python, [here('peers/train.py'), ...args]) as PeerResult;
}

/** Where benchmarks/README.md puts the peers' Python, and the one of AdapterHub's adapters. */
export const PYTHON = here('.venv/bin/python');
export const ADAPTERS_PYTHON = here('.venv-adapters/bin/python');

/**
 * Whether a peer is there, and of a Python the package, which its virtual environment may lack; where it is not, says so, since spantune
 * is then measured alone.
 */
export function isInstalled(peer: string, file: string, module?: string): boolean {
  const missing = [file, ...(module === undefined ? [] : [moduleOf(file, module)])].find((path) => !existsSync(path));
  if (missing === undefined) return true;
  console.error(
    `skipped: ${peer} is not installed, ${displayPath(missing)} is missing (benchmarks/README.md says how it is)`,
  );
  return false;
}

/** Where a package of a virtual environment lies. */
function moduleOf(python: string, module: string): string {
  const lib = join(dirname(dirname(python)), 'lib');
  const version = existsSync(lib) ? readdirSync(lib).find((name) => name.startsWith('python3')) : undefined;
  return join(lib, version ?? 'python3', 'site-packages', module);
}

/** Whether products of bfloat16 are instructions here; where that cannot be told, true. */
export function hasBfloat16(): boolean {
  const { instructions } = environment('compiled', 1);
  return instructions === 'unknown' || /bf16/.test(String(instructions));
}

/** Adds what was measured to benchmarks/results/NAME.jsonl, with the machine: figures of different machines stand side by side. */
export function record(name: string, machine: Record<string, string | number>, measured: object): void {
  const file = join(here('results'), `${name}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), environment: machine, ...measured })}\n`);
  console.error(`written: a line of benchmarks/results/${name}.jsonl`);
}

/** Prints what benchmarks/peers/compare_scores.py says; its exit code becomes ours where it is not 0. */
export function compareScores(args: string[]): void {
  const { status } = spawnSync(PYTHON, [here('peers/compare_scores.py'), ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
