/** Element-wise programs over banks, sums of squares, products, and the banks themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { compiledBanks } from '../../src/engine/compiled/bank.js';
import { readAll } from '../../src/engine/moved.js';
import type { Bank, BankEntry, ElementwiseFunction, Engine } from '../../src/engine/types.js';
import { assertClose, assertSameBits, ON_HOST, randomTensors, sizeOf, withEngine } from './support.js';

const ENGINES = ['compiled', 'cpu'] as const;

/** A whole number of the compiled engine's blocks, which are powers of 2. */
const BLOCK = 1 << 17;

/** Odd sizes, so that there is padding; groups take turns. */
const SMALL: BankEntry[] = [
  { name: 'a', shape: [3, 5], group: 'decay' },
  { name: 'b', shape: [7], group: 'plain' },
  { name: 'c', shape: [2, 2, 9], group: 'decay' },
  { name: 'd', shape: [], group: 'plain' },
  { name: 'e', shape: [16], group: 'plain' },
];
/** Groups of more than one block, of a whole one, and of less. */
const LARGE: BankEntry[] = [
  { name: 'table', shape: [1001, 257], group: 'decay' },
  { name: 'exact', shape: [BLOCK], group: 'exact' },
  { name: 'bias', shape: [3], group: 'plain' },
  { name: 'weight', shape: [11, 13], group: 'decay' },
];

function filled(bank: Bank, entries: readonly BankEntry[], key: string, low = -1, high = 1): Bank {
  const { floats } = randomTensors('elementwise', key);
  for (const { name, shape } of entries) bank.write(name, floats(shape, low, high).data);
  return bank;
}

/** An optimiser's step: parameter, gradient and two moments to parameter and two moments. */
const adam: ElementwiseFunction = ([parameter, gradient, first, second], { rate, epsilon }) => {
  const m = tf.add(tf.mul(first, 0.9), tf.mul(gradient, 0.1));
  const v = tf.add(tf.mul(second, 0.999), tf.mul(tf.mul(gradient, gradient), 0.001));
  return [tf.sub(parameter, tf.mul(rate, tf.div(m, tf.add(tf.sqrt(v), epsilon)))), m, v];
};

async function adamSteps(engine: Engine, entries: readonly BankEntry[], inPlace: boolean): Promise<Bank[]> {
  // Side by side in one memory, where the loop needs no copies; or each by itself.
  const banks = inPlace ? engine.banks(entries, 4) : [0, 1, 2, 3].map(() => engine.bank(entries));
  let state = [
    filled(banks[0], entries, 'parameter'),
    filled(banks[1], entries, 'first'),
    filled(banks[2], entries, 'second', 0, 1),
  ];
  const gradient = filled(banks[3], entries, 'gradient');
  const step = engine.elementwise('adam', adam, ['rate', 'epsilon']);
  for (const rate of [0.1, 0.02, 0.3]) {
    const [parameter, first, second] = state;
    const writes = inPlace ? state : [0, 1, 2].map(() => engine.bank(entries));
    const reads = [parameter, gradient, first, second];
    await step.run({ reads, writes, scalars: { rate, epsilon: 1e-6 } });
    state = writes;
  }
  return state;
}

for (const [size, entries] of Object.entries({ small: SMALL, large: LARGE })) {
  test(`in place gives the bits of separate banks, and the eager numbers: ${size}`, async () => {
    const contents = async (name: 'compiled' | 'cpu', inPlace: boolean) =>
      withEngine(name, async (engine) => {
        const banks = await adamSteps(engine, entries, inPlace);
        return Promise.all(banks.map((bank) => Promise.all(entries.map((entry) => bank.read(entry.name)))));
      });
    const separate = await contents('compiled', false);
    const inPlace = await contents('compiled', true);
    const eager = await contents('cpu', true);
    separate.forEach((bank, i) => {
      bank.forEach((data, j) => {
        assertSameBits(inPlace[i][j], data, `bank ${i}, ${entries[j].name}`);
        assertClose(data, eager[i][j], 1e-5, `bank ${i}, ${entries[j].name}`);
      });
    });
  });
}

