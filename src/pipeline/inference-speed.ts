/** How fast a tuned model answers: one example at a time, and in batches. From tokens to outputs, the layers below the span included. */

import type { TunedConfig } from '../config/schema.js';
import type { Encoded } from '../data/types.js';
import { readAll } from '../engine/moved.js';
import type { Triple } from '../selection/arms.js';
import { type Attached, modelSpec } from './attach.js';
import { withEngine } from './engine.js';
import type { OpenModel } from './model.js';
import { predictor } from './predictor.js';
import type { RunData } from './run-data.js';
import type { InferenceResult, Reporter } from './types.js';

/** Examples that are timed one by one, and in batches of so many rows; dev may have fewer. */
const SINGLES = 32;
const ROWS = 32;
const BATCHED = 4 * ROWS;
/** The least that a number rests upon. */
const LEAST_SINGLES = 30;
const LEAST_SECONDS = 0.5;

/** Times dev's inputs with the kept weights, on an engine of its own. Every shape has run once before it is timed. */
export async function measureInference(
  model: OpenModel,
  { state }: Attached,
  arm: Triple,
  data: RunData,
  config: TunedConfig,
  reporter: Reporter,
): Promise<InferenceResult> {
  const spec = modelSpec(model, data.task, arm, config);
  const { parameters } = model.load(arm.head);
  for (const [name, tensor] of await readAll(state.parameters)) parameters.set(name, tensor);
  return withEngine(config, async (engine) => {
    const bank = engine.constants(parameters);
    try {
      const one = predictor(engine, spec, [bank], { ...data.pad, batchSize: 1 });
      const singles = spread(data.devEncoded, SINGLES);
      const times: number[] = [];
      for (const input of singles) await one([input]);
      while (times.length < LEAST_SINGLES) {
        for (const input of singles) {
          times.push(await timed(() => one([input])));
          reporter.progress({ phase: 'measure', subject: 'one by one', done: times.length, total: singles.length });
        }
      }

      const many = predictor(engine, spec, [bank], { ...data.pad, batchSize: ROWS });
      const batched = spread(data.devEncoded, BATCHED);
      await many(batched);
      let examples = 0;
      let seconds = 0;
      while (seconds < LEAST_SECONDS) {
        seconds += (await timed(() => many(batched))) / 1000;
        examples += batched.length;
      }
      return { latency: median(times), throughput: examples / seconds };
    } finally {
      bank.dispose();
    }
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** At most `most` of the inputs, evenly from all over the split, so that their lengths are its lengths. */
function spread(encoded: Encoded[], most: number): Encoded[] {
  const count = Math.min(most, encoded.length);
  return Array.from({ length: count }, (_, i) => encoded[Math.floor((i * encoded.length) / count)]);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
