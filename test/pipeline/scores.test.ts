/** By which number an epoch is chosen, and what outputs mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GLUE } from '../../src/data/glue.js';
import type { Task } from '../../src/data/types.js';
import { decide, probabilities, renderPredictionRows, toPredictions } from '../../src/pipeline/predictor.js';
import { evaluationScore } from '../../src/pipeline/scores.js';

test('best: paper goes by the one metric of the released code, best: score by the task’s score', () => {
  const metrics = { accuracy: 0.1, f1: 0.2, matthews: 0.3, pearson: 0.4, spearman: 0.5 };
  const single = (task: Task) => {
    const own = Object.fromEntries(task.metrics.map((name) => [name, metrics[name as keyof typeof metrics]]));
    assert.equal(evaluationScore(task, own, 0.9, 'score'), 0.9);
    return evaluationScore(task, own, 0.9, 'paper');
  };
  const found = Object.fromEntries(
    GLUE.filter(({ task }) => task.name !== 'ax').map(({ task }) => [task.name, single(task)]),
  );
  assert.deepEqual(found, {
    cola: 0.3,
    sst2: 0.1,
    mrpc: 0.2,
    qqp: 0.2,
    stsb: 0.4,
    mnli: 0.1,
    qnli: 0.1,
    rte: 0.1,
    wnli: 0.1,
  });
  const own: Task = { name: 'own', kind: 'regression', labels: [], metrics: ['spearman', 'pearson'], pair: false };
  assert.equal(single(own), 0.5);
});

const task: Task = {
  name: 't',
  kind: 'classification',
  labels: ['no', 'yes', 'maybe'],
  metrics: ['accuracy'],
  pair: false,
};
const scores: Task = { ...task, kind: 'regression', labels: [], metrics: ['pearson'] };

test('the highest logit decides, the lower id among equal ones', () => {
  assert.deepEqual(
    decide(task, [
      [0, 2, 1],
      [1, 1, 0],
      [-1, -3, -1],
    ]),
    [1, 0, 0],
  );
  assert.deepEqual(decide(scores, [[0.3], [-2]]), [0.3, -2]);
});

test('probabilities are the softmax, whatever the logits’ size', () => {
  const [a, b] = probabilities([1000, 1000 + Math.log(3)]);
  assert.ok(Math.abs(a - 0.25) < 1e-12 && Math.abs(b - 0.75) < 1e-12, `${a} ${b}`);
  assert.deepEqual(probabilities([-2000, 0]), [0, 1]);
});

test('predictions bear the file’s own index where it has one, and an absent label stays empty', () => {
  const examples = [
    { text: 'a', line: 2, label: 2, index: 'x7' },
    { text: 'b', line: 3 },
  ];
  const outputs = [
    [0, 0, Math.log(2)],
    [Math.log(2), 0, 0],
  ];
  assert.equal(
    renderPredictionRows(task, examples, outputs),
    'index\tlabel\tprediction\tp(no)\tp(yes)\tp(maybe)\n' +
      'x7\tmaybe\tmaybe\t0.250000\t0.250000\t0.500000\n' +
      '1\t\tno\t0.500000\t0.250000\t0.250000\n',
  );
  assert.deepEqual(toPredictions(scores, examples, [[1.5], [2]]), [
    { index: 'x7', label: 1.5, scores: [] },
    { index: '1', label: 2, scores: [] },
  ]);
});
