/**
 * The training step against PyTorch, shape by shape, both sides in turn so that a drifting machine slows both:
 *
 *     node --import tsx benchmarks/step.ts [--form full|bare] [--peer eager|compiled|bfloat16] [--shapes 2x128x32x64,…]
 *         [--pooling first|mean] [--engine compiled|tensorflow] [--rounds 5] [--threads 2]
 *
 * A shape is layers x width x batch x length; with `@6-7` after it layers 6 and 7 alone are tuned, the classifier at 7. With pooling
 * `first` spantune computes of the classifier's layer what the first token needs; with `mean` both sides compute all of it. The peer is
 * PyTorch as it comes, through `torch.compile`, or under bfloat16 autocast; `--peer spantune` is our own compiled engine, beside which
 * `--engine tensorflow` is timed.
 *
 * One process a side and shape, so that peak memory is true. Prints medians, spread and the ratio PyTorch / spantune (above 1: spantune is
 * faster); the share of the ceiling is the speed of our step, counting matrix products alone, over that of a product of 2048 × 2048 on ONNX
 * Runtime, which takes its turn with the steps. Writes benchmarks/results/step-FORM-POOLING-ENGINE-PEER.json.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileWhole } from '../src/files.js';
import { environment } from '../src/pipeline/environment.js';
import { renderTable } from '../src/report/table.js';
import { here, needPeers, PYTHON } from './runs.js';
import { openSide, takeTurns } from './side.js';
import { geometricMean, median, spread } from './statistics.js';
import { flopsOf, parseShape } from './step-ours.js';

const SHAPES = '2x128x32x64,4x256x32x64,6x384x16x64,12x384x32x32,12x768x32x32,2x768x16x128,24x1024x4x64';
const STEPS = 3;
const SIZE = 2048;
const { values } = parseArgs({
  options: {
    form: { type: 'string', default: 'full' },
    peer: { type: 'string', default: 'eager' },
    shapes: { type: 'string', default: SHAPES },
    pooling: { type: 'string', default: 'first' },
    engine: { type: 'string', default: 'compiled' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
  },
});
const { form, peer, pooling, engine, threads } = values;

const ownPeer = peer === 'spantune';
const peerName = ownPeer ? 'compiled' : `PyTorch ${peer}`;
if (!ownPeer) needPeers(PYTHON);
const machine = environment(engine, Number(threads));
console.log(
  `${form} step, pooling ${pooling}, ${engine} against ${peerName}, ${threads} threads, ${machine.cpu}, ${machine.instructions}`,
);
interface Result {
  shape: string;
  pytorch: number[];
  spantune: number[];
  ratios: number[];
  /** Of the ceiling. */
  share: number;
  peakMemory: number[];
}
const results: Result[] = [];
for (const shape of values.shapes.split(',')) {
  const words = ['--shape', shape, '--form', form, '--pooling', pooling, '--threads', threads, '--serve'];
  const sides = [
    ownPeer
      ? await openSide(process.execPath, ['--import', 'tsx', here('step-serve.ts'), ...words])
      : await openSide(PYTHON, [here('peers/step.py'), ...words, '--peer', peer]),
    await openSide(process.execPath, ['--import', 'tsx', here('step-serve.ts'), ...words, '--engine', engine]),
    await openSide(process.execPath, [
      '--import',
      'tsx',
      here('ceiling-serve.ts'),
      '--size',
      String(SIZE),
      '--threads',
      threads,
    ]),
  ] as const;
  const { runs, ratios, peakMemory } = await takeTurns(sides, { turns: Number(values.rounds), count: STEPS });
  const [pytorch, spantune, product] = runs;
  const flops = flopsOf(parseShape(shape), pooling === 'mean' ? 'mean' : 'first');
  const share = ((flops / (2 * SIZE ** 3)) * median(product)) / median(spantune);
  results.push({ shape, pytorch, spantune, ratios, share, peakMemory: peakMemory.slice(0, 2) });
  console.error(`${shape}: ${spread(ratios, 2)}, ${share.toFixed(2)} of the ceiling`);
}

const mega = (bytes: number) => String(Math.round(bytes / 1e6));
console.log(
  renderTable(
    [
      { title: 'layers x width x batch x length' },
      ...[`${peerName} ms`, `${engine} ms`, 'ratio', 'of the ceiling', `${peerName} MB`, `${engine} MB`].map(
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
console.log(`geometric mean of the ratios: ${overall.toFixed(3)}`);
writeFileWhole(
  join(here('results'), `step-${form}-${pooling}-${engine}-${peer}.json`),
  `${JSON.stringify({ form, pooling, engine, peer, environment: machine, geometricMean: overall, results }, null, 2)}\n`,
);
