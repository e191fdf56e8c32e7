/**
 * Our side of `ceiling.ts`: answers lines `go N` with the times of N square matrix products on ONNX Runtime. The product is read where it
 * lies, since PyTorch's is not copied either.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
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
const program = engine.program('product', (inputs) => ({
  product: tf.matMul(inputs.a as tf.Tensor2D, inputs.b as tf.Tensor2D),
}));
const inputs = { a: { shape: [size, size], data: a }, b: { shape: [size, size], data: b } };
const product = () => program.run({ inputs });
await product();
await serve({ size }, product);
await engine.close();
