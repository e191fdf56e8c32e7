/** Learning rates against those of transformers' schedules, and their bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { learningRateAt, type ScheduleName } from '../../src/training/schedule.js';
import { fixture } from './support.js';

interface Case {
  schedule: ScheduleName;
  steps: number;
  warmup: number;
  learningRate: number;
  rates: number[];
}

for (const { rates, ...options } of fixture<Case[]>('schedules')) {
  const { schedule, steps, warmup } = options;
  test(`${schedule}, ${steps} steps, ${100 * warmup} % of them warm-up: as transformers`, () => {
    rates.forEach((rate, step) => {
      assert.ok(Math.abs(learningRateAt(step, options) - rate) <= 1e-12, `step ${step}`);
    });
  });
}

test('the rate rises to its peak, never exceeds it, and falls from there', () => {
  const name = fc.constantFrom<ScheduleName>('linear', 'cosine', 'constant');
  fc.assert(
    fc.property(
      name,
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      (schedule, steps, warmup) => {
        const rates = Array.from({ length: steps }, (_, step) =>
          learningRateAt(step, { schedule, steps, warmup, learningRate: 1 }),
        );
        const peak = rates.indexOf(Math.max(...rates));
        assert.equal(peak, Math.floor(warmup * steps));
        assert.equal(rates[peak], 1);
        for (let step = 1; step < steps; step++) {
          assert.ok(step <= peak ? rates[step] > rates[step - 1] : rates[step] <= rates[step - 1]);
          assert.ok(rates[step] > 0);
        }
      },
    ),
  );
});
