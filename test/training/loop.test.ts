/** The loop: what it learns, what it moves, which evaluation it keeps, when it stops. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Engine } from '../../src/engine/types.js';
import { Interrupted } from '../../src/errors.js';
import type { Triple } from '../../src/selection/arms.js';
import { type EvaluationReport, type LoopHooks, type LoopOptions, train } from '../../src/training/loop.js';
import type { TrainingState } from '../../src/training/state.js';
import { withEngine } from '../engine/support.js';
import {
  dataOf,
  FULL,
  noEvaluation,
  optionsOf,
  parametersOf,
  planOf,
  type TinyOptions,
  tiny,
  toyRows,
} from './support.js';

const MIDDLE: Triple = { bottom: 2, top: 2, head: 3 };
const HEAD_ONLY: Triple = { bottom: null, top: null, head: 2 };

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

type Learner = Required<Pick<TinyOptions, 'arm' | 'kind' | 'pooling' | 'classifier'>> & { learningRate: number };

const LEARNERS: Learner[] = [
  { arm: FULL, kind: 'classification', pooling: 'first', classifier: 'mlp', learningRate: 1e-3 },
  { arm: FULL, kind: 'regression', pooling: 'mean', classifier: 'linear', learningRate: 1e-3 },
  { arm: MIDDLE, kind: 'classification', pooling: 'last', classifier: 'linear', learningRate: 3e-3 },
  { arm: MIDDLE, kind: 'regression', pooling: 'first', classifier: 'mlp', learningRate: 3e-3 },
  { arm: HEAD_ONLY, kind: 'classification', pooling: 'mean', classifier: 'linear', learningRate: 3e-2 },
  { arm: HEAD_ONLY, kind: 'regression', pooling: 'last', classifier: 'mlp', learningRate: 1e-2 },
];

const armName = ({ bottom, top, head }: Triple) => (bottom === null ? `head @ ${head}` : `${bottom}-${top} @ ${head}`);

for (const { arm, kind, pooling, classifier, learningRate } of LEARNERS) {
  test(`${armName(arm)}, ${kind}, ${pooling}, ${classifier}: learns, and moves its own parameters alone`, async () => {
    const { rows, labels } = toyRows(64, kind);
    await withEngine('compiled', async (engine) => {
      const classes = kind === 'regression' ? 1 : 2;
      const { spec, state } = tiny(engine, { arm, kind, pooling, classifier, classes, dropout: 0.05 });
      const before = await parametersOf(state);
      const losses: number[] = [];
      const options = optionsOf({ epochs: 20, learningRate });
      await train(engine, spec, state, dataOf(rows, labels, { plan: planOf(64, 16) }), options, {
        ...noEvaluation,
        onStep: ({ loss }) => void losses.push(loss),
      });
      assert.ok(mean(losses.slice(-8)) < 0.5 * mean(losses.slice(0, 4)), losses.map((l) => l.toFixed(2)).join(' '));
      const after = await parametersOf(state);
      assert.deepEqual([...after.keys()], [...before.keys()]);
      for (const [name, values] of after) {
        const same = values.every((value, i) => Object.is(value, before.get(name)?.[i]));
        assert.equal(same, !isTuned(name, arm), name);
        const layer = Number(/^layers\.(\d+)\./.exec(name)?.[1] ?? 0);
        assert.ok(layer <= arm.head, `${name} is above the head`);
      }
    });
  });
}

function isTuned(name: string, { bottom, top, head }: Triple): boolean {
  const layer = /^layers\.(\d+)\./.exec(name);
  if (layer) return bottom !== null && top !== null && bottom <= Number(layer[1]) && Number(layer[1]) <= top;
  return name.startsWith('classifier.') || (bottom === 1 && top === 3 && head === 3);
}

/** Eight steps in four epochs, cheap: a linear classifier on layer 1. */
async function run(
  options: Partial<LoopOptions>,
  hooks: (state: TrainingState) => Partial<LoopHooks> & Pick<LoopHooks, 'evaluate'>,
  plan = planOf(16, 8),
) {
  const { rows, labels } = toyRows(16, 'classification');
  return withEngine('compiled', async (engine: Engine) => {
    const arm = { bottom: null, top: null, head: 1 };
    const { spec, state } = tiny(engine, { arm, classifier: 'linear', pooling: 'mean' });
    const evaluations: EvaluationReport[] = [];
    const result = await train(
      engine,
      spec,
      state,
      dataOf(rows, labels, { plan }),
      optionsOf({ epochs: 4, ...options }),
      {
        onEvaluation: (report) => void evaluations.push(report),
        ...hooks(state),
      },
    );
    return { result, evaluations, weights: await weightsOf(state) };
  });
}

const weightsOf = async (state: TrainingState) => Array.from(await state.parameters.read('classifier.output.weight'));

