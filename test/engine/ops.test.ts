/** The operations of `ops.ts`: what the compiled engine records, values and gradients, against their composite forms run eagerly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import {
  attention,
  dropout,
  embedding,
  gelu,
  geluTanh,
  layerNorm,
  linear,
  singleQueryAttention,
} from '../../src/engine/ops.js';
import type { Call, HostTensors, Recordable } from '../../src/engine/types.js';
import { assertAgree, assertClose, device, randomTensors, runBoth, withEngine, withGradients } from './support.js';

const { floats, integers } = randomTensors('ops');

/** Value and gradients, each in a program of its own kind. */
async function compare(
  name: string,
  of: string[],
  f: Parameters<typeof withGradients>[1],
  call: Call,
  tolerance = 1e-5,
): Promise<void> {
  assertAgree(await runBoth((inputs, context) => ({ value: f(inputs, context) }), call), tolerance, `${name}, value`);
  assertAgree(await runBoth(withGradients(of, f), call), tolerance, `${name}, gradients`);
}

test('linear', async () => {
  for (const [rows, width, out] of [
    [5, 3, 4],
    [1, 3, 2],
    [4, 1, 1],
    [33, 64, 17],
  ]) {
    const inputs = {
      x: floats([rows, width]),
      weight: floats([out, width]),
      bias: floats([out]),
      weights: floats([rows, out]),
    };
    const f: Recordable = ({ x, weight, bias }) => ({ y: linear(x, weight, bias) });
    await compare(`${rows} × ${width} → ${out}`, ['x', 'weight', 'bias'], (i, c) => f(i, c).y, { inputs });
  }
});

test('layerNorm, also far from 0 and where a row hardly varies', async () => {
  const shapes: [number, number, number, number][] = [
    [5, 8, -2, 2],
    [1, 4, -2, 2],
    [6, 64, 9, 11],
    [3, 16, 1, 1.001],
  ];
  for (const [rows, width, low, high] of shapes) {
    const inputs = {
      x: floats([rows, width], low, high),
      weight: floats([width]),
      bias: floats([width]),
      weights: floats([rows, width]),
    };
    // Cancellation costs digits where the values are large against their spread.
    const tolerance = high - low < 0.01 ? (device() === 'webgpu' ? 5e-3 : 2e-3) : low > 5 ? 1e-4 : 1e-5;
    await compare(
      `${rows} × ${width} in ${low} … ${high}`,
      ['x', 'weight', 'bias'],
      ({ x, weight, bias }) => layerNorm(x, weight, bias, 1e-5),
      { inputs },
      tolerance,
    );
  }
});

test('gelu and its tanh approximation, also far from 0', async () => {
  for (const [name, f] of Object.entries({ gelu, geluTanh })) {
    const inputs = { x: floats([7, 9], -8, 8), weights: floats([7, 9]) };
    await compare(name, ['x'], ({ x }) => f(x), { inputs });
    await compare(`${name} of one number`, ['x'], ({ x }) => f(x), {
      inputs: { x: floats([1]), weights: floats([1]) },
    });
  }
});

test('embedding with repeated ids', async () => {
  const inputs = { table: floats([6, 4]), ids: integers([15], 5), weights: floats([15, 4]) };
  await compare('embedding', ['table'], ({ table, ids }) => embedding(table, ids), { inputs });
});

test('a table that is read twice gets both gradients', async () => {
  const inputs = { table: floats([6, 4]), ids: integers([5], 6), others: integers([5], 6), weights: floats([5, 4]) };
  await compare(
    'two look-ups',
    ['table'],
    ({ table, ids, others }) => tf.mul(embedding(table, ids), embedding(table, others)),
    { inputs },
  );
});

test('dropout scales what it keeps, in values and gradients', async () => {
  const inputs = { x: floats([8, 9]), weights: floats([8, 9]) };
  await compare('dropout', ['x'], ({ x }, { chance }) => tf.square(dropout(x, 0.3, 'here', chance)), {
    inputs,
    chance: [1, 2],
  });
});

test('dropout without chance, or at rate 0, is the identity', async () => {
  const inputs = { x: floats([3, 4]) };
  for (const name of ['compiled', 'cpu'] as const) {
    await withEngine(name, async (engine) => {
      const program = (rate: number) =>
        engine.program('p', ({ x }, { chance }) => ({ y: dropout(x, rate, 'here', chance) }));
      assert.deepEqual((await program(0.5).run({ inputs })).y.data, inputs.x.data, `${name}: no chance`);
      assert.deepEqual((await program(0).run({ inputs, chance: [1] })).y.data, inputs.x.data, `${name}: rate 0`);
    });
  }
});

