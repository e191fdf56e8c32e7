/** Results as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SelectResult, TrainResult } from '../../src/pipeline/types.js';
import { renderArms } from '../../src/report/arms.js';
import { renderPredictions } from '../../src/report/predictions.js';
import { renderSelection } from '../../src/report/selection.js';
import { plain, styleFor, widthOf } from '../../src/report/style.js';
import { renderTable } from '../../src/report/table.js';
import { renderEvaluation, renderTraining, shortArm } from '../../src/report/training.js';
import { describeArm } from '../../src/selection/arms.js';

const selection: SelectResult = {
  task: 'mrpc',
  model: 'all-MiniLM-L6-v2',
  shape: { layers: 3, hidden: 384 },
  pair: true,
  samples: 3668,
  layers: [
    { layer: 1, nu: 5.64, low: 5.41, high: 5.89, share: 0.8 },
    { layer: 2, nu: 6.53, low: 6.2, high: 6.9, share: 0.197 },
    { layer: 3, nu: 11.28, low: 10.9, high: 11.6, share: 0.003 },
  ],
  score: 'nu',
  scores: [],
  selected: 1,
  arm: { name: 'selected-2', bottom: 1, top: 2, head: 2 },
  note: 'lowest ν among layers 2-3, where two layers fit',
  k: 2,
  range: 'fit',
  halfSamples: 200,
  leftOut: [],
  undecided: false,
  seconds: 11,
  padding: 0.03,
  truncated: 0,
  warnings: [],
};

test('a selection is the curve with its bars, the choice and the arm', () => {
  assert.equal(
    renderSelection(selection),
    [
      'mrpc · 3 668 pairs · all-MiniLM-L6-v2 (3 layers × 384) · 11 s',
      '',
      'layer     ν            95 % interval  chosen in',
      '    1  5.64  ████      5.41 – 5.89    ██████▍     80 %  ◂ ℓ*',
      '    2  6.53  ████▋     6.20 – 6.90    █▋          20 %  ◂ selected-2',
      '    3  11.3  ████████  10.9 – 11.6    ▏          0.3 %',
      '',
      'ℓ* = 1, chosen in 80 % of 200 half-samples.',
      'selected-2 → tune layers 1-2, classifier at layer 2, layer 3 dropped (lowest ν among layers 2-3, where two layers fit).',
    ].join('\n'),
  );
});

test('without room to resample the columns of the interval are gone, and the text says so', () => {
  const layers = selection.layers.map((layer) => ({ ...layer, low: null, high: null, share: null }));
  const text = renderSelection({ ...selection, layers, halfSamples: 0 });
  assert.doesNotMatch(text, /interval|chosen in|%/);
  assert.match(text, /^ {4}1 {2}5\.64 {2}████ {6}◂ ℓ\*$/m);
  assert.match(text, /How sure that is was not measured/);
});

test('an undecided choice and classes left out are said', () => {
  const text = renderSelection({ ...selection, undecided: true, leftOut: ['rare', 'rarer'], pair: false });
  assert.match(text, /^ν hardly separates these layers: none is chosen in half of the half-samples\./m);
  assert.match(text, /left out, with a single example: classes rare, rarer\.$/m);
  assert.match(text, /3 668 texts/);
});

test('half-samples that agree on another layer are said', () => {
  const layers = selection.layers.map((layer) => ({ ...layer, share: layer.layer === 3 ? 0.84 : 0.03 }));
  assert.match(
    renderSelection({ ...selection, layers }),
    /^Half of these inputs choose layer 3 \(84 % of half-samples\): /m,
  );
  assert.doesNotMatch(renderSelection(selection), /Half of these inputs/);
});

const training: TrainResult = {
  task: 'mrpc',
  model: 'all-MiniLM-L6-v2',
  arm: { name: 'selected-2', bottom: 3, top: 4, head: 4 },
  tuning: 'fine-tune',
  layers: 6,
  trainableParameters: 3_700_000,
  totalParameters: 22_600_000,
  metrics: { f1: 0.8823, accuracy: 0.8405, score: 0.8614 },
  bestEpoch: 2,
  epochs: 3,
  trainExamples: 3_668,
  devExamples: 408,
  cost: { trainingFlops: 4.1e13, inferenceFlops: 1.2e9, storedParameters: 22_600_000 },
  seconds: { select: 11, tune: 33.2, evaluate: 4.1 },
  peakMemory: 6.2e8,
  seed: 1,
  padding: 0.03,
  truncated: 0.001,
  environment: {},
  warnings: [],
};

test('a run is its scores, in points, and what it cost', () => {
  assert.equal(
    renderTraining(training),
    [
      'mrpc, dev · selected-2 (3-4 @ 4) · all-MiniLM-L6-v2 · seed 1',
      'selected-2 → tune layers 3-4, classifier at layer 4, layers 5-6 dropped.',
      '',
      'score        86.1',
      'f1           88.2',
      'accuracy     84.0',
      'best epoch   2 of 3',
      'tuned        3.7 M of 22.6 M parameters (16 %)',
      'time         48 s (select 11 s, tune 33 s, evaluate 4.1 s)',
      'memory       620 MB at its peak',
      'inputs       3 % padding, 0.1 % truncated',
    ].join('\n'),
  );
});

test('a total among the seconds is not added to its parts', () => {
  assert.match(renderTraining({ ...training, seconds: { tune: 30, total: 50 } }), /time +50 s \(tune 30 s\)/);
});

test('the speed of inference stands where it was measured', () => {
  const text = renderTraining({ ...training, inference: { latency: 3.14, throughput: 1234.5 } });
  assert.match(text, /^inference +3\.1 ms an example, 1 235 a second in batches of 32$/m);
});

test('a single metric stands once', () => {
  const text = renderEvaluation({
    run: 'runs/a',
    task: 'rte',
    split: 'dev',
    examples: 277,
    metrics: { accuracy: 0.6 },
    score: 0.6,
    seconds: 1,
    environment: {},
    warnings: [],
  });
  assert.equal(text, 'rte, dev · 277 examples · a · 1.0 s\n\naccuracy   60.0');
});

test('an adapter is named where something is tuned', () => {
  const row = (tuning: TrainResult['tuning']) =>
    /^tuned +.*?\)(?:, by )?(.*)$/m.exec(renderTraining({ ...training, tuning }))?.[1];
  assert.equal(row('fine-tune'), '');
  const lora = {
    method: 'lora',
    rank: 8,
    alpha: 16,
    dropout: 0,
    targets: ['query', 'value'],
    layerNorms: false,
  } as const;
  assert.equal(row({ ...lora, targets: [...lora.targets] }), 'lora (rank 8: query, value)');
  assert.equal(row({ method: 'ia3', layerNorms: false }), 'ia3');
  assert.equal(row({ method: 'bottleneck', size: 256, dropout: 0.1, layerNorms: true }), 'bottleneck (256)');
  assert.equal(
    row({ method: 'parallel', reductionFactor: 384 / 100.5, scale: 4, layerNorms: false }),
    'parallel (1/3.82)',
  );
});

test('arms in short', () => {
  assert.equal(shortArm({ name: 'full', bottom: 1, top: 6, head: 6 }, 6), 'full (1-6)');
  assert.equal(shortArm({ name: 'top-1', bottom: 6, top: 6, head: 6 }, 6), 'top-1 (6)');
  assert.equal(shortArm({ name: 'head-only', bottom: null, top: null, head: 6 }, 6), 'head-only (@ 6)');
});

test('a comparison aligns arms, scores with their deviation, and cost relative to full', () => {
  const text = renderArms(
    [
      {
        arm: { name: 'full', bottom: 1, top: 6, head: 6 },
        layers: 6,
        scores: [0.86, 0.87, 0.88],
        trainableParameters: 22_600_000,
        seconds: 412,
        peakMemory: 1.9e9,
      },
      {
        arm: training.arm,
        layers: 6,
        scores: [0.86],
        trainableParameters: 3_700_000,
        seconds: 48,
        peakMemory: 6e8,
        note: 'collapsed',
      },
    ],
    { title: 'mrpc, dev', notes: ['score: mean of F1 and accuracy.'] },
  );
  assert.equal(
    text,
    [
      'mrpc, dev                   score    tuned   train            memory   dropped',
      'full (1-6)             87.0 ± 1.0   22.6 M   412 s   1.00 ×   1.9 GB         –',
      'selected-2 (3-4 @ 4)         86.0    3.7 M    48 s   0.12 ×   600 MB       5-6   collapsed',
      'score: mean of F1 and accuracy.',
    ].join('\n'),
  );
});

test('predictions are tab-separated with a header', () => {
  const base = { run: 'r', task: 't', seconds: 1, warnings: [], environment: {} };
  assert.equal(
    renderPredictions({
      ...base,
      labels: ['no', 'yes'],
      predictions: [{ index: '7', label: 'yes', scores: [0.25, 0.75] }],
    }),
    'index\tlabel\tprobability\n7\tyes\t0.7500',
  );
  assert.equal(
    renderPredictions({ ...base, labels: [], predictions: [{ index: '0', label: 2.5, scores: [] }] }),
    'index\tscore\n0\t2.5',
  );
});

test('colour on a terminal alone, and not where NO_COLOR is set', () => {
  const red = (stream: { isTTY?: boolean }, env: Record<string, string>) => styleFor(stream, env).red('x');
  assert.equal(red({ isTTY: true }, {}), '\x1b[31mx\x1b[39m');
  assert.equal(red({}, {}), 'x');
  assert.equal(red({ isTTY: true }, { NO_COLOR: '1' }), 'x');
  assert.equal(red({ isTTY: true }, { NO_COLOR: '' }), '\x1b[31mx\x1b[39m', 'an empty NO_COLOR is unset');
  assert.equal(red({ isTTY: true }, { TERM: 'dumb' }), 'x');
});

test('colour does not move columns', () => {
  const style = styleFor({ isTTY: true }, {});
  const coloured = renderSelection(selection, style);
  assert.notEqual(coloured, renderSelection(selection, plain));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour sequences
  assert.equal(coloured.replace(/\x1b\[\d+m/g, ''), renderSelection(selection, plain));
  assert.equal(widthOf(style.bold('ℓ* = 1')), 6);
  assert.equal(
    renderTable(
      [{}, { align: 'right' }],
      [
        [style.red('a'), '1'],
        ['bb', '22'],
      ],
    ),
    `${style.red('a')}     1\nbb   22`,
  );
});

test('an arm that was stated by layer numbers is told by them, without a name made of them', () => {
  assert.equal(shortArm({ name: '5..6@6', bottom: 5, top: 6, head: 6 }, 12), 'layers 5-6 @ 6');
  assert.equal(shortArm({ name: 'head@4', bottom: null, top: null, head: 4 }, 12), 'classifier @ 4');
  assert.equal(shortArm({ name: 'l*-1..l*@L', bottom: 5, top: 6, head: 12 }, 12), 'l*-1..l*@L (5-6)');
  assert.equal(
    describeArm({ name: '5..6@6', bottom: 5, top: 6, head: 6 }, 12),
    'tune layers 5-6, classifier at layer 6, layers 7-12 dropped.',
  );
});
