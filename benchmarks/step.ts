/**
 * The training step against PyTorch, shape by shape, both sides in turn so that a drifting machine slows both:
 *
 *     node --import tsx benchmarks/step.ts [--form full|bare] [--peer eager|compiled|bfloat16] [--shapes 2x128x32x64,…]
 *         [--pooling first|mean] [--engine compiled|tensorflow] [--device cpu|cuda|webgpu] [--rounds 5] [--threads 2]
 *
 * A shape is layers x width x batch x length; with `@6-7` after it layers 6 and 7 alone are tuned, the classifier at 7. With pooling
 * `first` spantune computes of the classifier's layer what the first token needs; with `mean` both sides compute all of it. The peer is
 * PyTorch as it comes, through `torch.compile`, or under bfloat16 autocast, which is left out where the processor lacks the instructions;
 * `--peer spantune` is our own compiled engine, beside which `--engine tensorflow` or another `--device` is timed. With a device PyTorch
 * computes on CUDA.
 *
 * One process a side and shape, so that peak memory is true. Prints medians, spread and the ratio PyTorch / spantune (above 1: spantune is
 * faster); the share of the ceiling is the speed of our step, counting matrix products alone, over that of a product of 2048 × 2048 on the
 * processor, the faster of PyTorch's and ONNX Runtime's, which take their turns with the steps. Adds a line to benchmarks/results/step.jsonl.
 */
import { loadTensorFlow } from '../src/engine/eager/tensorflow.js';
import { UserError } from '../src/errors.js';
import { environment } from '../src/pipeline/environment.js';
import { renderTable } from '../src/report/table.js';
import { commandLine, list, oneOf, whole } from './command.js';
import { hasBfloat16, here, isInstalled, PYTHON, record } from './runs.js';
import { openSide, takeTurns } from './side.js';
import { geometricMean, median, spread } from './statistics.js';
import { flopsOf, parseShape } from './step-ours.js';

const SHAPES = '2x128x32x64,4x256x32x64,6x384x16x64,12x384x32x32,12x768x32x32,2x768x16x128,24x1024x4x64';
const STEPS = 3;
const SIZE = 2048;
const values = commandLine(import.meta.url, {
  form: oneOf('full', 'bare'),
  peer: oneOf('eager', 'compiled', 'bfloat16', 'spantune'),
  shapes: list(SHAPES),
  pooling: oneOf('first', 'mean'),
  engine: oneOf('compiled', 'tensorflow'),
  device: oneOf('cpu', 'cuda', 'webgpu'),
  rounds: whole('5'),
  threads: whole('2'),
});
const { form, peer, pooling, engine, device, threads } = values;

const ownPeer = peer === 'spantune';
const ownName = device === 'cpu' ? engine : `${engine} on ${device}`;
const peerName = ownPeer ? 'compiled' : `PyTorch ${peer}`;
if (ownPeer && engine === 'compiled' && device === 'cpu')
  throw new UserError('--peer spantune is the compiled engine: nothing is compared', {
    hint: 'add --engine tensorflow, or a --device',
  });
for (const shape of values.shapes.split(',')) parseShape(shape);
if (engine === 'tensorflow') loadTensorFlow();
const installed = ownPeer || isInstalled('PyTorch', PYTHON, 'torch');
if (peer === 'bfloat16' && device === 'cpu' && !hasBfloat16())
  throw new UserError(
    'the processor has no bfloat16 instructions (avx512_bf16, amx_bf16): autocast emulates them for minutes a step',
    {
      hint: 'leave --peer bfloat16 out',
    },
  );
const machine = environment(engine, Number(threads));
console.log(
  `${form} step, pooling ${pooling}, ${ownName} against ${peerName}, ${threads} threads, ${machine.cpu}, ${machine.instructions}`,
);
interface Result {
  shape: string;
  pytorch: number[];
  spantune: number[];
  ratios: number[];
  /** Of the ceiling. */
  share: number;
  peakMemory: (number | undefined)[];
}

const openOurs = (file: string, words: string[]) =>
  openSide(process.execPath, ['--import', 'tsx', here(file), ...words]);
const openPeer = (words: string[]) =>
  ownPeer
    ? openOurs('step-serve.ts', words)
    : openSide(PYTHON, [
        here('peers/step.py'),
        ...words,
        '--peer',
        peer,
        '--device',
        device === 'cpu' ? 'cpu' : 'cuda',
      ]);

const product = ['--size', String(SIZE), '--threads', threads];
const results: Result[] = [];
for (const shape of values.shapes.split(',')) {
  const words = ['--shape', shape, '--form', form, '--pooling', pooling, '--threads', threads, '--serve'];
  const sides = [
    installed ? await openPeer(words) : undefined,
    await openOurs('step-serve.ts', [...words, '--engine', engine, '--device', device]),
    await openOurs('ceiling-serve.ts', product),
    ...(installed && !ownPeer ? [await openSide(PYTHON, [here('peers/ceiling.py'), ...product])] : []),
  ] as const;
  const { runs, ratios, peakMemory } = await takeTurns(sides, { turns: Number(values.rounds), count: STEPS });
  const [pytorch, spantune, ...products] = runs;
  const flops = flopsOf(parseShape(shape), pooling === 'mean' ? 'mean' : 'first');
  const share = ((flops / (2 * SIZE ** 3)) * Math.min(...products.map(median))) / median(spantune);
  results.push({ shape, pytorch, spantune, ratios, share, peakMemory: peakMemory.slice(0, 2) });
  console.error(`${shape}: ${spread(ratios, 2)}, ${share.toFixed(2)} of the ceiling`);
}

const mega = (bytes?: number) => (bytes === undefined ? '–' : String(Math.round(bytes / 1e6)));
console.log(
  renderTable(
    [
      { title: 'layers x width x batch x length' },
      ...[`${peerName} ms`, `${ownName} ms`, 'ratio', 'of the ceiling', `${peerName} MB`, `${ownName} MB`].map(
        (title) => ({
          title,
          align: 'right' as const,
        }),
      ),
    ],
    results.map(({ shape, pytorch, spantune, ratios, share, peakMemory }) => [
      shape,
      spread(pytorch, 0),
      spread(spantune, 0),
      spread(ratios, 2),
      share.toFixed(2),
      ...peakMemory.map(mega),
    ]),
  ),
);
const overall = geometricMean(results.map(({ ratios }) => median(ratios)));
if (installed) console.log(`geometric mean of the ratios: ${overall.toFixed(3)}`);
record('step', machine, {
  form,
  pooling,
  engine,
  device,
  peer: installed ? peer : null,
  geometricMean: overall,
  results,
});
