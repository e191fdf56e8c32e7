/** Our side of `ceiling.ts`: answers lines `go N` with the times of N square matrix products on ONNX Runtime. */
import { parseArgs } from 'node:util';
import { openEngine } from '../src/engine/open.js';
import { stream } from '../src/random.js';
import { serve } from './side.js';

const { values } = parseArgs({
  options: { size: { type: 'string', default: '2048' }, threads: { type: 'string', default: '2' } },
});
const size = Number(values.size);
const random = stream(1, 'benchmark');
const matrix = () => Float32Array.from({ length: size * size }, () => random.normal());
const [a, b] = [matrix(), matrix()];
const engine = await openEngine('compiled', { threads: Number(values.threads) });
const product = () => engine.multiply(a, size, size, b, size);
await product();
await serve({ size }, product);
await engine.close();
