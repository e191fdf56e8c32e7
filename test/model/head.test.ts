/** Classifier, losses and pooling against torch (fixtures/model/make_encoders.py) and by hand. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { classify } from '../../src/model/head.js';
import { initialiseHead } from '../../src/model/initialise.js';
import { encoderInputs, lossInputs, poolingWeights } from '../../src/model/inputs.js';
import { crossEntropy, meanSquaredError } from '../../src/model/loss.js';
import { pool } from '../../src/model/pooling.js';
import { batchOf, FIXTURES, toTensor, toTensors } from './support.js';

const fixture = JSON.parse(readFileSync(`${FIXTURES}/head.json`, 'utf8'));
const { config } = loadEncoder(`${FIXTURES}/bert`, { layers: 0 });

function close(actual: tf.Tensor, expected: number | number[] | number[][], tolerance = 1e-5): void {
  const theirs = [expected].flat(2);
  const ours = actual.dataSync();
  assert.equal(ours.length, theirs.length);
  for (const [i, value] of theirs.entries())
    assert.ok(Math.abs(ours[i] - value) < tolerance, `${ours[i]} and ${value}`);
}

test('logits, cross-entropy and its gradients agree with torch', () => {
  const { pooled, dense, output, labels, weights, denominator, logits, loss, gradient } = fixture.classification;
  const batch = { ...batchOf(labels.map(() => [1])), weights: Float32Array.from(weights) };
  const extra = toTensors(Object.entries(lossInputs(batch, labels, { kind: 'classification', classes: 3 })));
  const run = (x: tf.Tensor, w1: tf.Tensor, w2: tf.Tensor) =>
    classify(
      {
        'classifier.dense.weight': w1,
        'classifier.dense.bias': tf.tensor(dense[1]),
        'classifier.output.weight': w2,
        'classifier.output.bias': tf.tensor(output[1]),
      },
      x,
      { classifier: 'mlp' },
    );
  const inputs = [tf.tensor(pooled), tf.tensor(dense[0]), tf.tensor(output[0])] as const;
  close(run(...inputs), logits);
  const total = (x: tf.Tensor, w1: tf.Tensor, w2: tf.Tensor) =>
    crossEntropy(run(x, w1, w2), extra.targets, extra.rowWeights, tf.scalar(denominator));
  close(total(...inputs), loss);
  const gradients = tf.grads(total)([...inputs]);
  for (const [i, name] of ['pooled', 'dense', 'output'].entries()) close(gradients[i], gradient[name]);
});

test('mean squared error and its gradient agree with torch', () => {
  const { scores, targets, weights, denominator, loss, gradient } = fixture.regression;
  const batch = { ...batchOf(weights.map(() => [1])), weights: Float32Array.from(weights) };
  const extra = toTensors(Object.entries(lossInputs(batch, targets.flat(), { kind: 'regression', classes: 1 })));
  const total = (x: tf.Tensor) => meanSquaredError(x, extra.targets, extra.rowWeights, tf.scalar(denominator));
  close(total(tf.tensor(scores)), loss);
  close(tf.grad(total)(tf.tensor(scores)), gradient);
});

test('filler rows have neither target nor weight', () => {
  const batch = { ...batchOf([[1], [1]]), examples: Int32Array.of(1, -1), weights: Float32Array.of(1, 0) };
  const { targets, rowWeights } = lossInputs(batch, [0, 2], { kind: 'classification', classes: 3 });
  assert.deepEqual([...targets.data], [0, 0, 1, 0, 0, 0]);
  assert.deepEqual(targets.shape, [2, 3]);
  assert.deepEqual([...rowWeights.data], [1, 0]);
});

test('pooling reads the first token, the mean over content, or the closing token', () => {
  // 2 rows of 4 and 3 tokens; each state is [position, 10 · row].
  const batch = batchOf([
    [5, 6, 7, 8],
    [5, 6, 7],
  ]);
  const states = tf.tensor2d([0, 0, 1, 0, 2, 0, 3, 0, 0, 10, 1, 10, 2, 10, 99, 99], [8, 2]);
  const pooled = (pooling: 'first' | 'mean' | 'last') => {
    const inputs = toTensors(Object.entries(encoderInputs(batch, config, { pooling })));
    return [...pool(pooling, states, inputs).dataSync()];
  };
  assert.deepEqual(pooled('first'), [0, 0, 0, 10]);
  assert.deepEqual(pooled('mean'), [1.5, 0, 1, 10]);
  assert.deepEqual(pooled('last'), [3, 0, 2, 10]);
});

test('a filler row without content is pooled to its first token', () => {
  const batch = batchOf([[5], [5, 6, 7]]);
  assert.deepEqual([...poolingWeights(batch, 'mean').data], [1, 0, 0, 0, 1, 0]);
  assert.deepEqual([...poolingWeights(batch, 'last').data], [1, 0, 0, 0, 0, 1]);
});

test('the linear classifier is one product, with dropout before it', () => {
  const weight = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const parameters = { 'classifier.output.weight': weight, 'classifier.output.bias': tf.tensor1d([10, 20]) };
  const pooled = tf.tensor2d([1, 1], [1, 2]);
  assert.deepEqual([...classify(parameters, pooled, { classifier: 'linear' }).dataSync()], [13, 27]);
  const sites: string[] = [];
  const chance = {
    mask(site: string, shape: number[]) {
      sites.push(site);
      return tf.zeros(shape);
    },
  };
  const dropped = classify(parameters, pooled, { classifier: 'linear', rate: 0.5, chance });
  assert.deepEqual([...dropped.dataSync()], [10, 20]);
  assert.deepEqual(sites, ['classifier.input']);
});

test('the mlp classifier drops before both of its products', () => {
  const head = toTensors(initialiseHead(config, { classes: 2, classifier: 'mlp' }, 1));
  const sites: string[] = [];
  const chance = {
    mask(site: string, shape: number[], rate: number) {
      sites.push(`${site} ${shape} ${rate}`);
      return tf.ones(shape);
    },
  };
  classify(head, tf.ones([3, config.hidden]), { classifier: 'mlp', rate: 0.25, chance });
  assert.deepEqual(sites, ['classifier.input 3,32 0.25', 'classifier.dense 3,32 0.25']);
});

test('a fresh classifier is normal with deviation 0.02, its biases are 0, and it follows the seed', () => {
  const wide = { ...config, hidden: 256 };
  const head = initialiseHead(wide, { classes: 3, classifier: 'mlp' }, 7);
  assert.deepEqual(
    [...head].map(([name, { shape }]) => [name, shape]),
    [
      ['classifier.dense.weight', [256, 256]],
      ['classifier.dense.bias', [256]],
      ['classifier.output.weight', [3, 256]],
      ['classifier.output.bias', [3]],
    ],
  );
  const { mean, variance } = tf.moments(toTensor(head.get('classifier.dense.weight') ?? assert.fail()));
  // 65 536 draws: the mean's standard error is 8e-5, the deviation's 6e-5.
  assert.ok(Math.abs(mean.dataSync()[0]) < 4e-4);
  assert.ok(Math.abs(Math.sqrt(variance.dataSync()[0]) - 0.02) < 3e-4);
  assert.ok(head.get('classifier.output.bias')?.data.every((value) => value === 0));
  const values = (seed: number) =>
    initialiseHead(wide, { classes: 3, classifier: 'mlp' }, seed).get('classifier.output.weight');
  assert.deepEqual(values(7), head.get('classifier.output.weight'));
  assert.notDeepEqual(values(8), head.get('classifier.output.weight'));
  const linear = initialiseHead(wide, { classes: 1, classifier: 'linear' }, 7);
  assert.deepEqual([...linear.keys()], ['classifier.output.weight', 'classifier.output.bias']);
});
