/**
 * Measuring the layers: spantune against PyTorch with one run per layer, as the method's authors release it, and with one pass:
 *
 *     node --import tsx benchmarks/select.ts --model DIR --data DIR [--task mrpc] [--rounds 3] [--threads 2]
 *
 * `--data` holds `MRPC/` and the rest of GLUE. A process each, in turn, starting up included. ν agrees to 1e-5 relative or the command
 * fails. spantune gives intervals and 200 half-samples besides; the peers give ν alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { environment } from '../src/pipeline/environment.js';
import type { SelectResult } from '../src/pipeline/types.js';
import { formatBytes } from '../src/report/format.js';
import { renderTable } from '../src/report/table.js';
import { commandLine, path, text, whole } from './command.js';
import { here, isInstalled, PYTHON, record } from './runs.js';
import { median, spread } from './statistics.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  task: text('mrpc'),
  rounds: whole('3'),
  threads: whole('2'),
});
const python = isInstalled('PyTorch', PYTHON, 'torch');
const what = ['--model', resolve(values.model), '--task', values.task, '--data', resolve(values.data)];
const words = [...what, '--threads', values.threads];
const folder = mkdtempSync(join(tmpdir(), 'select-'));

interface Measured {
  nu: number[];
  seconds: number;
  peakMemory: number;
}

/** Writes its process's peak memory where SPANTUNE_PEAK says. */
const WITNESS = `data:text/javascript,${encodeURIComponent(
  `import { writeFileSync } from 'node:fs';
   process.on('exit', () => writeFileSync(process.env.SPANTUNE_PEAK, String(process.resourceUsage().maxRSS * 1024)));`,
)}`;

function run(command: string, args: string[]): { text: string; seconds: number; peak: number } {
  const file = join(folder, 'peak');
  const began = performance.now();
  const env = { ...process.env, SPANTUNE_PEAK: file };
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return {
    text: stdout,
    seconds: (performance.now() - began) / 1000,
    peak: existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0,
  };
}

function ours(): Measured {
  const args = ['--import', WITNESS, here('../bin/spantune'), 'select', ...words, '--json', '--quiet'];
  const { text, seconds, peak } = run(process.execPath, args);
  return { nu: (JSON.parse(text) as SelectResult).layers.map(({ nu }) => nu ?? Number.NaN), seconds, peakMemory: peak };
}

function theirs(...more: string[]): Measured {
  const { text, seconds } = run(PYTHON, [here('peers/nu.py'), ...words, ...more]);
  const { layers, peakMemory } = JSON.parse(text) as { layers: { nu: number }[]; peakMemory: number };
  return { nu: layers.map(({ nu }) => nu), seconds, peakMemory };
}

const sides: Record<string, () => Measured> = {
  spantune: ours,
  ...(python && {
    'PyTorch, one run per layer': () => theirs(),
    'PyTorch, one pass': () => theirs('--one-pass'),
  }),
};
const results = new Map(Object.keys(sides).map((name) => [name, [] as Measured[]]));
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, side] of Object.entries(sides)) results.get(name)?.push(side());
  }
} finally {
  rmSync(folder, { recursive: true });
}

const machine = environment('compiled', Number(values.threads));
console.log(`${values.task}, ${values.model}, ${values.threads} threads, ${machine.cpu}, ${machine.instructions}`);
const own = results.get('spantune') as Measured[];
console.log(
  renderTable(
    [{}, ...['seconds', 'ratio to spantune', 'peak memory'].map((title) => ({ title, align: 'right' as const }))],
    [...results].map(([name, runs]) => [
      name,
      spread(
        runs.map(({ seconds }) => seconds),
        1,
      ),
      spread(
        runs.map(({ seconds }, i) => seconds / own[i].seconds),
        2,
      ),
      formatBytes(median(runs.map(({ peakMemory }) => peakMemory))),
    ]),
  ),
);
for (const [name, [{ nu }]] of results) {
  const worst = Math.max(...nu.map((value, i) => Math.abs(value / own[0].nu[i] - 1)));
  if (worst < 1e-5) continue;
  console.error(`${name}: ν differs by ${worst.toExponential(1)} relative`);
  process.exitCode = 1;
}
record('select', machine, {
  model: basename(values.model),
  task: values.task,
  sides: Object.fromEntries(results),
});
