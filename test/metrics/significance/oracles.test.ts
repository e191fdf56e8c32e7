/** Scores of resamples and tests, against scikit-learn and scipy, and against the plain scores of the repeated sample. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MetricName, Task } from '../../../src/data/types.js';
import { SpantuneError } from '../../../src/errors.js';
import { score } from '../../../src/metrics/score.js';
import { holm } from '../../../src/metrics/significance/holm.js';
import { weightedScorer } from '../../../src/metrics/significance/resample.js';
import { wilcoxon } from '../../../src/metrics/significance/wilcoxon.js';

type Case = { name: string; predictions: number[]; gold: number[]; weights: number[] } & Partial<
  Record<MetricName, number>
>;
const fixture: {
  classes: Case[];
  scores: Case[];
  holm: { p: number[]; adjusted: number[] }[];
  wilcoxon: { differences: number[]; p: number }[];
} = JSON.parse(readFileSync('test/fixtures/metrics/significance/significance.json', 'utf8'));

const taskOf = (kind: Task['kind'], metrics: MetricName[]): Task => ({
  name: 'own',
  kind,
  labels: kind === 'regression' ? [] : ['a', 'b', 'c'],
  metrics,
  pair: false,
});
const close = (seen: number, expected: number | undefined, what: string, within = 1e-12) =>
  assert.ok(Math.abs(seen - Number(expected)) <= within, `${what}: ${seen}, not ${expected}`);

function weighted(task: Task, { predictions, gold, weights }: Omit<Case, 'name'>): number {
  const scorer = weightedScorer(task, { split: 'dev', gold, predicted: [predictions] });
  scorer.weigh(Int32Array.from(weights));
  return scorer.score(0);
}

test('weighted scores of classes are scikit-learn’s', () => {
  for (const row of fixture.classes) {
    for (const name of ['accuracy', 'f1', 'macro-f1', 'matthews'] as const) {
      close(weighted(taskOf('classification', [name]), row), row[name], `${row.name}, ${name}`);
    }
  }
});

test('weighted correlations are scipy’s of the repeated sample, 0 where it is constant', () => {
  for (const row of fixture.scores) {
    // Predictions around 1000 that differ in the thousandths leave scipy itself nine digits.
    const within = row.name === 'far from 0' ? 1e-9 : 1e-12;
    for (const name of ['pearson', 'spearman'] as const) {
      close(weighted(taskOf('regression', [name]), row), row[name], `${row.name}, ${name}`, within);
    }
  }
});

const sample = fc.integer({ min: 1, max: 30 }).chain((size) => {
  const of = (values: fc.Arbitrary<number>) => fc.array(values, { minLength: size, maxLength: size });
  return fc.record({
    classes: fc.tuple(of(fc.nat(2)), of(fc.nat(2))),
    scores: fc.tuple(of(fc.nat(20).map((n) => n / 4)), of(fc.nat(8).map((n) => n / 7 - 1))),
    weights: of(fc.nat(3)).filter((weights) => weights.some((weight) => weight > 0)),
  });
});

test('a weighted score is the plain score of the sample in which each example is repeated', () => {
  fc.assert(
    fc.property(sample, ({ classes, scores, weights }) => {
      const repeated = (values: number[]) => values.flatMap((value, i) => new Array<number>(weights[i]).fill(value));
      for (const [task, [gold, predictions]] of [
        [taskOf('classification', ['accuracy', 'f1', 'macro-f1', 'matthews']), classes],
        [taskOf('regression', ['pearson', 'spearman']), scores],
      ] as const) {
        const plain = score(task, repeated(predictions), repeated(gold)).score;
        close(weighted(task, { predictions, gold, weights }), plain, task.kind, 1e-9);
      }
    }),
  );
});

test('a run is scored alike whatever runs stand beside it', () => {
  const { predictions, gold, weights } = fixture.classes[2];
  const task = taskOf('classification', ['f1', 'accuracy']);
  const others = [gold.map(() => 2), gold, gold.map((_, i) => i % 3)];
  const scorer = weightedScorer(task, { split: 'dev', gold, predicted: [...others, predictions] });
  scorer.weigh(Int32Array.from(weights));
  assert.equal(scorer.score(3), weighted(task, { predictions, gold, weights }));
  assert.equal(scorer.score(1), 1);
});

test('a run with a prediction that is not finite scores 0', () => {
  const predictions = [1, 2, Number.NaN, 4];
  const seen = weighted(taskOf('regression', ['pearson', 'spearman']), {
    predictions,
    gold: [1, 2, 3, 4],
    weights: [2, 1, 0, 1],
  });
  assert.equal(seen, 0);
});

test('predictions of another number than labels are refused', () => {
  const split = { split: 'dev', gold: [0, 1], predicted: [[0]] };
  assert.throws(() => weightedScorer(taskOf('classification', ['accuracy']), split), SpantuneError);
});

test('Holm’s adjusted p values', () => {
  for (const { p, adjusted } of fixture.holm) {
    holm(p).forEach((value, i) => {
      close(value, adjusted[i], `of ${p}`);
    });
  }
  assert.deepEqual(holm([]), []);
});

test('Wilcoxon’s exact test is scipy’s, ties and zeros included', () => {
  for (const { differences, p } of fixture.wilcoxon) close(Number(wilcoxon(differences)), p, String(differences));
  assert.equal(wilcoxon([0, 0, 0, 0, 0, 0]), 1);
  assert.equal(wilcoxon([1, 2, 3, 4, 5]), null);
});