for (const name of ENGINES) {
  test(`${name}: a group is treated alone`, async () => {
    await withEngine(name, async (engine) => {
      const bank = filled(engine.bank(SMALL), SMALL, 'bank');
      const before = await readAll(bank);
      const shift = engine.elementwise('shift', ([x], { by }) => [tf.add(x, by)], ['by']);
      const run = (by: number, group?: string) => shift.run({ reads: [bank], writes: [bank], scalars: { by }, group });
      await run(2, 'decay');
      await run(0.5, 'plain');
      await run(1);
      await run(8, 'no such group');
      for (const { name: entry, group } of SMALL) {
        const expected = before.get(entry)?.data.map((x) => x + (group === 'decay' ? 3 : 1.5)) ?? [];
        assertClose(await bank.read(entry), expected, 1e-6, entry);
      }
    });
  });

  test(`${name}: sums of squares, over blocks too, count what the bank holds and no padding`, async () => {
    await withEngine(name, async (engine) => {
      for (const entries of [SMALL, LARGE]) {
        const bank = filled(engine.bank(entries), entries, 'bank', -3, 2);
        const expected = async () =>
          [...(await readAll(bank)).values()].flatMap(({ data }) => [...data]).reduce((sum, x) => sum + x * x, 0);
        assertClose([await engine.sumOfSquares(bank)], [await expected()], 2e-6, 'as written');
        const shift = engine.elementwise('shift', ([x]) => [tf.add(x, 4)], []);
        await shift.run({ reads: [bank], writes: [bank], scalars: {} });
        assertClose([await engine.sumOfSquares(bank)], [await expected()], 2e-6, 'after all was shifted');
      }
      assert.equal(await engine.sumOfSquares(engine.bank(SMALL)), 0);
      assert.equal(await engine.sumOfSquares(engine.bank([])), 0);
    });
  });

  test(`${name}: a sum of squares is not finite where an element is not`, async () => {
    await withEngine(name, async (engine) => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const bank = filled(engine.bank(SMALL), SMALL, 'bank');
        bank.write('d', Float32Array.of(value));
        assert.ok(!Number.isFinite(await engine.sumOfSquares(bank)));
      }
    });
  });

  test(`${name}: multiply`, async () => {
    await withEngine(name, async (engine) => {
      const { floats } = randomTensors('multiply');
      for (const [rows, inner, columns] of [
        [1, 1, 1],
        [1, 5, 3],
        [4, 3, 1],
        [17, 33, 9],
      ]) {
        const [a, b] = [floats([rows, inner]).data, floats([inner, columns]).data];
        const expected = Array.from({ length: rows * columns }, (_, at) => {
          const [i, j] = [Math.floor(at / columns), at % columns];
          return a.slice(i * inner, (i + 1) * inner).reduce((sum, x, k) => sum + x * b[k * columns + j], 0);
        });
        const product = await engine.multiply(a, rows, inner, b, columns);
        assertClose(product, expected, 1e-6, `${rows} × ${inner} × ${columns}`);
      }
    });
  });

  test(`${name}: a bank starts at 0, knows its tensors, and hands out copies`, async () => {
    await withEngine(name, async (engine) => {
      const bank = engine.bank(SMALL);
      assert.deepEqual(
        bank.names,
        SMALL.map((entry) => entry.name),
      );
      assert.deepEqual(bank.shape('c'), [2, 2, 9]);
      assert.equal(
        bank.size,
        SMALL.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      );
      assert.deepEqual(await bank.read('b'), new Float32Array(7));
      const data = new Float32Array(7).fill(2);
      bank.write('b', data);
      data.fill(3);
      (await bank.read('b')).fill(4);
      assert.deepEqual(await bank.read('b'), new Float32Array(7).fill(2));
      assert.deepEqual(await bank.read('a'), new Float32Array(15));
      await assert.rejects(async () => bank.read('z'), { name: 'EngineError', message: /no tensor "z"/ });
      assert.throws(() => bank.shape('z'), { name: 'EngineError' });
      assert.throws(() => bank.write('b', new Float32Array(8)), {
        name: 'EngineError',
        message: '"b" has 7 elements, not 8',
      });
      bank.dispose();
    });
  });
}

test('tensors of a bank start at 64 bytes, groups lie together, and padding stays 0', async () => {
  await withEngine(
    'compiled',
    async (engine) => {
      const [bank] = compiledBanks(SMALL, 1);
      const [{ flat }] = bank.parts;
      const padding = () => {
        const used = new Set<number>();
        for (const { name, shape } of SMALL) {
          const start = bank.view(name).byteOffset / 4;
          assert.equal(start % 16, 0, name);
          for (let i = 0; i < sizeOf(shape); i++) used.add(start + i);
        }
        return flat.filter((_, i) => !used.has(i));
      };
      const shift = engine.elementwise('shift', ([x]) => [tf.add(x, 1)], []);
      await shift.run({ reads: [bank], writes: [bank], scalars: {} });
      assert.deepEqual(padding(), new Float32Array(flat.length - bank.size));
      const [start, end] = bank.range('decay');
      for (const { name, group } of SMALL) {
        const at = bank.view(name).byteOffset / 4;
        assert.equal(at >= start && at < end, group === 'decay', name);
      }
    },
    ON_HOST,
  );
});

test('denormals are written as 0, and what is as small as a normal number gets stays', async () => {
  await withEngine('compiled', async (engine) => {
    const [bank] = engine.banks([{ name: 'x', shape: [4] }], 2);
    bank.write('x', Float32Array.of(2 ** -125, -(2 ** -125), 2 ** -127, 1));
    const halve = engine.elementwise('halve', ([x]) => [tf.mul(x, 0.5)], []);
    await halve.run({ reads: [bank], writes: [bank], scalars: {} });
    assert.deepEqual(await bank.read('x'), Float32Array.of(2 ** -126, -(2 ** -126), 0, 0.5));
    await halve.run({ reads: [bank], writes: [bank], scalars: {} });
    assert.deepEqual((await bank.read('x')).map(Math.abs), Float32Array.of(0, 0, 0, 0.25));
  });
});

test('an operation without a vector form is refused by name', async () => {
  await withEngine(
    'compiled',
    async (engine) => {
      const bank = engine.bank([{ name: 'x', shape: [4] }]);
      const wave = engine.elementwise('wave', ([x]) => [tf.tanh(x)], []);
      await assert.rejects(wave.run({ reads: [bank], writes: [bank], scalars: {} }), /Tanh/);
    },
    ON_HOST,
  );
});