test('attention over several shapes of bias', async () => {
  const shapes = [
    { batch: 2, length: 5, heads: 2, hidden: 8 },
    { batch: 1, length: 3, heads: 1, hidden: 4 },
    { batch: 3, length: 1, heads: 2, hidden: 6 },
    { batch: 2, length: 9, heads: 4, hidden: 32 },
  ];
  for (const { batch, length, heads, hidden } of shapes) {
    const tokens = [batch * length, hidden];
    for (const bias of [
      [batch, 1, 1, length],
      [1, heads, length, length],
      [batch, heads, length, length],
      [1, 1, 1, 1],
    ]) {
      const inputs = {
        q: floats(tokens),
        k: floats(tokens),
        v: floats(tokens),
        bias: floats(bias),
        weights: floats(tokens),
      };
      const name = `batch ${batch}, length ${length}, heads ${heads}, bias [${bias}]`;
      for (const rate of [0, 0.2]) {
        await compare(
          `${name}, rate ${rate}`,
          ['q', 'k', 'v', 'bias'],
          ({ q, k, v, bias: added }, { chance }) =>
            attention(q, k, v, added, { batch, length, heads, rate, site: 'probabilities', chance }),
          { inputs, chance: [3] },
        );
      }
    }
  }
});

test('attention of one query an input, on both engines and as among all queries', async () => {
  for (const { batch, length, heads, hidden } of [
    { batch: 2, length: 5, heads: 2, hidden: 8 },
    { batch: 3, length: 1, heads: 2, hidden: 6 },
    { batch: 2, length: 9, heads: 4, hidden: 32 },
  ]) {
    const tokens = [batch * length, hidden];
    for (const bias of [
      [batch, 1, 1, length],
      [batch, heads, 1, length],
      [1, heads, 1, length],
    ]) {
      const inputs = {
        q: floats([batch, hidden]),
        k: floats(tokens),
        v: floats(tokens),
        bias: floats(bias),
        weights: floats([batch, hidden]),
      };
      const options = { batch, length, heads, site: 'probabilities' };
      const f =
        (rate: number): Parameters<typeof withGradients>[1] =>
        ({ q, k, v, bias: added }, { chance }) =>
          singleQueryAttention(q, k, v, added, { ...options, rate, chance });
      for (const rate of [0, 0.2]) {
        await compare(`one query, rate ${rate}`, ['q', 'k', 'v', 'bias'], f(rate), { inputs, chance: [3] });
      }
      const repeated: Parameters<typeof withGradients>[1] = ({ q, k, v, bias: added }) => {
        const queries = tf.reshape(tf.tile(tf.reshape(q, [batch, 1, hidden]), [1, length, 1]), tokens);
        const all = attention(queries, k, v, added, { ...options, rate: 0, chance: undefined });
        return tf.reshape(tf.slice(tf.reshape(all, [batch, length, hidden]), [0, 0, 0], [batch, 1, hidden]), [
          batch,
          hidden,
        ]);
      };
      const names = ['q', 'k', 'v', 'bias'];
      const [one, among] = [
        (await runBoth(withGradients(names, f(0)), { inputs })).eager,
        (await runBoth(withGradients(names, repeated), { inputs })).eager,
      ];
      for (const name of Object.keys(one)) {
        one[name].data.forEach((x, i) => {
          assert.ok(Math.abs(x - among[name].data[i]) < 1e-4, `${name}[${i}]`);
        });
      }
    }
  }
});

test('attention gives padding no weight and no gradient', async () => {
  const [batch, length, heads, hidden] = [2, 6, 2, 8];
  const tokens = [batch * length, hidden];
  const real = [4, 6];
  const bias = Float32Array.from({ length: batch * length }, (_, i) =>
    i % length < real[Math.floor(i / length)] ? 0 : -1e9,
  );
  const weights = floats(tokens);
  const padded = (i: number) => bias[Math.floor(i / hidden)] !== 0;
  weights.data.forEach((_, i) => {
    if (padded(i)) weights.data[i] = 0;
  });
  const inputs = {
    q: floats(tokens),
    k: floats(tokens),
    v: floats(tokens),
    bias: { shape: [batch, 1, 1, length], data: bias },
    weights,
  };
  const f: Parameters<typeof withGradients>[1] = ({ q, k, v, bias: added }) =>
    attention(q, k, v, added, { batch, length, heads, rate: 0, site: 'a', chance: undefined });
  await compare('padded attention', ['q', 'k', 'v'], f, { inputs });
  const { compiled } = await runBoth(withGradients(['q', 'k', 'v'], f), { inputs });
  for (const name of ['d/dq', 'd/dk', 'd/dv']) {
    const { data } = compiled[name];
    assert.ok(data.some((x) => x !== 0));
    data.forEach((x, i) => {
      if (padded(i)) assert.equal(x === 0, true, `${name}, element ${i} of padding`);
    });
  }
});

const ROWS = 7;
const WIDTH = 3;

