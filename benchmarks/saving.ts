/**
 * The saving of selected layers, split into its parts: seconds of equal epochs in spantune and in PyTorch, of the full model and of selected-2.
 *
 *     node --import tsx benchmarks/saving.ts --model DIR --data DIR --output FILE.jsonl
 *         [--tasks cola,sst2,mrpc,rte] [--epochs 3] [--rounds 3] [--threads 2] [--max-rows N] [--by clock|processor] [--python FILE]
 *         [--arm '{ bottom: l*-1, top: l*, head: l* }']
 *
 * Six runs a task and round, each a process of its own, in an order that rotates from round to round so that a busy minute hits all:
 *
 *     spantune full, spantune selected-2        measuring ν and filling the cache included
 *     PyTorch full, selected-2, dynamic         the same layers, batches by length, padded to the longest of each
 *     PyTorch full, selected-2, padded to 128   random batches, as the usual script ships
 *
 * PyTorch is given the layers that spantune chose; what choosing costs is not counted there. Seconds are those of the work: selecting, caching,
 * tuning, and one evaluation of dev at the end, on either side without start-up, reading and tokenising; `processor` is of the whole run, over all
 * threads, and what ratios are made of with `--by processor`, for a machine that does other work too. Finished runs are lines of the output
 * file. `--max-rows` trains on a seeded, stratified sample, the same on both sides. On so few rows ℓ* may be another layer than on all of them,
 * and the seconds another arm's: `--arm` states the layers in terms of the sample's ℓ*, which is measured all the same.
 *
 * Bounds on the gain by selection: layer passes an example, 3 L E of the full model against 3 k E + 2 (head − top) E + (bottom − 1) + L, the last for
 * ν; and floating-point operations as they were run. The classifier reads the first token, so that its layer computes that token
 * alone in both arms: counted in operations, not in passes. The headline, PyTorch full padded to 128 over spantune selected-2, is
 * the product of the gains by padding, engine and selection. Medians over rounds; seeds are the rounds'.
 */
import { basename, resolve } from 'node:path';
import { parse } from 'yaml';
import type { TrainResult } from '../src/pipeline/types.js';
import { formatBytes, formatSeconds } from '../src/report/format.js';
import { renderTable } from '../src/report/table.js';
import { commandLine, list, oneOf, path, text, whole } from './command.js';
import { isInstalled, openRuns, type PeerResult, PYTHON, peerRun, trainRun } from './runs.js';
import { formatScores, geometricMean, median } from './statistics.js';
import { benchmarkTask, TASK_NAMES } from './tasks.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  output: text('benchmarks/results/saving.jsonl'),
  tasks: list('cola,sst2,mrpc,rte', TASK_NAMES),
  epochs: whole('3'),
  rounds: whole('3'),
  threads: whole('2'),
  'max-rows': whole(undefined),
  by: oneOf('clock', 'processor'),
  python: text(PYTHON),
  arm: text(),
});

const VARIANTS = [
  'full',
  'selected-2',
  'torch full',
  'torch selected-2',
  'torch full 128',
  'torch selected-2 128',
] as const;
type Variant = (typeof VARIANTS)[number];

/** Of either side, what the table needs. */
interface SavingRun {
  variant: Variant;
  seconds: Record<string, number>;
  /** Of the work. */
  work: number;
  score: number;
  peakMemory: number;
  trainableParameters: number;
  padding: number;
  arm: { bottom: number | null; top: number | null; head: number };
  environment: Record<string, string | number>;
  /** Of spantune alone. */
  layers?: number;
  trainingFlops?: number;
}

const python = isInstalled('PyTorch', values.python, 'torch');
const model = resolve(values.model);
const folder = resolve(`${values.output}.work`);
const tasks = values.tasks.split(',');
const epochs = Number(values.epochs);
const rounds = Array.from({ length: Number(values.rounds) }, (_, index) => index + 1);
const rows = values['max-rows'] ?? 'all';
const RATES = { full: 3e-5, 'selected-2': 1e-4 };
const runs = openRuns<SavingRun>(values.output);

