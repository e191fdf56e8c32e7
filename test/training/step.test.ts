/** What a training step computes: torch's steps, accumulation, dropout, skipped steps, on both engines. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Engine } from '../../src/engine/types.js';
import { UserError } from '../../src/errors.js';
import { adamW } from '../../src/training/adamw.js';
import { type LoopOptions, type StepReport, type TrainingData, train } from '../../src/training/loop.js';
import type { TrainingState } from '../../src/training/state.js';
import { assertClose, assertSameBits, withEngine } from '../engine/support.js';
import {
  dataOf,
  ENGINES,
  fixture,
  noEvaluation,
  optionsOf,
  parametersOf,
  planOf,
  type TinyOptions,
  tiny,
  toyRows,
} from './support.js';

interface Steps {
  rows: number[][];
  labels: number[];
  batches: number[][];
  head: Record<string, { shape: number[]; data: number[] }>;
  losses: number[];
  norms: number[];
  end: Record<string, number[]>;
}

interface Run {
  reports: StepReport[];
  state: TrainingState;
  skipped: number;
}

async function runTiny(
  engine: Engine,
  data: TrainingData,
  { model, loop, prepare }: { model?: TinyOptions; loop?: Partial<LoopOptions>; prepare?: (s: TrainingState) => void },
): Promise<Run> {
  const { spec, state } = tiny(engine, model);
  prepare?.(state);
  const reports: StepReport[] = [];
  const { skipped } = await train(engine, spec, state, data, optionsOf(loop), {
    ...noEvaluation,
    onStep: (report) => void reports.push(report),
  });
  return { reports, state, skipped };
}

async function assertSameState(actual: TrainingState, expected: TrainingState): Promise<void> {
  for (const bank of ['parameters', 'first', 'second'] as const) {
    for (const name of expected.parameters.names) {
      assertSameBits(await actual[bank].read(name), await expected[bank].read(name), `${bank} ${name}`);
    }
  }
}

for (const name of ENGINES) {
  describe(name, () => {
    test('losses, gradient norms and parameters of six steps are torch’s', async () => {
      const { rows, labels, batches, head, losses, norms, end } = fixture<Steps>('steps');
      await withEngine(name, async (engine) => {
        const { reports, state } = await runTiny(engine, dataOf(rows, labels, { plan: batches }), {
          model: { classes: 3 },
          loop: { schedule: 'linear', learningRate: 2e-3, warmup: 1 / 6, weightDecay: 0.01, clipNorm: 1 },
          prepare({ parameters }) {
            for (const [key, { data }] of Object.entries(head)) parameters.write(key, Float32Array.from(data));
          },
        });
        assertClose(
          reports.map(({ loss }) => loss),
          losses,
          2e-6,
          'losses',
        );
        assertClose(
          reports.map(({ gradientNorm }) => gradientNorm),
          norms,
          1e-5,
          'gradient norms',
        );
        for (const [key, expected] of Object.entries(end)) {
          assertClose(await state.parameters.read(key), expected, 2e-5, key);
        }
      });
    });

    test('accumulating batches of 8 rows is one batch of 16, the partial last group included', async () => {
      const { rows, labels } = toyRows(37, 'classification');
      await withEngine(name, async (engine) => {
        const loop = { epochs: 2, clipNorm: 0.5, weightDecay: 0.1, learningRate: 1e-4 };
        const small = await runTiny(engine, dataOf(rows, labels, { plan: planOf(37, 8) }), {
          loop: { ...loop, accumulation: 2 },
        });
        const large = await runTiny(engine, dataOf(rows, labels, { plan: planOf(37, 16) }), { loop });
        assert.equal(small.reports.length, 6);
        for (const [i, { loss, gradientNorm }] of large.reports.entries()) {
          assertClose([small.reports[i].loss, small.reports[i].gradientNorm], [loss, gradientNorm], 1e-5, `step ${i}`);
        }
        const expected = await parametersOf(large.state);
        for (const [key, values] of await parametersOf(small.state)) {
          assertClose(values, expected.get(key) ?? [], 1e-5, key);
        }
      });
    });

    test('a step whose gradient is not finite leaves parameters, moments and their count as they were', async () => {
      const { rows, labels } = toyRows(12, 'regression');
      const broken = labels.map((label, i) => (i === 5 ? Number.POSITIVE_INFINITY : label));
      const model: TinyOptions = { kind: 'regression', classes: 1, arm: { bottom: 2, top: 2, head: 2 } };
      await withEngine(name, async (engine) => {
        const plan = planOf(12, 4);
        const run = (labels: number[], plan: number[][]) => runTiny(engine, dataOf(rows, labels, { plan }), { model });
        const skipping = await run(broken, plan);
        const without = await run(labels, [plan[0], plan[2]]);
        assert.equal(skipping.skipped, 1);
        assert.deepEqual(
          skipping.reports.map(({ gradientNorm }) => Number.isFinite(gradientNorm)),
          [true, false, true],
        );
        await assertSameState(skipping.state, without.state);
      });
    });

    test('the learning rate is an input of the step: two rates, one program', async () => {
      await withEngine(name, async (engine) => {
        const start = Float32Array.of(1, -2, 0.5, 3);
        const gradient = Float32Array.of(0.3, -0.1, 2, -4);
        const entries = [{ name: 'w.weight', shape: [4], group: 'decay' }];
        const [parameters, gradients, first, second] = Array.from({ length: 4 }, () => engine.bank(entries));
        const update = adamW(engine, { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0 });
        for (const rate of [1e-2, 3e-1]) {
          parameters.write('w.weight', start);
          gradients.write('w.weight', gradient);
          for (const moment of [first, second]) moment.write('w.weight', new Float32Array(4));
          await update({ parameters, gradients, first, second }, 1, rate, 1);
          // The first step of AdamW moves by the rate, against the gradient's sign.
          const expected = start.map((value, i) => value - rate * Math.sign(gradient[i]));
          assertClose(await parameters.read('w.weight'), expected, 1e-5, `rate ${rate}`);
        }
      });
    });
  });
}

test('with dropout on, several accumulated steps agree between the engines', async () => {
  const { rows, labels } = toyRows(22, 'classification');
  const run = (engine: Engine, dropout: number) =>
    runTiny(engine, dataOf(rows, labels, { plan: planOf(22, 4) }), {
      model: { dropout, pooling: 'mean' },
      loop: { epochs: 2, accumulation: 2, clipNorm: 1, learningRate: 1e-3, weightDecay: 0.01 },
    });
  const lossesOf = ({ reports }: Run) => reports.map(({ loss }) => loss);
  await withEngine('cpu', async (eager) => {
    const expected = await run(eager, 0.3);
    await withEngine('compiled', async (compiled) => {
      const actual = await run(compiled, 0.3);
      assert.equal(actual.reports.length, 6);
      assertClose(lossesOf(actual), lossesOf(expected), 1e-5, 'losses');
      for (const key of expected.state.parameters.names) {
        assertClose(await actual.state.parameters.read(key), await expected.state.parameters.read(key), 1e-4, key);
      }
      assert.notDeepEqual(lossesOf(actual), lossesOf(await run(compiled, 0)));
    });
  });
});

describe('steps that are passed over', () => {
  const model: TinyOptions = {
    kind: 'regression',
    classes: 1,
    classifier: 'linear',
    arm: { bottom: null, top: null, head: 1 },
  };
  const rows = Array.from({ length: 40 }, (_, i) => [2, 5 + i, 3]);
  const infinite = (count: number) => rows.map((_, i) => (i < count ? Number.POSITIVE_INFINITY : 1));
  const data = (bad: number) => dataOf(rows, infinite(bad), { plan: planOf(40, 1), batchRows: 2 });

  test('19 in a row are counted', async () => {
    await withEngine('compiled', async (engine) => {
      const { skipped, reports } = await runTiny(engine, data(19), { model });
      assert.equal(skipped, 19);
      assert.equal(reports.length, 40);
    });
  });

  test('20 in a row end the run with a remedy, and nothing has moved', async () => {
    await withEngine('compiled', async (engine) => {
      const { spec, state } = tiny(engine, model);
      const before = await parametersOf(state);
      await assert.rejects(train(engine, spec, state, data(20), optionsOf(), noEvaluation), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /not finite in 20 steps in a row, the last of them step 20/);
        assert.match(error.hint ?? '', /learningRate/);
        return true;
      });
      for (const [key, values] of await parametersOf(state)) assertSameBits(values, before.get(key) ?? [], key);
    });
  });
});
