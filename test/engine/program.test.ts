/** Programs and banks: what is read from where, and where results go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { dropout, embedding } from '../../src/engine/ops.js';
import type { Bank, Engine, Recordable, Sizes } from '../../src/engine/types.js';
import { assertClose, device, ON_HOST, randomTensors, scalar, withEngine } from './support.js';

const { floats } = randomTensors('program');

/** 2 x into `w`, −x into `v`, and the sum to the caller. */
const body: Recordable = ({ x, factor }) => ({ w: tf.mul(x, factor), v: tf.neg(x), sum: tf.sum(x) });

const bankOf = (engine: Engine, ...names: string[]) => engine.bank(names.map((name) => ({ name, shape: [2, 3] })));

async function assertHolds(bank: Bank, name: string, expected: ArrayLike<number>, message: string): Promise<void> {
  assertClose(await bank.read(name), expected, 1e-6, `${message}: ${name}`);
}

for (const engineName of ['compiled', 'cpu'] as const) {
  test(`${engineName}: results are set in a bank or added to it, call after call`, async () => {
    await withEngine(engineName, async (engine) => {
      const bank = bankOf(engine, 'w', 'v', 'untouched');
      const program = engine.program('p', body);
      let w = new Array<number>(6).fill(0);
      let v = w;
      for (const [i, add] of [true, false, true, true, false].entries()) {
        const x = floats([2, 3]);
        const { sum, ...others } = await program.run({
          inputs: { x, factor: scalar(i + 2) },
          into: { bank, add },
        });
        w = w.map((before, j) => (add ? before : 0) + x.data[j] * (i + 2));
        v = v.map((before, j) => (add ? before : 0) - x.data[j]);
        await assertHolds(bank, 'w', w, `call ${i}`);
        await assertHolds(bank, 'v', v, `call ${i}`);
        await assertHolds(bank, 'untouched', new Float32Array(6), `call ${i}`);
        assertClose(sum.data, [x.data.reduce((total, each) => total + each, 0)], 1e-6, `sum ${i}`);
        assert.deepEqual(others, {}, 'what goes into a bank is not returned');
      }
    });
  });

  test(`${engineName}: one program serves banks of other names, other banks of the same, and none`, async () => {
    await withEngine(engineName, async (engine) => {
      const program = engine.program('p', body);
      const x = floats([2, 3]);
      const inputs = { x, factor: scalar(2) };
      const doubled = x.data.map((each) => 2 * each);
      const negated = x.data.map((each) => -each);
      const [onlyW, onlyV, alsoW] = [bankOf(engine, 'w'), bankOf(engine, 'v'), bankOf(engine, 'w')];
      const first = await program.run({ inputs, into: { bank: onlyW, add: false } });
      await assertHolds(onlyW, 'w', doubled, 'first');
      assertClose(first.v.data, negated, 1e-6, 'v to the caller');
      const second = await program.run({ inputs, into: { bank: onlyV, add: false } });
      await assertHolds(onlyV, 'v', negated, 'second');
      assertClose(second.w.data, doubled, 1e-6, 'w to the caller');
      await program.run({ inputs, into: { bank: alsoW, add: true } });
      await program.run({ inputs, into: { bank: alsoW, add: true } });
      await assertHolds(
        alsoW,
        'w',
        doubled.map((each) => 2 * each),
        'third',
      );
      await assertHolds(onlyW, 'w', doubled, 'first, later');
      assert.deepEqual(Object.keys(await program.run({ inputs })).sort(), ['sum', 'v', 'w']);
    });
  });

  test(`${engineName}: tensors of several banks are inputs, and a write is seen by the next call`, async () => {
    await withEngine(engineName, async (engine) => {
      const [frozen, tuned] = [bankOf(engine, 'a', 'unread'), bankOf(engine, 'b')];
      const program = engine.program('p', ({ a, b, x }) => ({ y: tf.add(tf.mul(a, x), b) }));
      for (let i = 0; i < 3; i++) {
        const [a, b, x] = [floats([2, 3]), floats([2, 3]), floats([2, 3])];
        frozen.write('a', a.data);
        tuned.write('b', b.data);
        const { y } = await program.run({ inputs: { x }, banks: [frozen, tuned] });
        assert.deepEqual(y.shape, [2, 3]);
        assertClose(
          y.data,
          a.data.map((each, j) => each * x.data[j] + b.data[j]),
          1e-6,
          `call ${i}`,
        );
        await assertHolds(frozen, 'a', a.data, 'read only');
      }
    });
  });

  test(`${engineName}: parameters become constants, which other constants of the same shapes do not meet`, async () => {
    await withEngine(engineName, async (engine) => {
      const product: Recordable = ({ x, weight, shift }) => ({
        y: tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), shift),
      });
      const shapes = ({ batch }: Sizes) => ({ x: [batch, 4] });
      const program = engine.program('p', product, { shapes });
      const once = engine.program('p', product);
      const made = [1, 2].map(() => ({ weight: floats([3, 4]), shift: floats([3]) }));
      const banks = made.map((each) => {
        const parameters = new Map(Object.entries(each));
        const bank = engine.constants(parameters);
        assert.equal(parameters.size, 0, 'each leaves the map');
        return bank;
      });
      for (const batch of [2, 5, 1]) {
        for (const [i, bank] of banks.entries()) {
          const x = floats([batch, 4]);
          const { weight, shift } = made[i];
          const expected = Array.from({ length: batch * 3 }, (_, at) => {
            const [row, column] = [Math.floor(at / 3), at % 3];
            return [0, 1, 2, 3].reduce(
              (sum, j) => sum + x.data[4 * row + j] * weight.data[4 * column + j],
              shift.data[column],
            );
          });
          for (const each of [program, once]) {
            const { y } = await each.run({ inputs: { x }, sizes: { batch }, banks: [bank] });
            assertClose(y.data, expected, 1e-6, `bank ${i}, ${batch} rows`);
          }
          assert.deepEqual(await bank.read('weight'), weight.data);
        }
      }
    });
  });

  test(`${engineName}: a program without inputs, and one of several shapes`, async () => {
    await withEngine(engineName, async (engine) => {
      const constant = engine.program('constant', () => ({ y: tf.mul(tf.ones([2]), 3) }));
      assert.deepEqual((await constant.run({ inputs: {} })).y.data, Float32Array.of(3, 3));
      const program = engine.program('shapes', ({ x }, { chance }) => ({ y: tf.sum(dropout(x, 0.5, 'x', chance), 0) }));
      for (const shape of [
        [2, 3],
        [6, 1],
        [2, 3],
        [1, 4],
      ]) {
        const x = floats(shape);
        const { y } = await program.run({ inputs: { x } });
        const columns = Array.from({ length: shape[1] }, (_, j) =>
          x.data.filter((_each, i) => i % shape[1] === j).reduce((total, each) => total + each, 0),
        );
        assert.deepEqual(y.shape, [shape[1]]);
        assertClose(y.data, columns, 1e-6, `[${shape}]`);
        assert.deepEqual((await program.run({ inputs: { x }, chance: [1] })).y.shape, [shape[1]]);
      }
    });
  });
}

