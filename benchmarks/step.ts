/**
 * The training step against PyTorch, shape by shape, both sides in turn so that a drifting machine slows both:
 *
 *     node --import tsx benchmarks/step.ts [--form full|bare] [--shapes 2x128x32x64,…] [--pooling first|mean] [--rounds 5] [--threads 2]
 *
 * A shape is layers x width x batch x length; with `@6-7` after it layers 6 and 7 alone are tuned, the classifier at 7. With pooling
 * `first` spantune computes of the classifier's layer what the first token needs; with `mean` both sides compute all of it.
 *
 * One process a side and shape, so that peak memory is true. Prints medians, spread and the ratio PyTorch / spantune (above 1:
 * spantune is faster), their geometric mean, and writes benchmarks/results/step-FORM-POOLING.json.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environment } from '../src/pipeline/environment.js';

const SHAPES = '2x128x32x64,4x256x32x64,6x384x16x64,12x384x32x32,12x768x32x32,2x768x16x128,24x1024x4x64';
const { values } = parseArgs({
  options: {
    form: { type: 'string', default: 'full' },
    shapes: { type: 'string', default: SHAPES },
    pooling: { type: 'string', default: 'first' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
  },
});
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

interface Side {
  go(steps: number): Promise<{ runs: number[]; peakMemory: number }>;
  close(): void;
}

/** A process that answers `go N` with the times of N steps. */
async function side(command: string, args: string[], env: Record<string, string> = {}): Promise<Side> {
  const child: ChildProcess = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ${args.join(' ')} ended early`);
    return JSON.parse(value);
  };
  await next();
  return {
    async go(steps) {
      child.stdin?.write(`go ${steps}\n`);
      return next();
    },
    close: () => child.stdin?.end('quit\n'),
  };
}

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const python = here('.venv/bin/python');
if (!existsSync(python)) {
  console.error('PyTorch is not installed (benchmarks/README.md says how): nothing to compare with');
  process.exit(0);
}
const threads = values.threads;
const results: object[] = [];
const ratios: number[] = [];
const { cpu, instructions } = environment('compiled', Number(threads));
console.log(`${values.form} step, pooling ${values.pooling}, ${threads} threads, ${cpu}, ${instructions}`);
console.log(
  'layers x width x batch x length   PyTorch ms   spantune ms (min - max)   ratio   PyTorch MB   spantune MB',
);
for (const shape of values.shapes.split(',')) {
  const common = [
    '--shape',
    shape,
    '--form',
    values.form,
    '--pooling',
    values.pooling,
    '--threads',
    threads,
    '--serve',
  ];
  const peer = await side(python, [here('peers/step.py'), ...common]);
  const ours = await side(process.execPath, ['--import', 'tsx', here('step-serve.ts'), ...common]);
  const theirs: number[] = [];
  const times: number[] = [];
  const pairs: number[] = [];
  let memory = [0, 0];
  for (let round = 0; round < Number(values.rounds); round++) {
    const a = await peer.go(3);
    const b = await ours.go(3);
    theirs.push(...a.runs);
    times.push(...b.runs);
    pairs.push(median(a.runs) / median(b.runs));
    memory = [a.peakMemory, b.peakMemory];
  }
  peer.close();
  ours.close();
  const ratio = median(pairs);
  ratios.push(ratio);
  const mega = memory.map((bytes) => Math.round(bytes / 1e6));
  console.log(
    `${shape.padEnd(32)} ${median(theirs).toFixed(0).padStart(10)} ${median(times).toFixed(0).padStart(11)} (${Math.min(...times).toFixed(0)} - ${Math.max(...times).toFixed(0)})`.padEnd(
      72,
    ) +
      `${ratio.toFixed(2).padStart(6)} (${Math.min(...pairs).toFixed(2)} - ${Math.max(...pairs).toFixed(2)}) ${String(mega[0]).padStart(8)} ${String(mega[1]).padStart(8)}`,
  );
  results.push({
    shape,
    pytorch: theirs,
    spantune: times,
    ratio,
    pairs,
    peakMemory: { pytorch: memory[0], spantune: memory[1] },
  });
}
const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
console.log(`geometric mean of the ratios: ${mean.toFixed(3)}`);
mkdirSync(here('results'), { recursive: true });
const document = {
  form: values.form,
  pooling: values.pooling,
  environment: environment('compiled', Number(threads)),
  geometricMean: mean,
  results,
};
writeFileSync(here(`results/step-${values.form}-${values.pooling}.json`), `${JSON.stringify(document, null, 2)}\n`);
