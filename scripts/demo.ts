/**
 * `npm run demo`: the main job on two small tasks. Measures the layers with the bundled encoder, tunes the selected span, as many
 * layers at the top, and everything, and puts them side by side. Each arm is a child process of its own, so that its peak memory is
 * true. Results on stdout, progress on stderr. Runs in the folder of the checkout (scripts/run.mjs sees to that).
 */
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { printFailure } from '../src/cli/failure.js';
import { Interrupted, UserError } from '../src/errors.js';
import { killChildren } from '../src/glue/child.js';
import type { SelectResult, TrainResult } from '../src/pipeline/types.js';
import { renderArms } from '../src/report/arms.js';
import { formatInteger, formatSeconds } from '../src/report/format.js';
import { createProgress } from '../src/report/progress.js';
import { renderSelection } from '../src/report/selection.js';
import { styleFor } from '../src/report/style.js';
import { type Child, runChildren } from './demo/children.js';
import { armText, comparisonRows, EPOCHS, type PlannedArm, planArms, ROWS, TASKS } from './demo/plan.js';
import { ensureMiniature } from './miniature/ensure.js';

const DATA = 'data/miniature';
const RUNS = 'runs/demo';
const RATES: Record<string, string> = { full: '3e-4' };
const SPAN_RATE = '1e-3';
/** Measuring is one pass over the layers, and some resampling. */
const SELECT_WORK = 16;

const cores = Number(process.env.SLURM_CPUS_PER_TASK) || availableParallelism();
/** Two at a time: products this small gain little from a second thread. */
const lanes = Math.min(2, cores);
const threads = Math.min(4, Math.floor(cores / lanes));

const style = styleFor(process.stdout);
const progress = createProgress(process.stderr);

interface Work {
  name: string;
  words: string[];
  work: number;
}

/** Runs the command line with `--json` for each piece of work; its documents come back by name. */
async function runAll<T>(pieces: Work[], phase: string, signal: AbortSignal): Promise<Map<string, T>> {
  const total = pieces.reduce((sum, { work }) => sum + work, 0);
  const fractions = new Map<string, number>();
  const running = new Set<string>();
  const children = pieces.map(
    ({ name, words }): Child => ({
      words: ['bin/spantune', ...words, '--threads', String(threads), '--json'],
      onLine(line) {
        const percent = /^(?:tune|select {2}states)\s.*?([\d.]+) %/.exec(line)?.[1];
        if (percent !== undefined) fractions.set(name, Number(percent) / 100);
        show();
      },
      onStart() {
        running.add(name);
        show();
      },
      onEnd() {
        fractions.set(name, 1);
        running.delete(name);
        show();
      },
    }),
  );
  const show = () => {
    const done = pieces.reduce((sum, { name, work }) => sum + work * (fractions.get(name) ?? 0), 0);
    progress.show({ phase, done, total, detail: [...running].join(' and ') });
  };
  try {
    const documents = await runChildren<T>(children, { lanes, signal });
    return new Map(pieces.map(({ name }, i) => [name, documents[i]]));
  } finally {
    progress.show(undefined);
  }
}

const configOf = (task: string) => `configs/miniature-${task}.yaml`;
const folderOf = (task: string, arm: string) => join(RUNS, `${task}-${arm}`);

