import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MetricName, Task } from '../../src/data/types.js';
import { SpantuneError, UserError } from '../../src/errors.js';
import { ranks } from '../../src/metrics/correlation.js';
import { score } from '../../src/metrics/score.js';

interface ClassCase {
  name: string;
  predictions: number[];
  gold: number[];
  accuracy: number;
  f1: number[];
  'macro-f1': number;
  matthews: number;
}
interface ScoreCase {
  name: string;
  predictions: number[];
  gold: number[];
  pearson: number;
  spearman: number;
}
const fixture: { classes: ClassCase[]; scores: ScoreCase[] } = JSON.parse(
  readFileSync('test/fixtures/metrics/scores.json', 'utf8'),
);

const classification = (metrics: MetricName[], positiveLabel?: string): Task => ({
  name: 'own',
  kind: 'classification',
  labels: ['a', 'b', 'c'],
  metrics,
  pair: false,
  positiveLabel,
});
const regression: Task = { name: 'own', kind: 'regression', labels: [], metrics: ['pearson', 'spearman'], pair: true };
const close = (seen: number, expected: number, what: string) =>
  assert.ok(Math.abs(seen - expected) < 1e-12, `${what}: ${seen}, not ${expected}`);

test('scores of classes are scikit-learn’s, degenerate predictions included', () => {
  for (const row of fixture.classes) {
    const { metrics } = score(classification(['accuracy', 'macro-f1', 'matthews']), row.predictions, row.gold);
    for (const name of ['accuracy', 'macro-f1', 'matthews'] as const)
      close(metrics[name], row[name], `${row.name}, ${name}`);
    ['a', 'b', 'c'].forEach((label, id) => {
      close(
        score(classification(['f1'], label), row.predictions, row.gold).metrics.f1,
        row.f1[id],
        `${row.name}, F1 of ${label}`,
      );
    });
    close(score(classification(['f1']), row.predictions, row.gold).metrics.f1, row.f1[1], `${row.name}, F1 of class 1`);
  }
});

test('correlations are scipy’s', () => {
  for (const row of fixture.scores) {
    const { metrics, warnings } = score(regression, row.predictions, row.gold);
    close(metrics.pearson, row.pearson, `${row.name}, Pearson`);
    close(metrics.spearman, row.spearman, `${row.name}, Spearman`);
    assert.deepEqual(warnings, []);
  }
});

test('F1 counts the labels that were missed', () => {
  // A scorer that counts predictions where it needs labels, a bug that well-known code has had, would give 1 here.
  const { metrics } = score(classification(['f1']), [1, 0, 0, 0], [1, 1, 1, 0]);
  close(metrics.f1, 0.5, 'F1');
});

test('the score is the mean of the metrics', () => {
  const result = score(classification(['f1', 'accuracy']), [1, 1, 0, 0], [1, 0, 0, 0]);
  assert.deepEqual(result, { metrics: { f1: 2 / 3, accuracy: 0.75 }, score: (2 / 3 + 0.75) / 2, warnings: [] });
});

test('constant and infinite predictions score 0 with a warning where the metric is a correlation', () => {
  assert.deepEqual(score(regression, [2, 2, 2], [1, 2, 3]), {
    metrics: { pearson: 0, spearman: 0 },
    score: 0,
    warnings: ['all predictions are the same: pearson and spearman are undefined and count as 0'],
  });
  assert.match(score(regression, [1, 2, 3], [4, 4, 4]).warnings[0], /^all labels are the same/);
  const broken = score(regression, [1, Number.NaN, 3], [1, 2, 3]);
  assert.equal(broken.score, 0);
  assert.match(broken.warnings[0], /not finite/);
  assert.deepEqual(score(classification(['matthews']), [1, 1], [0, 1]).warnings, [
    'all predictions are the same: matthews is undefined and counts as 0',
  ]);
  assert.deepEqual(score(classification(['accuracy']), [1, 1], [0, 1]).warnings, []);
});

test('correlations ignore scale and offset; ranks of any values sum to n (n + 1) / 2', () => {
  const values = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 3, maxLength: 30 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 9 }), fc.integer({ min: -9, max: 9 }), (gold, scale, offset) => {
      const n = gold.length;
      const sum = ranks(gold).reduce((a, b) => a + b, 0);
      close(sum, (n * (n + 1)) / 2, 'sum of ranks');
      if (new Set(gold).size > 1) {
        const { metrics } = score(
          regression,
          gold.map((value) => value * scale + offset),
          gold,
        );
        close(metrics.pearson, 1, 'Pearson');
        close(metrics.spearman, 1, 'Spearman');
      }
    }),
  );
});

test('nothing to score is the user’s mistake, unequal lengths are ours', () => {
  assert.throws(() => score(regression, [], []), UserError);
  assert.throws(
    () => score(regression, [1], [1, 2]),
    (error) => error instanceof SpantuneError && error.exitCode === 1,
  );
});
