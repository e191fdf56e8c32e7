/**
 * Where a training step's time goes, by ONNX Runtime's own profiler: milliseconds of each kind of node, and what is left for AdamW, dropout
 * masks, clipping and the binding:
 *
 *     node --import tsx benchmarks/profile.ts [--shape 6x384x16x64] [--form full|bare] [--steps 8] [--threads 2]
 *
 * Shapes are those of step.ts. Profiling itself costs a few per cent. Adds a line to benchmarks/results/profile.jsonl.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { openEngine } from '../src/engine/open.js';
import { environment } from '../src/pipeline/environment.js';
import { renderTable } from '../src/report/table.js';
import { commandLine, oneOf, text, whole } from './command.js';
import { record } from './runs.js';
import { median } from './statistics.js';
import { buildStep, parseShape } from './step-ours.js';

const values = commandLine(import.meta.url, {
  shape: text('6x384x16x64'),
  form: oneOf('full', 'bare'),
  steps: whole('8'),
  threads: whole('2'),
});
const shape = parseShape(values.shape);
const [steps, threads] = [Number(values.steps), Number(values.threads)];
/** The first steps also compile and allocate. */
const WARM_UP = 3;

/** An event of the profile: a run of the whole model, or of one node; microseconds. */
interface Event {
  cat: string;
  name: string;
  ts: number;
  dur: number;
  args?: { op_name?: string };
}

const folder = mkdtempSync(join(tmpdir(), 'spantune-profile-'));
const sessions: ort.InferenceSession[] = [];
const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
  model: Uint8Array,
  options: object,
) => Promise<ort.InferenceSession>;
Object.assign(ort.InferenceSession, {
  async create(model: Uint8Array, options: object) {
    const profileFilePrefix = join(folder, `session-${sessions.length}`);
    const session = await create(model, { ...options, enableProfiling: true, profileFilePrefix });
    sessions.push(session);
    return session;
  },
});

const engine = await openEngine('compiled', { threads });
const step = buildStep(engine, shape, values.form as 'full' | 'bare');
const times: number[] = [];
for (let i = 0; i < WARM_UP + steps; i++) {
  const began = performance.now();
  await step.run();
  times.push(performance.now() - began);
}
for (const session of sessions) session.endProfiling();
await engine.close();

// Of each session, its last calls: the warm-up is left out.
const profiles = sessions.map((_, i) => eventsOf(`session-${i}`));
rmSync(folder, { recursive: true });
const spent = new Map<string, number>();
for (const events of profiles) {
  const calls = events.filter(({ name }) => name === 'model_run').sort((a, b) => a.ts - b.ts);
  const from = calls.length > steps ? calls[calls.length - steps].ts : 0;
  for (const { cat, name, ts, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || ts < from) continue;
    const op = args?.op_name ?? 'unknown';
    spent.set(op, (spent.get(op) ?? 0) + dur / 1000 / steps);
  }
}
const stepTime = median(times.slice(WARM_UP));
const nodes = [...spent].sort((a, b) => b[1] - a[1]);
const outside = stepTime - nodes.reduce((sum, [, each]) => sum + each, 0);
const rows: [string, number][] = [
  ...nodes.filter(([, each]) => each >= 0.005 * stepTime),
  ['outside ONNX Runtime', outside],
];
const machine = environment('compiled', threads);
console.log(`${values.form} step ${values.shape}, ${threads} threads, ${machine.cpu}, ${machine.instructions}\n`);
console.log(
  renderTable(
    [{ title: 'node' }, { title: 'ms', align: 'right' }, { title: 'of the step', align: 'right' }],
    [...rows, ['the step', stepTime] as const].map(([op, each]) => [
      op,
      each.toFixed(1),
      `${((100 * each) / stepTime).toFixed(1)} %`,
    ]),
  ),
);
record('profile', machine, {
  shape: values.shape,
  form: values.form,
  step: stepTime,
  nodes: Object.fromEntries(nodes),
  outside,
});

/** The events of a session, whose file has the time in its name. */
function eventsOf(prefix: string): Event[] {
  const file = readdirSync(folder).find((name) => name.startsWith(prefix));
  return file === undefined ? [] : (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Event[]);
}