const keyOf = (task: string, variant: Variant, round: number) =>
  [basename(model), task, rows, epochs, values.threads, round, variant]
    .concat(values.arm && variant.includes('selected') ? values.arm.replaceAll(' ', '') : [])
    .join(' ');

const PHASES = ['select', 'cache', 'tune', 'train', 'evaluate'];
const common = ({
  seconds,
  metrics,
  peakMemory,
  trainableParameters,
  padding,
  environment,
}: TrainResult | PeerResult) => ({
  seconds,
  work: PHASES.reduce((sum, phase) => sum + (seconds[phase] ?? 0), 0),
  score: metrics.score,
  peakMemory,
  trainableParameters,
  padding,
  environment,
});

function ours(task: object, arm: 'full' | 'selected-2', round: number): SavingRun {
  const result = trainRun(folder, {
    model,
    task,
    arm: arm === 'full' || values.arm === undefined ? arm : parse(values.arm),
    // One evaluation, after the last step: so many steps are never done.
    training: { epochs, learningRate: RATES[arm], best: 'last', evaluate: 1e9 },
    engine: { threads: Number(values.threads) },
    seed: round,
  });
  const { bottom, top, head } = result.arm;
  const { trainingFlops } = result.cost;
  return { variant: arm, ...common(result), arm: { bottom, top, head }, layers: result.layers, trainingFlops };
}

