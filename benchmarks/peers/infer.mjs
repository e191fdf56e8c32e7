/**
 * Times @huggingface/transformers on Node.js: texts to mean-pooled states, tokenisation included. PACKAGES MODEL TEXTS ROWS THREADS, where
 * PACKAGES is the folder that it was installed in, MODEL what export_onnx.py wrote, TEXTS a JSON list. Answers lines `go N` as side.ts says.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [packages, model, file, rows, threads] = process.argv.slice(2);
const entry = createRequire(join(resolve(packages), 'index.js')).resolve('@huggingface/transformers');
const { env, pipeline } = await import(pathToFileURL(entry).href);
env.allowRemoteModels = false;
env.localModelPath = dirname(resolve(model));
const extract = await pipeline('feature-extraction', basename(model), {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: Number(threads), interOpNumThreads: 1 },
});
const texts = JSON.parse(readFileSync(file, 'utf8'));
let first;
const round = async () => {
  for (let i = 0; i < texts.length; i += Number(rows)) {
    const pooled = await extract(texts.slice(i, i + Number(rows)), { pooling: 'mean' });
    first ??= Array.from(pooled.data.slice(0, pooled.dims[1]));
  }
};
await round();
console.log(JSON.stringify({ ready: true, first }));
for await (const line of createInterface({ input: process.stdin })) {
  const [word, count] = line.split(' ');
  if (word === 'quit') break;
  const runs = [];
  for (let i = 0; i < Number(count); i++) {
    const began = performance.now();
    await round();
    runs.push(performance.now() - began);
  }
  console.log(JSON.stringify({ runs, peakMemory: process.resourceUsage().maxRSS * 1024 }));
}
