/** Our side of `step.ts`: warms up, then answers lines `go N` with the times of N steps in ms. */
import { parseArgs } from 'node:util';
import { openEngine } from '../src/engine/open.js';
import type { Device, EngineName } from '../src/engine/types.js';
import { serve } from './side.js';
import { BATCHES, buildStep, parseShape } from './step-ours.js';

const { values } = parseArgs({
  options: {
    shape: { type: 'string', default: '6x384x16x64' },
    form: { type: 'string', default: 'full' },
    threads: { type: 'string', default: '2' },
    pooling: { type: 'string', default: 'first' },
    engine: { type: 'string', default: 'compiled' },
    device: { type: 'string', default: 'cpu' },
    serve: { type: 'boolean' },
  },
});
const engine = await openEngine(values.engine as EngineName, {
  threads: Number(values.threads),
  device: values.device as Device,
});
const step = buildStep(
  engine,
  parseShape(values.shape),
  values.form as 'full' | 'bare',
  values.pooling as 'first' | 'mean',
);
for (let i = 0; i < BATCHES; i++) await step.run();
await serve({}, () => step.run());
await engine.close();