function theirs(task: string, data: string, variant: Variant, round: number): SavingRun {
  const full = variant.startsWith('torch full');
  const chosen = runs.find(keyOf(task, 'selected-2', round))?.arm ?? anyChosen(task);
  const arm = full ? 'full' : `${chosen?.bottom},${chosen?.top},${chosen?.head}`;
  if (!full && !chosen) throw new Error('spantune has not chosen its layers');
  const padding = variant.endsWith('128') ? ['max_length', 'random'] : ['dynamic', 'pooled'];
  const options = {
    model,
    task,
    data,
    arm,
    epochs,
    'learning-rate': RATES[full ? 'full' : 'selected-2'],
    padding: padding[0],
    batches: padding[1],
    seed: round,
    threads: values.threads,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const result = peerRun(values.python, [...args, '--last-epoch']);
  const { bottom, top, head } = result.arm;
  return { variant, ...common(result), arm: { bottom, top, head } };
}

/** The layers do not depend on the seed: ν sees the whole split. */
function anyChosen(task: string) {
  return rounds.map((round) => runs.find(keyOf(task, 'selected-2', round))).find(Boolean)?.arm;
}

for (const round of rounds) {
  for (const task of tasks) {
    const { block, data } = benchmarkTask(
      task,
      values.data,
      rows === 'all' ? Number.POSITIVE_INFINITY : Number(rows),
      folder,
    );
    // The layers must be known before PyTorch's span is tuned: selected-2 is among the first in the first round.
    const order = [...VARIANTS.slice(round - 1), ...VARIANTS.slice(0, round - 1)];
    if (!anyChosen(task)) order.unshift(...order.splice(order.indexOf('selected-2'), 1));
    for (const variant of order) {
      if (variant.startsWith('torch') && !python) continue;
      runs.once(
        keyOf(task, variant, round),
        () =>
          variant === 'full' || variant === 'selected-2'
            ? ours(block, variant, round)
            : theirs(task, data, variant, round),
        ({ work, score }) => `${work.toFixed(1)} s, score ${(100 * score).toFixed(1)}`,
      );
    }
  }
}

/** Layer passes an example over all epochs, of the full model over those of the arm. */
function passBound(layers: number, { bottom, top, head }: SavingRun['arm']): number {
  const [from, to] = [bottom ?? head + 1, top ?? head];
  return (3 * layers * epochs) / (3 * (to - from + 1) * epochs + 2 * (head - to) * epochs + (from - 1) + layers);
}

const times = (value: number) => `${value.toFixed(2)} ×`;
const gains: Record<'padding' | 'engine' | 'selection' | 'share' | 'flopShare' | 'headline', number[]> = {
  padding: [],
  engine: [],
  selection: [],
  share: [],
  flopShare: [],
  headline: [],
};
const parts: string[][] = [];
for (const task of tasks) {
  const of = (variant: Variant) => rounds.flatMap((round) => runs.find(keyOf(task, variant, round)) ?? []);
  const seconds = (variant: Variant) =>
    median(of(variant).map(({ work, seconds: { cpu } }) => (values.by === 'processor' ? cpu : work)));
  const lines = VARIANTS.flatMap((variant) => {
    const found = of(variant);
    if (found.length === 0) return [];
    const { bottom, top, head } = found[0].arm;
    return [
      [
        variant,
        `${bottom}-${top} @ ${head}`,
        formatSeconds(median(found.map(({ work }) => work))),
        formatSeconds(median(found.map(({ seconds: { cpu } }) => cpu))),
        formatScores(found.map(({ score }) => score)),
        formatBytes(Math.max(...found.map(({ peakMemory }) => peakMemory))),
        `${(100 * found[0].padding).toFixed(0)} %`,
        String(found.length),
      ],
    ];
  });
  if (lines.length === 0) continue;
  const titles = ['time', 'processor', 'score', 'memory', 'padding', 'rounds'];
  const columns = titles.map((title) => ({ title, align: 'right' as const }));
  console.log(`${renderTable([{ title: task }, { title: 'layers' }, ...columns], lines)}\n`);
  if (lines.length < VARIANTS.length) continue;

  const [full] = of('full');
  const [selected] = of('selected-2');
  const selection = seconds('full') / seconds('selected-2');
  const passes = passBound(full.layers ?? Number.NaN, selected.arm);
  const flops = (full.trainingFlops ?? Number.NaN) / (selected.trainingFlops ?? Number.NaN);
  const found = {
    padding: seconds('torch full 128') / seconds('torch full'),
    engine: seconds('torch full') / seconds('full'),
    selection,
    share: selection / passes,
    flopShare: selection / flops,
    headline: seconds('torch full 128') / seconds('selected-2'),
  };
  for (const [name, value] of Object.entries(found)) gains[name as keyof typeof gains].push(value);
  parts.push([
    task,
    times(found.padding),
    times(found.engine),
    times(selection),
    `${times(passes)} (${found.share.toFixed(2)})`,
    `${times(flops)} (${found.flopShare.toFixed(2)})`,
    times(seconds('torch full') / seconds('torch selected-2')),
    times(found.headline),
  ]);
}
if (parts.length > 0) {
  const of = (name: keyof typeof gains) => geometricMean(gains[name]);
  const shares = [`(${of('share').toFixed(2)})`, `(${of('flopShare').toFixed(2)})`];
  const overall = [
    times(of('padding')),
    times(of('engine')),
    times(of('selection')),
    ...shares,
    '',
    times(of('headline')),
  ];
  const titles = ['padding', 'engine', 'selection', 'bound, passes', 'bound, FLOPs', 'in PyTorch', 'all'];
  const columns = titles.map((title) => ({ title, align: 'right' as const }));
  const { environment } = runs.all[0];
  console.log(renderTable([{ title: basename(model) }, ...columns], [...parts, ['geometric mean', ...overall]]));
  console.log(`
padding: PyTorch full, padded to 128 over dynamic. engine: PyTorch full, dynamic, over spantune full. selection: spantune full over
selected-2, ν and cache included; in parentheses the share of the bound that it reaches. in PyTorch: full over selected-2, dynamic,
choosing not counted. all: PyTorch full padded to 128 over spantune selected-2, the product of the first three.
Ratios of ${values.by === 'processor' ? "processor seconds, a run's start included" : 'seconds by the clock'}. ${values.threads} threads, ${environment.cpu}, ${environment.instructions ?? environment.instructionSet}.`);
}
