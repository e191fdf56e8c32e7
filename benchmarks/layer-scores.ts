/**
 * Every score of the layers on real data, and what tuning gives where each of them chooses:
 *
 *     node --import tsx benchmarks/layer-scores.ts --model DIR --data DIR --output FILE.jsonl
 *         [--tasks cola,mrpc,rte,trec,sst2] [--seeds 1] [--epochs 3] [--learning-rate 1e-4] [--threads 2] [--max-rows 10000]
 *
 * `spantune select --scores all` once a task (its pass feeds all scores but those of gradients), then two layers tuned at each distinct place that a
 * score proposes, as an explicit triple: scores that agree share the run. Both are lines of the output file and are not run again. A
 * training split of more than `--max-rows` is a seeded, stratified sample of so many. Scores of tuned arms are those of the last epoch on dev.
 * `seconds` are what a score takes beside the pass; `ρ with ν` is Spearman's rank correlation over the layers; `random` is drawn by seed 1.
 */
import { basename, resolve } from 'node:path';
import type { SelectResult, TrainResult } from '../src/pipeline/types.js';
import { formatRange, formatSeconds } from '../src/report/format.js';
import { renderTable } from '../src/report/table.js';
import { commandLine, list, path, positive, text, whole, wholes } from './command.js';
import { openRuns, selectRun, trainRun } from './runs.js';
import { formatScores } from './statistics.js';
import { benchmarkTask, TASK_NAMES } from './tasks.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  output: text('benchmarks/results/layer-scores.jsonl'),
  tasks: list('cola,mrpc,rte,trec,sst2', TASK_NAMES),
  seeds: wholes('1'),
  epochs: whole('3'),
  'learning-rate': positive('1e-4'),
  threads: whole('2'),
  'max-rows': whole('10000'),
});
const K = 2;
const model = resolve(values.model);
const work = resolve(`${values.output}.work`);
const [tasks, seeds] = [values.tasks, values.seeds].map((text) => text.split(','));
const engine = { threads: Number(values.threads) };
const runs = openRuns<{ select: SelectResult } | { train: TrainResult }>(values.output);

type Triple = Pick<TrainResult['arm'], 'bottom' | 'top' | 'head'>;
const about = (task: string) => [basename(model), task, values['max-rows']];
const selectKey = (task: string) => [...about(task), 'select'].join(' ');
const trainKey = (task: string, { bottom, top, head }: Triple, seed: string) =>
  [...about(task), `${bottom},${top},${head}`, values['learning-rate'], values.epochs, seed].join(' ');

function selection(task: string): SelectResult | undefined {
  const run = runs.find(selectKey(task));
  return run && 'select' in run ? run.select : undefined;
}

function tuned(task: string, arm: Triple): TrainResult[] {
  return seeds.flatMap((seed) => {
    const run = runs.find(trainKey(task, arm, seed));
    return run && 'train' in run ? [run.train] : [];
  });
}

for (const task of tasks) {
  const { block } = benchmarkTask(task, values.data, Number(values['max-rows']), work);
  runs.once(
    selectKey(task),
    () => ({ select: selectRun(work, { model, task: block, arm: `selected-${K}`, engine, seed: 1 }, 'all') }),
    (run) => ('select' in run ? `ℓ* ${run.select.selected}, ${run.select.seconds.toFixed(0)} s` : ''),
  );
  for (const { arm } of selection(task)?.scores ?? []) {
    if (!arm) continue;
    const { bottom, top, head } = arm;
    for (const seed of seeds) {
      runs.once(
        trainKey(task, arm, seed),
        () => ({
          train: trainRun(work, {
            model,
            task: block,
            arm: { bottom, top, head },
            training: { epochs: Number(values.epochs), learningRate: Number(values['learning-rate']), best: 'last' },
            engine,
            seed: Number(seed),
          }),
        }),
        (run) => ('train' in run ? (100 * run.train.metrics.score).toFixed(1) : ''),
      );
    }
  }
}

for (const task of tasks) {
  const measured = selection(task);
  if (!measured) continue;
  const nu = measured.scores.find(({ name }) => name === 'nu');
  const rows = measured.scores.map(({ name, title, selected, arm, seconds, spearman, missing }) => {
    const found = arm ? tuned(task, arm) : [];
    const rho = name === 'nu' ? 1 : spearman.nu;
    const agrees = arm?.head === nu?.arm?.head && arm?.top === nu?.arm?.top;
    return [
      title,
      selected === null ? '–' : String(selected),
      arm?.bottom && arm.top ? `${formatRange(arm.bottom, arm.top)} @ ${arm.head}` : '–',
      formatSeconds(seconds),
      rho === null || rho === undefined ? '–' : rho.toFixed(2),
      found.length > 0 ? formatScores(found.map(({ metrics }) => metrics.score)) : '–',
      missing ? `none: ${missing}` : arm && agrees && name !== 'nu' ? 'as ν' : '',
    ];
  });
  const columns = [
    { title: `${task}, ${basename(model)}` },
    ...['best', 'tuned', 'seconds', 'ρ with ν', 'score'].map((title) => ({ title, align: 'right' as const })),
    {},
  ];
  const choosing = measured.scores.filter(({ arm }) => arm);
  const same = choosing.filter(({ arm }) => arm?.head === nu?.arm?.head && arm?.top === nu?.arm?.top);
  console.log(renderTable(columns, rows));
  console.log(
    `${same.length - 1} of ${choosing.length - 1} other scores choose as ν; pass and all scores ${formatSeconds(measured.seconds)}, ` +
      `${measured.samples} inputs\n`,
  );
}