/** An evaluation that gives the scores one after the other, and keeps the weights that it saw. */
function scripted(scores: number[]) {
  const seen: number[][] = [];
  return {
    seen,
    hooks: (state: TrainingState) => ({
      async evaluate() {
        seen.push(await weightsOf(state));
        return { score: scores[seen.length - 1], metrics: { accuracy: scores[seen.length - 1] } };
      },
    }),
  };
}

describe('evaluations', () => {
  test('the weights of the best are kept, the earlier of equal ones', async () => {
    const { seen, hooks } = scripted([0.5, 0.8, 0.8, 0.6]);
    const { result, evaluations, weights } = await run({ best: 'score' }, hooks);
    assert.deepEqual(weights, seen[1]);
    assert.notDeepEqual(weights, seen[3]);
    assert.deepEqual(
      evaluations.map(({ best, epoch, step }) => [best, epoch, step]),
      [
        [true, 1, 2],
        [true, 2, 4],
        [false, 3, 6],
        [false, 4, 8],
      ],
    );
    assert.deepEqual(result, {
      steps: 8,
      bestEpoch: 2,
      bestStep: 4,
      metrics: { accuracy: 0.8 },
      epochs: 4,
      skipped: 0,
    });
  });

  test('a score that is no number is never the best', async () => {
    const { seen, hooks } = scripted([Number.NaN, 0.1, Number.NaN, 0.05]);
    const { result, weights } = await run({ best: 'score' }, hooks);
    assert.equal(result.bestEpoch, 2);
    assert.deepEqual(weights, seen[1]);
  });

  test('best: last keeps the last weights, whatever they score', async () => {
    const { seen, hooks } = scripted([0.5, 0.8, 0.8, 0.6]);
    const { result, weights } = await run({ best: 'last' }, hooks);
    assert.deepEqual(weights, seen[3]);
    assert.deepEqual([result.bestEpoch, result.metrics], [4, { accuracy: 0.6 }]);
  });

  test('every n steps, and once more at the end', async () => {
    const { hooks } = scripted([0.1, 0.2, 0.3]);
    const { evaluations } = await run({ evaluate: 3 }, hooks);
    assert.deepEqual(
      evaluations.map(({ step, epoch }) => [step, epoch]),
      [
        [3, 2],
        [6, 3],
        [8, 4],
      ],
    );
  });

  test('patience counts evaluations without a better one', async () => {
    const { seen, hooks } = scripted([0.5, 0.4, 0.6, 0.6, 0.5, 0.9]);
    const { result, weights } = await run({ epochs: 8, best: 'score', patience: 2 }, hooks);
    assert.deepEqual([result.epochs, result.bestEpoch, result.steps], [5, 3, 10]);
    assert.deepEqual(weights, seen[2]);
  });

  test('patience ends a run that keeps its last weights too', async () => {
    const { seen, hooks } = scripted([0.5, 0.4, 0.3, 0.9]);
    const { result, weights } = await run({ best: 'last', patience: 2 }, hooks);
    assert.deepEqual([result.epochs, result.bestEpoch], [3, 3]);
    assert.deepEqual(weights, seen[2]);
  });

  test('patience within an epoch ends it there', async () => {
    const { seen, hooks } = scripted([0.5, 0.4, 0.9]);
    const { result } = await run({ evaluate: 1, best: 'score', patience: 1 }, hooks, planOf(16, 4));
    assert.deepEqual([result.steps, result.epochs, seen.length], [2, 1, 2]);
  });
});

test('stopping is asked for before every step, and leaves the state of the last one', async () => {
  let steps = 0;
  let last: Promise<number[]> | undefined;
  let stopped: Promise<number[]> | undefined;
  const hooks = (state: TrainingState) => ({
    ...noEvaluation,
    onStep() {
      steps++;
      last = weightsOf(state);
    },
    stop() {
      if (steps === 3) stopped = weightsOf(state);
      return steps === 3;
    },
  });
  await assert.rejects(run({}, hooks), (error) => {
    assert.ok(error instanceof Interrupted);
    assert.equal(error.exitCode, 130);
    return true;
  });
  assert.deepEqual(await stopped, await last);
  assert.equal(steps, 3);
});

test('reports say which of how many steps, in which epoch, at which rate', async () => {
  const reports: unknown[][] = [];
  const loop = { epochs: 2, schedule: 'linear' as const, warmup: 0.5, learningRate: 1, accumulation: 2 };
  await run(
    loop,
    () => ({
      ...noEvaluation,
      onStep: ({ step, steps, epoch, learningRate, tokens }) =>
        void reports.push([step, steps, epoch, learningRate, tokens % 4]),
    }),
    planOf(16, 4),
  );
  assert.deepEqual(reports, [
    [1, 4, 1, 0, 0],
    [2, 4, 1, 0.5, 0],
    [3, 4, 2, 1, 0],
    [4, 4, 2, 0.5, 0],
  ]);
});
