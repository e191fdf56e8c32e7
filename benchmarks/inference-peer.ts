/**
 * The peer of `inference.ts`, @huggingface/transformers on Node.js: texts to mean-pooled states, tokenisation included; answers lines `go N`.
 * PACKAGES MODEL TEXTS ROWS THREADS: PACKAGES is the folder that it was installed in, MODEL what peers/export_onnx.py wrote, TEXTS a JSON list.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serve } from './side.js';

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
const texts: string[] = JSON.parse(readFileSync(file, 'utf8'));

async function round(): Promise<void> {
  for (let i = 0; i < texts.length; i += Number(rows)) {
    await extract(texts.slice(i, i + Number(rows)), { pooling: 'mean' });
  }
}
await round();
await serve({}, round);
