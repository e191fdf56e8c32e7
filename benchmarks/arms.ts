/**
 * Scores and costs of arms on real data, a child process a run:
 *
 *     node --import tsx benchmarks/arms.ts --model DIR --data DIR --output FILE.jsonl
 *         [--tasks mrpc,rte,trec,sst2] [--arms full,top-2,selected-2] [--seeds 1,2,3] [--epochs 3] [--threads 2]
 *
 * `--data` holds `glue/` and `trec/`. SST-2 is a seeded, stratified sample of 10 000 sentences of its training split. Finished runs
 * are lines of the output file and are not run again, so that the command can be interrupted; the table comes at the end. Learning
 * rate: 3e-5 for the full model, 1e-4 for spans. Scores are those of the last epoch: no epoch is chosen on dev.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { TrainResult } from '../src/pipeline/types.js';
import { renderArms } from '../src/report/arms.js';
import { stratifiedSample } from '../src/selection/sample.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: '' },
    data: { type: 'string', default: '' },
    output: { type: 'string', default: 'benchmarks/results/arms.jsonl' },
    tasks: { type: 'string', default: 'mrpc,rte,trec,sst2' },
    arms: { type: 'string', default: 'full,top-2,selected-2' },
    seeds: { type: 'string', default: '1,2,3' },
    epochs: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
  },
});
const spantune = fileURLToPath(new URL('../bin/spantune', import.meta.url));
const work = resolve(`${values.output}.work`);
mkdirSync(work, { recursive: true });

/** GLUE's folder of SST-2 with a training split of 10 000 sentences, two classes in their proportions. */
function sampledSst2(): string {
  const folder = join(work, 'glue', 'SST-2');
  if (!existsSync(join(folder, 'train.tsv'))) {
    const source = join(values.data, 'glue', 'SST-2');
    cpSync(join(source, 'dev.tsv'), join(folder, 'dev.tsv'), { recursive: true });
    const [header, ...rows] = readFileSync(join(source, 'train.tsv'), 'utf8').trimEnd().split('\n');
    const labels = rows.map((row) => Number(row.slice(row.lastIndexOf('\t') + 1)));
    const sample = Array.from(stratifiedSample(labels, 10_000, 1), (index) => rows[index]);
    writeFileSync(join(folder, 'train.tsv'), `${[header, ...sample].join('\n')}\n`);
  }
  return join(work, 'glue');
}

function taskBlock(task: string): object {
  if (task !== 'trec')
    return { name: task, data: resolve(task === 'sst2' ? sampledSst2() : join(values.data, 'glue')) };
  const file = (split: string) => resolve(values.data, 'trec', `${split}.tsv`);
  return { name: 'trec', train: file('train'), dev: file('dev'), text: 'sentence', label: 'label', metric: 'accuracy' };
}

const lines = existsSync(values.output) ? readFileSync(values.output, 'utf8').split('\n').filter(Boolean) : [];
const done: (TrainResult & { key: string })[] = lines.map((line) => JSON.parse(line));
const tasks = values.tasks.split(',');
const arms = values.arms.split(',');
for (const seed of values.seeds.split(',')) {
  for (const task of tasks) {
    for (const arm of arms) {
      const key = [basename(values.model), task, arm, seed, values.epochs].join(' ');
      if (done.some((run) => run.key === key)) continue;
      const config = join(work, 'run.yaml');
      const learningRate = arm === 'full' ? 3e-5 : 1e-4;
      writeFileSync(
        config,
        JSON.stringify({
          model: resolve(values.model),
          task: taskBlock(task),
          arm,
          training: { epochs: Number(values.epochs), learningRate, best: 'last' },
          engine: { threads: Number(values.threads) },
          seed: Number(seed),
        }),
      );
      const folder = join(work, 'run');
      rmSync(folder, { recursive: true, force: true });
      const child = spawnSync(process.execPath, [spantune, 'train', config, '--output', folder, '--json', '--quiet'], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      });
      if (child.status !== 0) {
        console.error(`${key}: ${child.stderr}`);
        continue;
      }
      const run = { key, ...(JSON.parse(child.stdout) as TrainResult) };
      done.push(run);
      appendFileSync(values.output, `${JSON.stringify(run)}\n`);
      console.error(`${key}: ${(100 * run.metrics.score).toFixed(1)}, ${run.seconds.total.toFixed(0)} s`);
    }
  }
}
for (const task of tasks) {
  const rows = arms.flatMap((arm) => {
    const runs = done.filter(
      ({ key }) => key.startsWith(`${basename(values.model)} ${task} ${arm} `) && key.endsWith(` ${values.epochs}`),
    );
    if (runs.length === 0) return [];
    return {
      arm: runs[0].arm,
      layers: runs[0].layers,
      scores: runs.map(({ metrics }) => metrics.score),
      trainableParameters: runs[0].trainableParameters,
      seconds: runs.reduce((sum, { seconds }) => sum + seconds.total, 0) / runs.length,
      peakMemory: Math.max(...runs.map(({ peakMemory }) => peakMemory)),
    };
  });
  if (rows.length > 0) console.log(`${renderArms(rows, { title: `${task}, dev` })}\n`);
}
