/** A comparison made up from arithmetic: two tasks (or more), arms of every kind, no run behind it. */
import fc from 'fast-check';
import type { Comparison, ComparisonRow, RunCost, RunRecord, TaskTable, Verdict } from '../../src/comparison/types.js';
import { resolveConfig } from '../../src/config/load.js';
import type { Task } from '../../src/data/types.js';
import type { Arm, SelectResult } from '../../src/pipeline/types.js';
import { stream } from '../../src/random.js';

const LAYERS = 6;
const SEEDS = [1, 2, 3];
const CONFIG = resolveConfig(
  { model: 'models/encoder', task: { name: 'mrpc', data: 'data' }, arm: 'full' },
  { checkPaths: false },
);

interface Sketch {
  arm: Arm;
  score: number;
  verdict?: [Verdict, difference: number, half: number, p: number];
  tuned: number;
  flops: number;
  infer: number;
  seconds: number;
}

const arm = (name: string, bottom: number | null, top: number | null, head: number): Arm => ({
  name,
  bottom,
  top,
  head,
});

const SKETCHES: Sketch[] = [
  { arm: arm('full', 1, 6, 6), score: 0.866, tuned: 22.6e6, flops: 1.9e15, infer: 4.1e9, seconds: 412 },
  {
    arm: arm('top-2', 5, 6, 6),
    score: 0.82,
    verdict: ['worse', -0.046, 0.019, 0.0004],
    tuned: 3.7e6,
    flops: 5.2e14,
    infer: 4.1e9,
    seconds: 71,
  },
  {
    arm: arm('selected-2', 3, 4, 4),
    score: 0.861,
    verdict: ['undecided', -0.005, 0.016, 0.61],
    tuned: 3.7e6,
    flops: 4.4e14,
    infer: 2.8e9,
    seconds: 48,
  },
  {
    arm: arm('selected-2-top', 3, 4, 6),
    score: 0.859,
    verdict: ['matches', -0.003, 0.006, 0.61],
    tuned: 3.7e6,
    flops: 6.1e14,
    infer: 4.1e9,
    seconds: 80,
  },
  {
    arm: arm('up-to-selected', 1, 4, 4),
    score: 0.871,
    verdict: ['better', 0.012, 0.01, 0.032],
    tuned: 19e6,
    flops: 1.3e15,
    infer: 2.8e9,
    seconds: 290,
  },
  {
    arm: arm('head-only', null, null, 4),
    score: 0.684,
    verdict: ['worse', -0.182, 0.03, 0.0004],
    tuned: 1.5e5,
    flops: 4.1e13,
    infer: 2.8e9,
    seconds: 9.4,
  },
];

export function taskNamed(name: string): Task {
  const metrics: Task['metrics'] = name === 'mrpc' ? ['accuracy', 'f1'] : ['accuracy'];
  return { name, kind: 'classification', labels: ['no', 'yes'], metrics, pair: true };
}

function costOf({ tuned, flops, infer, seconds }: Sketch): RunCost {
  return {
    trainingFlops: flops,
    inferenceFlops: infer,
    trainableParameters: tuned,
    storedParameters: 22.6e6 * (infer / 4.1e9),
    seconds: {
      read: 0.8,
      select: 11.2,
      cache: 3.1,
      search: seconds * 1.6,
      tune: seconds,
      evaluate: 4.4,
      total: seconds * 2.6 + 20,
    },
    peakMemory: 5e8 + tuned * 60,
    inference: { latency: infer / 4e8, throughput: 3.2e12 / infer },
  };
}

function rowOf(sketch: Sketch, task: Task, shift: number): ComparisonRow {
  const { arm: placed, score, verdict } = sketch;
  const scores = SEEDS.map((seed) => score + shift + (seed - 2) * 0.006);
  const metrics = Object.fromEntries(
    task.metrics.map((name, index) => [name, { mean: score + shift + (index - 0.5) * 0.03, deviation: 0.006 }]),
  );
  return {
    id: placed.name,
    arm: placed,
    layers: LAYERS,
    method: 'fine-tune',
    seeds: SEEDS,
    scores,
    mean: score + shift,
    deviation: 0.006,
    metrics,
    learningRates: [3e-5],
    collapsed: placed.name === 'top-2' ? [2] : [],
    cost: costOf(sketch),
    ...(verdict
      ? {
          versus: {
            reference: 'full',
            difference: verdict[1],
            low: verdict[1] - verdict[2],
            high: verdict[1] + verdict[2],
            p: verdict[3] / 3,
            adjusted: verdict[3],
            verdict: verdict[0],
          },
        }
      : {}),
  };
}

