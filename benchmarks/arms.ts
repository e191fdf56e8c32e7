/**
 * Scores and costs of arms on real data, a child process a run:
 *
 *     node --import tsx benchmarks/arms.ts --model DIR --data DIR --output FILE.jsonl
 *         [--tasks cola,mrpc,rte,trec,sst2] [--arms full,top-2,selected-2] [--tuning fine-tune,bottleneck,lora,…] [--seeds 1,2,3]
 *         [--learning-rates full=3e-5,span=1e-4,adapter=3e-4,lora=1e-3] [--epochs 3] [--threads 2] [--max-rows 10000]
 *
 * `--data` holds `glue/` and `trec/`. A training split of more than `--max-rows` is a seeded, stratified sample of so many; of the tasks
 * here that cuts SST-2 alone. Finished runs are lines of the output file and are not run again, so that the command can be interrupted; the
 * table comes at the end. Learning rates: `full` of the fine-tuned full model (3e-5), `span` of other fine-tuned arms (1e-4); adapters have
 * those of configs/adapters (3e-4 bottleneck, 1e-3 lora), unless `adapter` or the method's own name states another. Scores are those of the
 * last epoch: no epoch is chosen on dev. Seconds are means over seeds: by the clock, and of processor time, which tells more where the
 * machine does other work too.
 */
import { basename, resolve } from 'node:path';
import type { TrainResult } from '../src/pipeline/types.js';
import { formatBytes, formatCount, formatRange, formatSeconds } from '../src/report/format.js';
import { renderTable } from '../src/report/table.js';
import { shortArm } from '../src/report/training.js';
import { commandLine, list, path, text, whole, wholes } from './command.js';
import { learningRates } from './rates.js';
import { openRuns, trainRun } from './runs.js';
import { formatScores, mean } from './statistics.js';
import { benchmarkTask, TASK_NAMES } from './tasks.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  output: text('benchmarks/results/arms.jsonl'),
  tasks: list('cola,mrpc,rte,trec,sst2', TASK_NAMES),
  arms: list('full,top-2,selected-2'),
  tuning: list('fine-tune'),
  'learning-rates': text(''),
  seeds: wholes('1,2,3'),
  epochs: whole('3'),
  threads: whole('2'),
  'max-rows': whole('10000'),
});
const work = resolve(`${values.output}.work`);
const model = resolve(values.model);
const [tasks, arms, tunings, seeds] = [values.tasks, values.arms, values.tuning, values.seeds].map((text) =>
  text.split(','),
);

const rateOf = learningRates(values['learning-rates']);

const keyOf = (task: string, arm: string, tuning: string, seed: string) =>
  [basename(model), task, arm, tuning, rateOf(arm, tuning), values['max-rows'], seed, values.epochs].join(' ');

/** Lines without tuning, rate and rows are of fine-tuning with what is the default here. */
function wholeKey(key: string): string {
  const words = key.split(' ');
  if (words.length !== 5) return key;
  const [name, task, arm, seed, epochs] = words;
  return [name, task, arm, 'fine-tune', arm === 'full' ? 3e-5 : 1e-4, 10_000, seed, epochs].join(' ');
}

const runs = openRuns<TrainResult>(values.output, wholeKey);
for (const seed of seeds) {
  for (const task of tasks) {
    const { block } = benchmarkTask(task, values.data, Number(values['max-rows']), work);
    for (const tuning of tunings) {
      for (const arm of arms) {
        runs.once(
          keyOf(task, arm, tuning, seed),
          () =>
            trainRun(work, {
              model,
              task: block,
              arm,
              tuning,
              training: { epochs: Number(values.epochs), learningRate: rateOf(arm, tuning), best: 'last' },
              engine: { threads: Number(values.threads) },
              seed: Number(seed),
            }),
          ({ metrics, seconds }) => `${(100 * metrics.score).toFixed(1)}, ${seconds.total.toFixed(0)} s`,
        );
      }
    }
  }
}

for (const task of tasks) {
  const rows = tunings.flatMap((tuning) =>
    arms.flatMap((arm) => {
      const done = seeds.flatMap((seed) => runs.find(keyOf(task, arm, tuning, seed)) ?? []);
      if (done.length === 0) return [];
      const [{ layers, trainableParameters, arm: placed }] = done;
      const cpu = done.flatMap(({ seconds }) => seconds.cpu ?? []);
      return [
        [
          shortArm(placed, layers),
          tuning,
          formatScores(done.map(({ metrics }) => metrics.score)),
          formatCount(trainableParameters),
          formatSeconds(mean(done.map(({ seconds }) => seconds.total))),
          cpu.length === done.length ? formatSeconds(mean(cpu)) : '–',
          formatBytes(Math.max(...done.map(({ peakMemory }) => peakMemory))),
          placed.head < layers ? formatRange(placed.head + 1, layers) : '–',
        ],
      ];
    }),
  );
  if (rows.length === 0) continue;
  const titles = ['score', 'tuned', 'time', 'processor', 'memory', 'dropped'];
  const columns = titles.map((title) => ({ title, align: 'right' as const }));
  console.log(`${renderTable([{ title: `${task}, dev` }, { title: 'tuning' }, ...columns], rows)}\n`);
}
