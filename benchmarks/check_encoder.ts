/**
 * Our side of check_encoder.py: FOLDER EXPECTED [ENGINE] [TOLERANCE]. EXPECTED is a safetensors file with ids, types and mask
 * [rows, length], and states.N [rows, length, hidden] of every layer.
 */
import { loadEncoder } from '../src/checkpoint/load.js';
import { openSafetensors } from '../src/checkpoint/safetensors.js';
import { openEngine } from '../src/engine/open.js';
import type { EngineName } from '../src/engine/types.js';
import { SpantuneError } from '../src/errors.js';
import { encode } from '../src/model/encoder.js';
import { encoderInputs } from '../src/model/inputs.js';
import { readBatch } from './batch.js';

async function main([folder, expected, engineName = 'compiled', tolerance = '1e-4']: string[]): Promise<void> {
  const { config, parameters, surplus } = loadEncoder(folder);
  const file = openSafetensors(expected);
  const batch = readBatch(file);

  const engine = await openEngine(engineName as EngineName);
  const bank = engine.bank([...parameters].map(([name, { shape }]) => ({ name, shape })));
  for (const [name, { data }] of parameters) bank.write(name, data);
  const program = engine.program('states', (tensors) =>
    Object.fromEntries(
      encode(tensors, tensors, config, { head: config.layers }).map((states, layer) => [`states.${layer}`, states]),
    ),
  );
  const outputs = await program.run({ inputs: encoderInputs(batch, config), banks: [bank] });

  const shape = `${config.family}, ${config.layers} layers × ${config.hidden}`;
  console.log(`${folder} (${shape}), ${batch.rows} inputs of up to ${batch.length} tokens, ${engine.name} engine`);
  if (surplus.length > 0) console.log(`not used: ${surplus.join(', ')}`);
  let good = true;
  for (let layer = 0; layer <= config.layers; layer++) {
    const theirs = file.read(`states.${layer}`).data;
    const ours = outputs[`states.${layer}`].data;
    let worst = 0;
    let largest = 0;
    for (let i = 0; i < theirs.length; i++) {
      if (batch.attentionMask[Math.floor(i / config.hidden)] === 0) continue;
      const difference = Math.abs(ours[i] - theirs[i]);
      // A NaN is the worst of all.
      if (!(difference <= worst)) worst = difference;
      largest = Math.max(largest, Math.abs(theirs[i]));
    }
    const within = worst <= Number(tolerance);
    good &&= within;
    const verdict = within ? '' : `   beyond ${tolerance}`;
    console.log(
      `layer ${String(layer).padStart(2)}   max |difference| ${worst.toExponential(2)}   max |value| ${largest.toFixed(2)}${verdict}`,
    );
  }
  bank.dispose();
  await engine.close();
  if (!good) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof SpantuneError ? `error  ${error.describe()}\nhint   ${error.hint ?? ''}` : error);
  process.exitCode = 2;
});
