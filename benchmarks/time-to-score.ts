/**
 * End to end: how long until a run has seen its best score on dev, and until it has seen the usual script's:
 *
 *     node --import tsx benchmarks/time-to-score.ts --model DIR --data DIR --output FILE.jsonl
 *         [--tasks mrpc,trec] [--epochs 3] [--rounds 1] [--threads 2] [--max-rows N] [--python FILE]
 *
 * Three runs a task and round, in turn, a process each, dev scored after every epoch: PyTorch's full model as the usual script tunes it, but
 * with dynamic padding; the full model here; selected-2 here, measuring ν and filling the cache included. Seconds are of the run until the
 * evaluation had ended, reading and tokenising included, start-up and imports left out on both sides. A round is a seed. Finished runs
 * are lines of the output file.
 */
import { basename, resolve } from 'node:path';
import { formatSeconds } from '../src/report/format.js';
import { renderTable } from '../src/report/table.js';
import { commandLine, list, path, text, whole } from './command.js';
import { isInstalled, lastEvaluations, openRuns, PYTHON, peerRun, trainRun } from './runs.js';
import { formatScores, median } from './statistics.js';
import { benchmarkTask, TASK_NAMES } from './tasks.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  output: text('benchmarks/results/time-to-score.jsonl'),
  tasks: list('mrpc,trec', TASK_NAMES),
  epochs: whole('3'),
  rounds: whole('1'),
  threads: whole('2'),
  'max-rows': whole(undefined),
  python: text(PYTHON),
});
const python = isInstalled('PyTorch', values.python, 'torch');
const VARIANTS = ['PyTorch full', 'full', 'selected-2'] as const;
type Variant = (typeof VARIANTS)[number];
const RATES: Record<Variant, number> = { 'PyTorch full': 3e-5, full: 3e-5, 'selected-2': 1e-4 };

interface Curve {
  /** Of the run, until each evaluation had ended; scores are fractions. */
  evaluations: { epoch: number; seconds: number; score: number }[];
  environment: Record<string, string | number>;
}

const model = resolve(values.model);
const folder = resolve(`${values.output}.work`);
const tasks = values.tasks.split(',');
const rounds = Array.from({ length: Number(values.rounds) }, (_, index) => index + 1);
const rows = values['max-rows'] ?? 'all';
const runs = openRuns<Curve>(values.output);
const keyOf = (task: string, variant: Variant, round: number) =>
  [basename(model), task, rows, values.epochs, values.threads, round, variant].join(' ');

function ours(task: object, arm: 'full' | 'selected-2', seed: number): Curve {
  const training = { epochs: Number(values.epochs), learningRate: RATES[arm], evaluate: 'epoch' };
  const engine = { threads: Number(values.threads) };
  const { seconds, environment } = trainRun(folder, { model, task, arm, training, engine, seed });
  // All but tuning with its evaluations: reading, measuring, caching, loading, and what is written at the end, which counts against us.
  const before = seconds.total - seconds.tune - seconds.evaluate;
  const evaluations = lastEvaluations(folder).map((each) => ({ ...each, seconds: before + each.seconds }));
  return { evaluations, environment };
}

function theirs(task: string, data: string, seed: number): Curve {
  const { epochs, threads } = values;
  const options = { model, task, data, epochs, seed, threads, 'learning-rate': RATES['PyTorch full'] };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { epochs: records, environment } = peerRun(values.python, args);
  const evaluations = records.flatMap(({ epoch, metrics, seconds }) =>
    metrics && seconds !== undefined ? [{ epoch, seconds, score: metrics.score }] : [],
  );
  return { evaluations, environment };
}

/** The first evaluation with a score of at least so much. */
const first = ({ evaluations }: Curve, score: number) => evaluations.find((each) => each.score >= score);
const best = ({ evaluations }: Curve) => Math.max(...evaluations.map(({ score }) => score));

for (const round of rounds) {
  for (const task of tasks) {
    const limit = rows === 'all' ? Number.POSITIVE_INFINITY : Number(rows);
    const { block, data } = benchmarkTask(task, values.data, limit, folder);
    for (const variant of VARIANTS) {
      if (variant === 'PyTorch full' && !python) continue;
      runs.once(
        keyOf(task, variant, round),
        () => (variant === 'PyTorch full' ? theirs(task, data, round) : ours(block, variant, round)),
        (curve) => `${(100 * best(curve)).toFixed(1)} after ${first(curve, best(curve))?.seconds.toFixed(1)} s`,
      );
    }
  }
}

const lines: string[][] = [];
for (const task of tasks) {
  const peers = rounds.map((round) => runs.find(keyOf(task, 'PyTorch full', round)));
  const usual = peers.map((curve) => curve && first(curve, best(curve))?.seconds);
  for (const variant of VARIANTS) {
    const curves = rounds.map((round) => runs.find(keyOf(task, variant, round)));
    const found = curves.flatMap((curve) => curve ?? []);
    if (found.length === 0) continue;
    const seconds = curves.map((curve) => curve && first(curve, best(curve))?.seconds);
    const ratios = seconds.flatMap((own, i) => (own && usual[i] ? [usual[i] / own] : []));
    const reached = curves.flatMap((curve, i) => {
      const [peer, peerSeconds] = [peers[i], usual[i]];
      const own = curve && peer && first(curve, best(peer))?.seconds;
      return own && peerSeconds ? [peerSeconds / own] : [];
    });
    lines.push([
      task,
      variant,
      formatScores(found.map(best)),
      formatSeconds(median(seconds.flatMap((each) => each ?? []))),
      ratios.length > 0 ? `${median(ratios).toFixed(2)} ×` : '–',
      reached.length > 0 ? `${median(reached).toFixed(2)} × (${reached.length} of ${found.length})` : 'never',
    ]);
  }
}
if (lines.length > 0) {
  const titles = ['best score', 'until then', 'faster', 'faster to PyTorch’s best'];
  const columns = titles.map((title) => ({ title, align: 'right' as const }));
  console.log(renderTable([{ title: basename(model) }, {}, ...columns], lines));
  const { environment } = runs.all[0];
  const instructions = environment.instructions ?? environment.instructionSet;
  console.log(`\n${values.threads} threads, ${environment.cpu}, ${instructions}`);
}
