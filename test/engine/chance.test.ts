/** What changes between calls is an input: scalars, and dropout masks, which are a pure function of their keys and site. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { maskBuffers } from '../../src/engine/chance.js';
import { dropout, linear } from '../../src/engine/ops.js';
import type { Recordable } from '../../src/engine/types.js';
import { assertAgree, assertSameBits, randomTensors, runBoth, scalar, withEngine, withGradients } from './support.js';

const ENGINES = ['compiled', 'cpu'] as const;
const { floats } = randomTensors('chance');

/** Asserts that a count lies within 5 standard deviations of n draws of probability p. */
function assertShare(count: number, n: number, p: number, message: string): void {
  const deviation = Math.sqrt(n * p * (1 - p));
  assert.ok(Math.abs(count - n * p) <= 5 * deviation + 1, `${message}: ${count} of ${n}, expected ${n * p}`);
}

/** A mask that shares its buffer with no other. */
const mask = (size: number, rate: number, keys: (number | string)[], site = 'site') =>
  maskBuffers().draw(size, rate, keys, site);

const countOf = (data: Float32Array, value: number) => data.reduce((count, x) => count + Number(x === value), 0);

test('one program serves two learning rates', async () => {
  const inputs = { w: floats([3, 4]), g: floats([3, 4]) };
  const step: Recordable = ({ w, g, rate }) => ({ w: tf.sub(w, tf.mul(g, rate)) });
  for (const name of ENGINES) {
    await withEngine(name, async (engine) => {
      const program = engine.program('step', step);
      for (const rate of [0.1, 0.25, 0]) {
        const { w } = await program.run({ inputs: { ...inputs, rate: scalar(rate) } });
        const expected = inputs.w.data.map((x, i) => x - Math.fround(rate) * inputs.g.data[i]);
        w.data.forEach((x, i) => {
          assert.ok(Math.abs(x - expected[i]) < 1e-6, `${name}, rate ${rate}`);
        });
      }
    });
  }
});

/** Two layers with dropout before each. */
const network: Recordable = withGradients(['a', 'b'], ({ x, a, b, zero }, { chance }) => {
  const hidden = tf.tanh(linear(dropout(x, 0.1, 'input', chance), a, zero));
  return linear(dropout(hidden, 0.4, 'hidden', chance), b, zero);
});
const networkInputs = {
  x: floats([9, 6]),
  a: floats([6, 6]),
  b: floats([6, 6]),
  zero: { shape: [6], data: new Float32Array(6) },
  weights: floats([9, 6]),
};

test('both engines agree with dropout on, call after call', async () => {
  for (const chance of [
    [1, 0],
    [1, 1],
    ['run', 2, 7],
  ]) {
    assertAgree(await runBoth(network, { inputs: networkInputs, chance }), 1e-5, `keys ${chance}`);
  }
  assertAgree(await runBoth(network, { inputs: networkInputs }), 1e-5, 'without chance');
});

for (const name of ENGINES) {
  test(`${name}: keys change the masks, equal keys give equal bits`, async () => {
    await withEngine(name, async (engine) => {
      const program = engine.program('network', network);
      const run = async (...chance: number[]) =>
        (await program.run({ inputs: networkInputs, chance }))['d/da'].data.slice();
      const first = await run(1, 0, 0);
      const others = [await run(2, 0, 0), await run(1, 1, 0), await run(1, 0, 1), await run(10, 0)];
      for (const other of others) assert.notDeepEqual(other, first);
      assertSameBits(await run(1, 0, 0), first, 'same keys, later');
      const again = await withEngine(name, (fresh) =>
        fresh.program('another name', network).run({ inputs: networkInputs, chance: [1, 0, 0] }),
      );
      assertSameBits(again['d/da'].data, first, 'same keys, another engine');
    });
  });

  test(`${name}: a mask is what the function sees, and one that nothing reads is no matter`, async () => {
    await withEngine(name, async (engine) => {
      const program = engine.program('masks', ({ x }, { chance }) => {
        const seen = chance?.mask('seen', [4, 5], 0.25) ?? x;
        chance?.mask('unseen', [2], 0.5);
        return { seen, x };
      });
      for (const keys of [[7], [8]]) {
        const { seen } = await program.run({ inputs: { x: floats([1]) }, chance: keys });
        assert.deepEqual(seen.data, mask(20, 0.25, keys, 'seen'));
      }
    });
  });
}

test('masks drop the right share and scale what they keep', () => {
  const n = 1 << 20;
  for (const rate of [1e-4, 0.1, 0.5, 0.9]) {
    const data = mask(n, rate, [3, 1, 4]);
    const dropped = countOf(data, 0);
    assertShare(dropped, n, rate, `rate ${rate}`);
    assert.equal(countOf(data, Math.fround(1 / (1 - rate))), n - dropped, `scale at rate ${rate}`);
    const pairs = data.reduce((count, x, i) => count + Number(i > 0 && x === 0 && data[i - 1] === 0), 0);
    assertShare(pairs, n - 1, rate * rate, `neighbours at rate ${rate}`);
  }
});

test('every place of a mask is dropped as often, the first and the last too', () => {
  const [size, draws, rate] = [5, 20_000, 0.3];
  const buffers = maskBuffers();
  const counts = new Array<number>(size).fill(0);
  for (let step = 0; step < draws; step++) {
    const data = buffers.draw(size, rate, [step], 'site');
    for (let i = 0; i < size; i++) counts[i] += Number(data[i] === 0);
  }
  for (const [i, count] of counts.entries()) assertShare(count, draws, rate, `place ${i}`);
});

test('masks of different sites, steps and seeds are independent', () => {
  const [n, rate] = [1 << 18, 0.3];
  const first = mask(n, rate, [1, 2, 3], 'a');
  const others = {
    'another site': mask(n, rate, [1, 2, 3], 'b'),
    'a longer site': mask(n, rate, [1, 2, 3], 'ab'),
    'another seed': mask(n, rate, [2, 2, 3], 'a'),
    'another step': mask(n, rate, [1, 3, 3], 'a'),
    'another micro-batch': mask(n, rate, [1, 2, 4], 'a'),
    'keys in another order': mask(n, rate, [1, 3, 2], 'a'),
    'keys that read alike when joined': mask(n, rate, [12, 3], 'a'),
    'a key beyond 32 bits': mask(n, rate, [1 + 2 ** 32, 2, 3], 'a'),
  };
  for (const [name, other] of Object.entries(others)) {
    const both = first.reduce((count, x, i) => count + Number(x === 0 && other[i] === 0), 0);
    assertShare(both, n, rate * rate, name);
    const shifted = first.reduce((count, x, i) => count + Number(x === 0 && other[i + 1] === 0), 0);
    assertShare(shifted, n, rate * rate, `${name}, one place on`);
  }
});

test('a mask does not depend on what was drawn before it, whatever the sizes and rates', () => {
  const draws = fc.record({
    size: fc.integer({ min: 1, max: 3000 }),
    rate: fc.oneof(fc.constantFrom(0.1, 0.5), fc.double({ min: 1e-4, max: 0.95, noNaN: true })),
    site: fc.constantFrom('a', 'b'),
    key: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(draws, { minLength: 2, maxLength: 6 }), (sequence) => {
      const used = maskBuffers();
      for (const { size, rate, site, key } of sequence) {
        assert.deepEqual(used.draw(size, rate, [key], site), mask(size, rate, [key], site));
      }
    }),
    { numRuns: 60 },
  );
});