export function selectionOf(task: string, model: string): SelectResult {
  const curve = [6.53, 5.9, 5.2, 4.64, 7.1, 11.28];
  return {
    task,
    model,
    shape: { layers: LAYERS, hidden: 384 },
    pair: true,
    samples: 3668,
    layers: curve.map((nu, i) => ({ layer: i + 1, nu, low: nu * 0.95, high: nu * 1.06, share: i === 3 ? 0.8 : 0.04 })),
    score: 'nu',
    scores: [],
    selected: 4,
    arm: arm('selected-2', 3, 4, 4),
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
}

function recordOf(row: ComparisonRow, seed: number, task: Task, model: string): RunRecord {
  const random = stream('test', row.id, seed);
  const config = { ...CONFIG, arm: row.arm.name, task: { ...CONFIG.task, name: task.name }, seed };
  const score = row.scores[row.seeds.indexOf(seed)];
  return {
    folder: `runs/${task.name}-${row.id}-${seed}`,
    model,
    modelHash: 'abc',
    task,
    arm: row.arm,
    layers: row.layers,
    method: row.method,
    learningRate: 3e-5,
    seed,
    metrics: { score },
    score,
    splits: [{ split: 'dev', gold: Float64Array.from([0, 1, 1]), predicted: Float64Array.from([0, 1, 0]) }],
    collapsed: row.collapsed.includes(seed),
    cost: row.cost,
    steps: Array.from({ length: 345 }, (_, i) => ({
      step: i + 1,
      epoch: 1 + Math.floor(i / 115),
      loss: 0.25 + 0.45 * Math.exp(-i / (90 / row.mean)) + 0.2 * (random.uniform() - 0.5),
      seconds: i * 0.1,
    })),
    evaluations: [1, 2, 3].map((epoch) => ({ step: epoch * 115, epoch, score: score - 0.08 / epoch ** 2 })),
    config,
    environment: { spantune: '0.1.0', node: '20.20.2', cpu: 'A processor', threads: 2 },
    warnings: [],
  };
}

export interface TableOptions {
  task?: Task;
  model?: string;
  shift?: number;
  /** Passes over the rows before records are made of them. */
  change?: (row: ComparisonRow) => ComparisonRow;
}

/** Six arms that ran, one that is the same as another, one that does not exist. */
export function tableOf(options: TableOptions = {}): TaskTable {
  const { task = taskNamed('mrpc'), model = 'all-MiniLM-L6-v2', shift = 0, change = (row) => row } = options;
  const ran = SKETCHES.map((sketch) => rowOf(sketch, task, shift)).map(change);
  const { versus: _, ...twin } = ran[2];
  const missing: ComparisonRow = {
    ...ran[0],
    id: 'above-selected',
    arm: arm('above-selected', null, null, 0),
    seeds: [],
    scores: [],
    mean: Number.NaN,
    deviation: null,
    metrics: {},
    learningRates: [],
    collapsed: [],
    cost: {
      trainingFlops: null,
      inferenceFlops: null,
      trainableParameters: Number.NaN,
      storedParameters: null,
      seconds: {},
      peakMemory: Number.NaN,
    },
    note: 'no such arm: there are no layers above ℓ* = 6',
  };
  return {
    task,
    model,
    layers: LAYERS,
    examples: 408,
    reference: ran[0].id,
    rows: [
      ...ran,
      { ...twin, id: 'span', arm: { ...twin.arm, name: 'span' }, collapsed: [], sameAs: ran[2].id },
      missing,
    ],
    selection: selectionOf(task.name, model),
    records: ran.flatMap((row) => row.seeds.map((seed) => recordOf(row, seed, task, model))),
  };
}

export function comparisonOf(
  tables: TaskTable[] = [tableOf(), tableOf({ task: taskNamed('rte'), shift: -0.2 })],
): Comparison {
  const several = tables.length > 1;
  return {
    tables,
    overall: several
      ? SKETCHES.map(({ arm: { name }, score, verdict }) => ({
          id: name,
          model: tables[0].model,
          scores: Object.fromEntries(tables.map(({ task }, index) => [task.name, score - 0.2 * index])),
          glue: null,
          glueWithoutWnli: null,
          mean: score - 0.1,
          tasks: tables.length,
          verdicts: {
            better: 0,
            matches: 0,
            worse: 0,
            undecided: 0,
            ...(verdict ? { [verdict[0]]: tables.length } : {}),
          },
          p: null,
        }))
      : [],
    options: { reference: 'full', margin: 0.01, resamples: 10_000, seed: 1 },
    comparisons: 5 * tables.length,
    notes: [
      'score: mean of F1 and accuracy (mrpc), accuracy (rte); mean ± standard deviation over seeds.',
      'against full: difference and 95 % interval by 10 000 paired resamples of dev, for these seeds; p after Holm over 10 comparisons; “matches” within 1 point.',
    ],
  };
}

/** Puts a name before each arm's own, as rows, arms and the reference have it. */
export function named(name: string): (row: ComparisonRow) => ComparisonRow {
  return (row) => ({ ...row, id: name + row.id, arm: { ...row.arm, name: name + row.arm.name } });
}

/** Names as a user may give them, and worse. */
export const nastyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    ']]></style></script><!--',
    'a|b\\|c\nd\te',
    '$x_1^2$ & 5 % of #3 {\\bf ~}',
    '=1+2,"quoted",\r\n',
    '日本語 🙂 ẞß ö',
    'x'.repeat(200),
    '__proto__',
  ),
);
