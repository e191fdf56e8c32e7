/** What draws of ν's curve come to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { robustnessReport } from '../../src/studies/robustness.js';
import { selectionWith } from './support.js';

test('shares of the choices, mean and spread of ν, likeness to the curve of all inputs', () => {
  const selection = { ...selectionWith({ nu: [-1, -5, -2, -4, -3, -6] }), k: 2 };
  const draws = [
    [1, 5, 2, 4, 3, 6],
    [2, 5, 4, 3, 1, 6],
    [6, 5, 1, 4, 3, 2],
    [6, 5, 1, 4, Number.POSITIVE_INFINITY, 2],
  ];
  const levels = [{ level: 10, nu: draws }];
  const report = robustnessReport([
    {
      selection,
      classSizes: [50, 50],
      imbalance: { size: 40, levels },
      scarcity: { levels },
      seconds: 1,
      warnings: [],
    },
  ]);
  const [study] = report.studies;
  // Layer 1 has the lowest ν, but two layers end at 2 at least.
  assert.equal(study.chosen, 3);
  const [level] = study.imbalance.levels;
  assert.deepEqual([level.draws, level.defined], [4, 3]);
  assert.deepEqual(level.shares, [0, 0, 2 / 3, 0, 1 / 3, 0]);
  assert.equal(level.agreement, 2 / 3);
  assert.equal(level.nu[0].mean, 3);
  assert.ok(Math.abs((level.nu[0].deviation ?? 0) - Math.sqrt(7)) < 1e-12);
  // scipy.stats.spearmanr: 1, 0.7142857, −0.2 against the full curve.
  assert.ok(Math.abs((level.spearman ?? 0) - 0.5047619047619049) < 1e-9);
});
