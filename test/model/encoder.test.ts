/** Every family against transformers and torch, on tiny random models (fixtures/model/make_encoders.py). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { toHuggingFace } from '../../src/checkpoint/names.js';
import { embed, encode, firstTokens } from '../../src/model/encoder.js';
import { encoderInputs } from '../../src/model/inputs.js';
import { layerRates } from '../../src/model/rates.js';
import { expectations, FIXTURES, MODELS, tokenDifference, toTensor, toTensors } from './support.js';

function setUp(model: string) {
  const { config, parameters } = loadEncoder(`${FIXTURES}/${model}`);
  const expected = expectations(model);
  const inputs = toTensors(Object.entries(encoderInputs(expected.batch, config)));
  return { config, parameters: toTensors(parameters), inputs, expected };
}

for (const model of MODELS) {
  describe(model, () => {
    const { config, parameters, inputs, expected } = setUp(model);
    const { layers } = config;

    test('hidden states of every layer agree with transformers to 1e-4', () => {
      const states = tf.tidy(() =>
        encode(parameters, inputs, config, { head: layers }).map((state) => state.dataSync()),
      );
      assert.equal(states.length, layers + 1);
      for (const [layer, state] of states.entries()) {
        const difference = tokenDifference(expected.batch, state, expected.read(`states.${layer}`).data);
        assert.ok(difference < 1e-4, `layer ${layer}: ${difference}`);
      }
    });

    test('gradients of every parameter agree with torch to 1e-3', () => {
      const projection = tf.reshape(toTensor(expected.read('projection')), [-1, config.hidden]);
      const names = Object.keys(parameters);
      const loss = (...tensors: tf.Tensor[]) => {
        const traced = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
        const states = encode(traced, inputs, config, { head: layers });
        return tf.sum(tf.mul(states[layers], projection));
      };
      const gradients = tf.tidy(() =>
        tf
          .grads(loss)(Object.values(parameters))
          .map((gradient) => gradient.dataSync()),
      );
      const theirs = names.map((name) => expected.read(`gradient.${toHuggingFace(config.family, name, '')}`).data);
      const largest = Math.max(...theirs.map(norm));
      for (const [i, name] of names.entries()) {
        assert.equal(gradients[i].length, theirs[i].length, name);
        const difference = norm(Float64Array.from(theirs[i], (value, j) => gradients[i][j] - value));
        // The gradient of a key's bias is 0 but for rounding, since softmax ignores it: so a little is allowed in any case.
        assert.ok(
          difference <= 1e-3 * norm(theirs[i]) + 1e-6 * largest,
          `${name}: ${difference} of ${norm(theirs[i])}`,
        );
      }
    });

    test('dropout stands where transformers has it', () => {
      const sites = ['embeddings'];
      for (let n = 1; n <= layers; n++) {
        sites.push(`layers.${n}.attention.probabilities`);
        if (config.family !== 'distilbert') sites.push(`layers.${n}.attention.output`);
        sites.push(`layers.${n}.output`);
      }
      const used: string[] = [];
      const chance = {
        mask(site: string, shape: number[], rate: number) {
          used.push(site);
          const k = sites.indexOf(site);
          const size = shape.reduce((a, b) => a * b, 1);
          const data = Float32Array.from({ length: size }, (_, i) => ((i * 7 + k * 3) % 10 !== 0 ? 1 / (1 - rate) : 0));
          return tf.tensor(data, shape);
        },
      };
      const rates = layerRates(config, { bottom: 1, top: layers, head: layers }, 'fine-tune');
      const states = tf.tidy(() =>
        encode(parameters, inputs, config, { head: layers, chance, rates })[layers].dataSync(),
      );
      assert.deepEqual(used, sites);
      const difference = tokenDifference(expected.batch, states, expected.read('dropped').data);
      assert.ok(difference < 1e-4, `${difference}`);
    });

    test('the first tokens alone have the states and gradients that they have among all', () => {
      const names = Object.keys(parameters);
      const [batch, length] = [expected.batch.rows, expected.batch.length];
      const projection = tf.slice(
        tf.reshape(toTensor(expected.read('projection')), [batch, length, config.hidden]),
        [0, 0, 0],
        [batch, 1, config.hidden],
      );
      const run = (firstOnly: boolean) =>
        tf.tidy(() => {
          const loss = (...tensors: tf.Tensor[]) => {
            const traced = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
            const states = encode(traced, inputs, config, { head: layers, firstOnly });
            const first = firstOnly ? states[layers] : firstTokens(states[layers], batch, length);
            return tf.sum(tf.mul(first, tf.reshape(projection, [batch, config.hidden])));
          };
          const { value, grads } = tf.valueAndGrads(loss)(Object.values(parameters));
          return { value: value.dataSync()[0], gradients: grads.map((gradient) => gradient.dataSync()) };
        });
      const [whole, single] = [run(false), run(true)];
      assert.ok(Math.abs(whole.value - single.value) < 1e-4 * Math.max(1, Math.abs(whole.value)));
      const largest = Math.max(...whole.gradients.map(norm));
      for (const [i, name] of names.entries()) {
        const difference = norm(Float64Array.from(whole.gradients[i], (value, j) => single.gradients[i][j] - value));
        assert.ok(difference <= 1e-4 * norm(whole.gradients[i]) + 1e-6 * largest, `${name}: ${difference}`);
      }
      const states = encode(parameters, inputs, config, { head: layers, firstOnly: true });
      assert.deepEqual(states[layers].shape, [batch, config.hidden]);
      const above = encode(parameters, inputs, config, {
        head: 1,
        start: { layer: 1, states: states[1] },
        firstOnly: true,
      });
      assert.deepEqual(above[1].shape, [batch, config.hidden]);
    });

    test('starting from the states of a layer gives the same as running from the ids', () => {
      const whole = encode(parameters, inputs, config, { head: layers });
      const { ids: _, types: __, ...rest } = inputs;
      const kept = Object.entries(parameters).filter(([name]) => !/^layers\.1\.|^embeddings\.(?!relative)/.test(name));
      const start = { layer: 1, states: whole[1] };
      const upper = encode(Object.fromEntries(kept), rest, config, { head: layers, start });
      assert.equal(upper.length, layers);
      assert.deepEqual(upper[upper.length - 1].dataSync(), whole[layers].dataSync());
      const lower = encode(parameters, inputs, config, { head: 1 });
      assert.equal(lower.length, 2);
      assert.deepEqual(lower[1].dataSync(), whole[1].dataSync());
    });

    test('padding does not change the states of tokens', () => {
      const longest = expected.batch.length;
      const row = 1;
      const length = expected.batch.attentionMask.slice(row * longest, (row + 1) * longest).reduce((a, b) => a + b, 0);
      const at = row * longest;
      const alone = {
        rows: 1,
        length,
        ids: expected.batch.ids.slice(at, at + length),
        typeIds: expected.batch.typeIds.slice(at, at + length),
        attentionMask: new Float32Array(length).fill(1),
        contentMask: new Float32Array(length).fill(1),
        examples: Int32Array.of(0),
        weights: Float32Array.of(1),
      };
      const bare = toTensors(Object.entries(encoderInputs(alone, config)));
      const short = encode(parameters, bare, config, { head: layers })[layers].dataSync();
      const padded = encode(parameters, inputs, config, { head: layers })[layers].dataSync();
      const { hidden } = config;
      const worst = Math.max(...short.map((value, i) => Math.abs(value - padded[at * hidden + i])));
      assert.ok(worst < 1e-5, `${worst}`);
    });
  });
}

test('a batch of rows without any token stays finite', () => {
  const { config, parameters, expected } = setUp('mpnet');
  const batch = { ...expected.batch, attentionMask: new Float32Array(expected.batch.attentionMask.length) };
  const inputs = toTensors(Object.entries(encoderInputs(batch, config)));
  const states = encode(parameters, inputs, config, { head: config.layers });
  assert.ok(states[config.layers].dataSync().every(Number.isFinite));
});

test('a missing parameter or input is named', () => {
  const { config, parameters, inputs } = setUp('bert');
  const { 'layers.2.key.weight': _, ...rest } = parameters;
  assert.throws(() => encode(rest, inputs, config, { head: 3 }), /without "layers\.2\.key\.weight"/);
  const { ids: __, ...blind } = inputs;
  assert.throws(() => embed(parameters, blind, config, {}), /without "ids"/);
});

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return Math.sqrt(sum);
}
