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
import { basename, join, resolve } from 'node:path';
import { environment } from '../src/pipeline/environment.js';
import { commandLine, path, text, whole } from './command.js';
import { here, isInstalled, PYTHON, record } from './runs.js';
import { openSide, takeTurns } from './side.js';
import { median, spread } from './statistics.js';
import { sst2Sentences } from './tasks.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  packages: text(''),
  head: whole(undefined),
  rounds: whole('5'),
  threads: whole('2'),
});
const js = isInstalled('@huggingface/transformers', join(values.packages, 'node_modules/@huggingface/transformers'));
// The peer reads the model as a file of ONNX, which PyTorch writes.
const peer = js && isInstalled('PyTorch', PYTHON, 'torch');
const texts = sst2Sentences(values.data, 'dev').slice(0, 320);
const folder = mkdtempSync(join(tmpdir(), 'inference-'));
const [file, onnx] = [join(folder, 'texts.json'), join(folder, 'model')];
writeFileSync(file, JSON.stringify(texts));
const machine = environment('compiled', Number(values.threads));
console.log(`${texts.length} sentences, ${values.threads} threads, ${machine.cpu}, ${machine.instructions}`);
const results: object[] = [];
try {
  if (peer) {
    const words = [here('peers/export_onnx.py'), '--model', resolve(values.model), '--output', onnx];
    const exported = spawnSync(PYTHON, words, { encoding: 'utf8' });
    if (exported.status !== 0) throw new Error(exported.stderr);
  }
  for (const rows of ['1', '32']) {
    const own = ['--model', resolve(values.model), '--texts', file, '--rows', rows, '--threads', values.threads];
    const head = values.head ? ['--head', values.head] : [];
    const { runs, ratios, peakMemory } = await takeTurns(
      [
        peer
          ? await openSide(process.execPath, [
              '--import',
              'tsx',
              here('inference-peer.ts'),
              values.packages,
              onnx,
              file,
              rows,
              values.threads,
            ])
          : undefined,
        await openSide(process.execPath, ['--import', 'tsx', here('inference-serve.ts'), ...own, ...head]),
      ],
      { turns: Number(values.rounds), count: 1 },
    );
    const [theirs, ours] = runs.map((times) => (median(times) / texts.length).toFixed(2));
    const [theirMemory, ourMemory] = peakMemory.map((bytes = 0) => Math.round(bytes / 1e6));
    const beside = peer ? `transformers.js ${theirs} ms a sentence, ${theirMemory} MB; ` : '';
    console.log(
      `${rows} at a time: ${beside}spantune ${ours} ms a sentence, ${ourMemory} MB; ratio ${spread(ratios, 2)}`,
    );
    results.push({ rows: Number(rows), transformersJs: runs[0], spantune: runs[1], ratios, peakMemory });
  }
  record('inference', machine, { model: basename(values.model), head: values.head, sentences: texts.length, results });
} finally {
  rmSync(folder, { recursive: true });
}
