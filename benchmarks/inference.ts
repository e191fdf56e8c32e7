/**
 * Inference against @huggingface/transformers on Node.js (ONNX Runtime under both), tokenisation included, in turn:
 *
 *     node --import tsx benchmarks/inference.ts --model DIR --data DIR --packages DIR [--head N] [--rounds 5] [--threads 2]
 *
 * `--data` holds `SST-2/dev.tsv`, `--packages` is a folder in which `npm install @huggingface/transformers` was run. Sentences come one by
 * one, and 32 at a time. `--head` cuts our encoder at that layer, as an arm below the top does; the peer always computes all.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { environment } from '../src/pipeline/environment.js';
import { here, needPeers, PYTHON } from './runs.js';
import { openSide, takeTurns } from './side.js';
import { median, spread } from './statistics.js';
import { sst2Sentences } from './tasks.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: '' },
    data: { type: 'string', default: '' },
    packages: { type: 'string', default: '' },
    head: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
  },
});
needPeers(PYTHON, join(values.packages, 'node_modules/@huggingface/transformers'));
const texts = sst2Sentences(values.data, 'dev').slice(0, 320);
const folder = mkdtempSync(join(tmpdir(), 'inference-'));
const [file, onnx] = [join(folder, 'texts.json'), join(folder, 'model')];
writeFileSync(file, JSON.stringify(texts));
const { cpu, instructions } = environment('compiled', Number(values.threads));
console.log(`${texts.length} sentences, ${values.threads} threads, ${cpu}, ${instructions}`);
try {
  const exported = spawnSync(
    PYTHON,
    [here('peers/export_onnx.py'), '--model', resolve(values.model), '--output', onnx],
    { encoding: 'utf8' },
  );
  if (exported.status !== 0) throw new Error(exported.stderr);
  for (const rows of ['1', '32']) {
    const own = ['--model', resolve(values.model), '--texts', file, '--rows', rows, '--threads', values.threads];
    const head = values.head ? ['--head', values.head] : [];
    const { runs, ratios, peakMemory } = await takeTurns(
      [
        await openSide(process.execPath, [
          '--import',
          'tsx',
          here('inference-peer.ts'),
          values.packages,
          onnx,
          file,
          rows,
          values.threads,
        ]),
        await openSide(process.execPath, ['--import', 'tsx', here('inference-serve.ts'), ...own, ...head]),
      ],
      { turns: Number(values.rounds), count: 1 },
    );
    const [theirs, ours] = runs.map((times) => (median(times) / texts.length).toFixed(2));
    const [theirMemory, ourMemory] = peakMemory.map((bytes) => Math.round(bytes / 1e6));
    console.log(
      `${rows} at a time: transformers.js ${theirs} ms a sentence, ${theirMemory} MB; spantune ${ours} ms, ${ourMemory} MB; ` +
        `ratio ${spread(ratios, 2)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