async function demo(signal: AbortSignal): Promise<void> {
  const began = performance.now();
  const written = ensureMiniature(DATA);
  if (written.length > 0) say(`wrote ${written.join(', ')} to ${DATA}`);

  say(`measuring the layers on ${TASKS.map(({ name }) => name).join(' and ')}`);
  const measuring = TASKS.map(({ name }) => ({
    name,
    words: ['select', '--config', configOf(name)],
    work: SELECT_WORK,
  }));
  const curves = await runAll<SelectResult>(measuring, 'select', signal);
  const plans = new Map<string, PlannedArm[]>();
  for (const { name, question } of TASKS) {
    const curve = curves.get(name) as SelectResult;
    plans.set(name, planArms(curve));
    print(`${style.bold(question)}\n\n${renderSelection(curve, style)}\n`);
  }

  const results = await tune(plans, signal);
  for (const { name } of TASKS) {
    const rows = comparisonRows(plans.get(name) ?? [], results.get(name) ?? new Map());
    print(`${renderArms(rows, { title: `${name}, dev`, style })}\n`);
  }
  const [environment] = [...(results.get(TASKS[0].name)?.values() ?? [])].map((result) => result.environment);
  print(
    [
      `score: accuracy of the better of ${EPOCHS} epochs on ${formatInteger(ROWS)} of the sentences, one seed. train: tuning; measuring the layers took ${measuringTimes(curves)} more.`,
      `memory: peak of the arm's own process. ${lanes === 1 ? 'One arm at a time' : 'Two arms side by side'}, ${threads} thread${threads > 1 ? 's' : ''} each, on ${environment.cpu}; ${formatSeconds((performance.now() - began) / 1000)} in all.`,
    ]
      .map(style.dim)
      .join('\n'),
  );
  print(nextSteps(plans));
}

function measuringTimes(curves: Map<string, SelectResult>): string {
  return [...curves.values()].map(({ seconds }) => formatSeconds(seconds)).join(' and ');
}

/** Results by task and arm. Folders of arms that do not come to an end are taken away again. */
async function tune(
  plans: Map<string, PlannedArm[]>,
  signal: AbortSignal,
): Promise<Map<string, Map<string, TrainResult>>> {
  // The long ones first, so that the lanes end at about the same time.
  const planned = ['full', 'selected-2', 'top-2'].flatMap((name) =>
    [...plans].flatMap(([task, arms]) =>
      arms.filter(({ arm, sameAs }) => arm.name === name && sameAs === undefined).map((each) => ({ ...each, task })),
    ),
  );
  say(`tuning ${planned.length} arms, ${EPOCHS} epochs each`);
  const pieces = planned.map(({ task, arm, work }) => ({
    name: `${task} ${arm.name}`,
    words: [
      ...['train', configOf(task), '--set', `task.trainSamples=${ROWS}`, '--set', `arm=${armText(arm)}`],
      ...['--set', `training.epochs=${EPOCHS}`, '--set', `training.learningRate=${RATES[arm.name] ?? SPAN_RATE}`],
      ...['--output', folderOf(task, arm.name), '--overwrite'],
    ],
    work,
  }));
  try {
    const documents = await runAll<TrainResult>(pieces, 'tune', signal);
    return new Map(
      [...plans].map(([task, arms]) => [
        task,
        new Map(
          arms.flatMap(({ arm: { name } }) => {
            const result = documents.get(`${task} ${name}`);
            return result ? [[name, result] as const] : [];
          }),
        ),
      ]),
    );
  } finally {
    for (const { task, arm } of planned) {
      const folder = folderOf(task, arm.name);
      if (!existsSync(join(folder, 'result.json'))) rmSync(folder, { recursive: true, force: true });
    }
  }
}

function nextSteps(plans: Map<string, PlannedArm[]>): string {
  const [[task, arms]] = plans;
  const selected = arms[arms.length - 1];
  const run = folderOf(task, selected.sameAs ?? selected.arm.name);
  return [
    '',
    'next   echo "We must act together, and we must act now" |',
    `         node bin/spantune predict ${run} --input -`,
    `       node bin/spantune train ${configOf('word-order')}`,
    '       README.md says how to go on with a model and a task of your own',
  ].join('\n');
}

function say(text: string): void {
  progress.around(() => process.stderr.write(`${text}\n`));
}

function print(text: string): void {
  progress.around(() => process.stdout.write(`${text}\n`));
}

async function main(words: string[]): Promise<void> {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) killChildren();
      else {
        say('stopping after the steps under way; press Ctrl-C again to stop at once');
        controller.abort(new Interrupted('nothing half done is left behind; the same command starts again'));
      }
    });
  }
  process.on('exit', () => killChildren());
  try {
    if (words.length > 0) throw new UserError(`unexpected argument "${words[0]}"`, { hint: 'the demo takes none' });
    await demo(controller.signal);
  } catch (error) {
    process.exitCode = printFailure(error, false);
  }
}

await main(process.argv.slice(2));
