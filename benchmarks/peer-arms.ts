/**
 * The Python peers over tasks, methods and seeds, a child process a run, and their scores against ours:
 *
 *     node --import tsx benchmarks/peer-arms.ts --model DIR --data DIR --output THEIRS.jsonl [--ours OURS.jsonl] [--within 1.5]
 *         [--tasks mrpc,trec] [--tuning fine-tune,lora,bottleneck] [--arm full] [--seeds 1,2,3] [--epochs 3] [--threads 2]
 *         [--learning-rates …] [--max-rows 10000]
 *
 * Takes what `benchmarks/arms.ts` takes, with the same rates, and `--arm` as benchmarks/peers/train.py reads it. Finished runs are lines of the
 * output file and are not run again. With `--ours`, what arms.ts wrote, the means are compared, and the numbers of trained
 * parameters: exit code 1 where those differ, or the means by more than `--within` points.
 */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { commandLine, list, path, positive, text, whole, wholes } from './command.js';
import { learningRates } from './rates.js';
import { ADAPTERS_PYTHON, compareScores, isInstalled, openRuns, type PeerResult, PYTHON, peerRun } from './runs.js';
import { benchmarkTask, TASK_NAMES } from './tasks.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  output: text('benchmarks/results/peer-arms.jsonl'),
  ours: text(),
  within: positive('1.5'),
  tasks: list('mrpc,trec', TASK_NAMES),
  tuning: list('fine-tune,lora,bottleneck', ['fine-tune', 'lora', 'bottleneck']),
  arm: text('full'),
  seeds: wholes('1,2,3'),
  epochs: whole('3'),
  threads: whole('2'),
  'learning-rates': text(''),
  'max-rows': whole('10000'),
});
const work = resolve(`${values.output}.work`);
const [tasks, tunings, seeds] = [values.tasks, values.tuning, values.seeds].map((text) => text.split(','));
const rateOf = learningRates(values['learning-rates']);
const runs = openRuns<PeerResult>(values.output);
const pythons: Record<string, boolean> = {
  [PYTHON]: isInstalled('PyTorch', PYTHON, 'torch'),
  [ADAPTERS_PYTHON]:
    !tunings.includes('bottleneck') || isInstalled("AdapterHub's adapters", ADAPTERS_PYTHON, 'adapters'),
};

for (const seed of seeds) {
  for (const task of tasks) {
    const { data } = benchmarkTask(task, values.data, Number(values['max-rows']), work);
    for (const method of tunings) {
      const python = method === 'bottleneck' ? ADAPTERS_PYTHON : PYTHON;
      if (!pythons[python]) continue;
      const rate = rateOf(values.arm, method);
      const { arm, epochs, threads } = values;
      const key = [basename(values.model), task, arm, method, rate, values['max-rows'], seed, epochs].join(' ');
      const options = {
        model: resolve(values.model),
        task,
        data,
        arm,
        method,
        seed,
        epochs,
        threads,
        'learning-rate': rate,
      };
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
      runs.once(
        key,
        () => peerRun(python, [...args, '--last-epoch']),
        ({ metrics, seconds }) => `${(100 * metrics.score).toFixed(1)}, ${seconds.total.toFixed(0)} s`,
      );
    }
  }
}
if (values.ours !== undefined && existsSync(values.ours)) {
  for (const tuning of tunings) {
    console.log(`${values.arm}, ${tuning}`);
    compareScores([values.ours, values.output, '--arm', values.arm, '--tuning', tuning, '--within', values.within]);
  }
}
