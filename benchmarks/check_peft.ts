/**
 * Our side of check_peft.py: RUN EXPECTED [ENGINE] [TOLERANCE]. EXPECTED is a safetensors file with ids, types and mask [rows, length], and
 * what Python computes: logits [rows, classes], or the states [rows, length, hidden] of the layer that the classifier reads.
 */
import { openSafetensors } from '../src/checkpoint/safetensors.js';
import { openEngine } from '../src/engine/open.js';
import type { EngineName } from '../src/engine/types.js';
import { SpantuneError } from '../src/errors.js';
import { encode } from '../src/model/encoder.js';
import { classify } from '../src/model/head.js';
import { encoderInputs } from '../src/model/inputs.js';
import { modelShapes } from '../src/model/parameters.js';
import { pool } from '../src/model/pooling.js';
import { modelSpec } from '../src/pipeline/attach.js';
import { openBase } from '../src/pipeline/model.js';
import { readRun, readTuned } from '../src/pipeline/run-folder.js';
import { readBatch } from './batch.js';

async function main([run, expected, engineName = 'compiled', tolerance = '1e-4']: string[]): Promise<void> {
  const { config, result } = readRun(run);
  const model = openBase(config.model, result);
  const { arm } = result;
  const { adapters, classifier, pooling, classes } = modelSpec(model, result.definition, arm, config);
  const shapes = modelShapes(model.config, arm, { classes, classifier, tuning: config.tuning });
  const { parameters } = model.load(arm.head);
  const tuned = readTuned(run, model.config.family, shapes.keys());

  const file = openSafetensors(expected);
  const batch = readBatch(file);
  const engine = await openEngine(engineName as EngineName);
  const bank = engine.bank([...shapes].map(([name, shape]) => ({ name, shape })));
  for (const name of shapes.keys()) bank.write(name, (tuned.get(name) ?? parameters.get(name))?.data as Float32Array);
  const program = engine.program('outputs', (tensors) => {
    const states = encode(tensors, tensors, model.config, { head: arm.head, adapters })[arm.head];
    return { states, logits: classify(tensors, pool(pooling, states, tensors), { classifier }) };
  });
  const outputs = await program.run({ inputs: encoderInputs(batch, model.config, { pooling }), banks: [bank] });

  const what = file.has('logits') ? 'logits' : 'states';
  const theirs = file.read(what).data;
  const ours = outputs[what].data;
  let worst = ours.length === theirs.length ? 0 : Number.NaN;
  let largest = 0;
  for (let i = 0; i < theirs.length; i++) {
    if (what === 'states' && batch.attentionMask[Math.floor(i / model.config.hidden)] === 0) continue;
    const difference = Math.abs(ours[i] - theirs[i]);
    // A NaN is the worst of all.
    if (!(difference <= worst)) worst = difference;
    largest = Math.max(largest, Math.abs(theirs[i]));
  }
  const good = worst <= Number(tolerance);
  console.log(
    `${what}   max |difference| ${worst.toExponential(2)}   max |value| ${largest.toFixed(2)}${good ? '' : `   beyond ${tolerance}`}`,
  );
  bank.dispose();
  await engine.close();
  if (!good) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof SpantuneError ? `error  ${error.describe()}\nhint   ${error.hint ?? ''}` : error);
  process.exitCode = 2;
});