/** The gradient of a look-up by definition, in float64. */
function scatterAdd(ids: Int32Array, rows: Float32Array, before: ArrayLike<number>): number[] {
  const sums = Array.from(before);
  ids.forEach((id, i) => {
    for (let j = 0; j < WIDTH; j++) sums[id * WIDTH + j] += rows[i * WIDTH + j];
  });
  return sums;
}

/** Gradient of sum(table[ids] · weights), which is `weights` added up by ids. */
const lookUp: Recordable = (inputs) => {
  const gradient = tf.grads((table) => tf.sum(tf.mul(embedding(table, inputs.ids), inputs.weights)));
  return { table: gradient([inputs.table])[0] };
};

const draw = (n: number): HostTensors & { ids: { data: Int32Array }; weights: { data: Float32Array } } => ({
  ids: integers([n], ROWS - 1),
  weights: floats([n, WIDTH]),
});

for (const name of ['compiled', 'cpu'] as const) {
  test(`${name}: the gradient of a look-up in a bank is set and added to, run after run`, async () => {
    await withEngine(name, async (engine) => {
      const entries = [
        { name: 'other', shape: [5] },
        { name: 'table', shape: [ROWS, WIDTH] },
      ];
      const parameters = engine.bank(entries);
      const gradients = engine.bank(entries);
      const program = engine.program('look-up', lookUp);
      let expected: number[] = new Array(ROWS * WIDTH).fill(0);
      const zeros = expected;
      const step = async (add: boolean, n: number, message: string) => {
        const inputs = draw(n);
        await program.run({ inputs, banks: [parameters], into: { bank: gradients, add } });
        expected = scatterAdd(inputs.ids.data, inputs.weights.data, add ? expected : zeros);
        assertClose(await gradients.read('table'), expected, 1e-6, message);
        assert.ok((await gradients.read('other')).every((x) => x === 0));
      };
      for (const [i, add] of [false, true, true, false, false, true].entries())
        await step(add, 4 + (i % 2), `run ${i}`);
      // Whatever else wrote to the bank, setting leaves nothing of it.
      gradients.write('table', floats([ROWS * WIDTH]).data);
      await step(false, 4, 'set after a write');
      const half = engine.elementwise('plus half', ([x]) => [tf.add(x, 0.5)], []);
      await half.run({ reads: [gradients], writes: [gradients], scalars: {} });
      assertClose(
        await gradients.read('table'),
        expected.map((x) => x + 0.5),
        1e-6,
        'after an element-wise program',
      );
      gradients.write('other', new Float32Array(5));
      await step(false, 4, 'set after an element-wise program');
      gradients.write('table', Float32Array.from(expected));
      await step(true, 5, 'added after a write');
    });
  });

  test(`${name}: the gradient of a look-up that something else reads is whole`, async () => {
    await withEngine(name, async (engine) => {
      const entries = [{ name: 'table', shape: [ROWS, WIDTH] }];
      const parameters = engine.bank(entries);
      const gradients = engine.bank(entries);
      const table = floats([ROWS, WIDTH]).data;
      parameters.write('table', table);
      const inputs = draw(9);
      const sums = scatterAdd(inputs.ids.data, inputs.weights.data, new Array(ROWS * WIDTH).fill(0));
      const run = (body: Recordable, add = false) =>
        engine.program('p', body).run({ inputs, banks: [parameters], into: { bank: gradients, add } });

      const both = await run((all, context) => {
        const gradient = lookUp(all, context).table;
        return { table: gradient, norm: tf.sum(tf.square(gradient)) };
      });
      assertClose(await gradients.read('table'), sums, 1e-6, 'beside its norm');
      assertClose(both.norm.data, [sums.reduce((sum, x) => sum + x * x, 0)], 1e-5, 'norm');

      await run((all, context) => ({ table: tf.add(lookUp(all, context).table, tf.mul(all.table, 0.5)) }));
      assertClose(
        await gradients.read('table'),
        sums.map((x, i) => x + table[i] / 2),
        1e-6,
        'decayed',
      );

      // Ids that are computed in the program are not at hand on the host.
      await run((all, context) => lookUp({ ...all, ids: tf.add(all.ids, tf.scalar(1, 'int32')) }, context));
      const shifted = scatterAdd(
        inputs.ids.data.map((id) => id + 1),
        inputs.weights.data,
        new Array(ROWS * WIDTH).fill(0),
      );
      assertClose(await gradients.read('table'), shifted, 1e-6, 'computed ids');

      // A result for the caller is the whole table too.
      const { gradient } = await run((all, context) => ({ gradient: lookUp(all, context).table }));
      assertClose(gradient.data, sums, 1e-6, 'for the caller');
      assertClose(await gradients.read('table'), shifted, 1e-6, 'the bank is left alone');

      await run(lookUp);
      assertClose(await gradients.read('table'), sums, 1e-6, 'rows again');
    });
  });
}
