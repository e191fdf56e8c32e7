/**
 * The matrix-product ceiling of the machine: how many operations a second a large float32 product reaches, on ONNX Runtime and on
 * PyTorch, in turn:
 *
 *     node --import tsx benchmarks/ceiling.ts [--size 2048] [--threads 2] [--rounds 5]
 *
 * An operation is a multiplication or an addition: a product of n × n matrices is 2n³ of them.
 */
import { environment } from '../src/pipeline/environment.js';
import { commandLine, whole } from './command.js';
import { here, isInstalled, PYTHON, record } from './runs.js';
import { openSide, takeTurns } from './side.js';
import { spread } from './statistics.js';

const values = commandLine(import.meta.url, {
  size: whole('2048'),
  threads: whole('2'),
  rounds: whole('5'),
});
const words = ['--size', values.size, '--threads', values.threads];
const python = isInstalled('PyTorch', PYTHON, 'torch');
const { runs, ratios } = await takeTurns(
  [
    python ? await openSide(PYTHON, [here('peers/ceiling.py'), ...words]) : undefined,
    await openSide(process.execPath, ['--import', 'tsx', here('ceiling-serve.ts'), ...words]),
  ],
  { turns: Number(values.rounds), count: 5 },
);
const rate = (times: readonly number[]) => times.map((time) => (2 * Number(values.size) ** 3) / time / 1e6);
const [pytorch, onnxruntime] = runs.map(rate);
const machine = environment('compiled', Number(values.threads));
console.log(
  `product of ${values.size} × ${values.size}, ${values.threads} threads, ${machine.cpu}, ${machine.instructions}`,
);
console.log(`PyTorch       ${spread(pytorch, 0)} GFLOP/s`);
console.log(`ONNX Runtime  ${spread(onnxruntime, 0)} GFLOP/s`);
console.log(`ratio of times, PyTorch / ONNX Runtime: ${spread(ratios, 2)}`);
record('ceiling', machine, { size: Number(values.size), pytorch, onnxruntime });