test('programs of one name and other bodies do not meet', async () => {
  await withEngine('compiled', async (engine) => {
    const inputs = { x: floats([3]) };
    const negative = engine.program('same name', ({ x }) => ({ y: tf.neg(x) }));
    const double = engine.program('same name', ({ x }) => ({ y: tf.add(x, x) }));
    assert.deepEqual(
      (await negative.run({ inputs })).y.data,
      inputs.x.data.map((each) => -each),
    );
    assert.deepEqual(
      (await double.run({ inputs })).y.data,
      inputs.x.data.map((each) => 2 * each),
    );
  });
});

test('a constant cannot be written', async () => {
  await withEngine('compiled', async (engine) => {
    const bank = engine.constants(new Map([['weight', floats([2, 3])]]));
    assert.throws(() => bank.write('weight', new Float32Array(6)), {
      name: 'EngineError',
      message: /"weight" is a constant/,
    });
  });
});

test('what goes into a bank is not copied on the way', {
  skip: device() !== 'cpu' && 'the device copies',
}, async () => {
  await withEngine('compiled', async (engine) => {
    const size = 1 << 22;
    const bank = engine.bank([{ name: 'w', shape: [size] }]);
    const program = engine.program('large', ({ factor }) => ({ w: tf.mul(tf.ones([size]), factor) }));
    const call = (value: number) => program.run({ inputs: { factor: scalar(value) }, into: { bank, add: false } });
    await call(1);
    const before = process.memoryUsage().arrayBuffers;
    for (const value of [2, 3]) await call(value);
    assert.ok(process.memoryUsage().arrayBuffers - before < size, 'less than a quarter of one result');
    assert.equal((await bank.read('w'))[size - 1], 3);
  });
});

test('what ONNX Runtime finds wrong during a call is thrown', async () => {
  await withEngine(
    'compiled',
    async (engine) => {
      const program = engine.program('rows', ({ table, ids }) => ({ rows: embedding(table, ids) }));
      const run = (id: number) =>
        program.run({ inputs: { table: floats([4, 2]), ids: { shape: [1], data: Int32Array.of(id) } } });
      await assert.rejects(run(4), /out of data bounds/);
      assert.deepEqual((await run(3)).rows.shape, [1, 2]);
    },
    ON_HOST,
  );
});
