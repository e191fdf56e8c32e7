import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stream } from '../../src/random.js';
import { type Multiply, multiplyPlain } from '../../src/selection/multiply.js';
import { drawSubsets, halfOf, holds } from '../../src/selection/subsets.js';
import { chosenShares, JACKKNIFE_WIDTH, jackknifeError, subsetVariability } from '../../src/selection/uncertainty.js';
import { type Made, makeStates, measure, pick } from './helpers.js';

function membersOf({ labels, classes }: Made): Int32Array[] {
  return classes.map((_, y) => Int32Array.from([...labels.keys()].filter((i) => labels[i] === y)));
}

function rowsOf(made: Made, rows: number[]): Made {
  return { ...made, labels: Int32Array.from(rows, (row) => made.labels[row]), states: pick(made, rows) };
}

describe('subsets', () => {
  it('are stratified halves without replacement, and blocks that leave each row out once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2, max: 60 }), { minLength: 2, maxLength: 5 }),
        fc.nat(),
        (sizes, seed) => {
          const made = makeStates(sizes, 1, 1, seed);
          const members = membersOf(made);
          const subsets = drawSubsets(members, { seed, halfSamples: 9, blocks: 20 });
          const rows = made.labels.length;
          assert.equal(subsets.blocks, Math.min(20, rows));
          const count = (s: number, y: number) => [...members[y]].filter((row) => holds(subsets, row, s)).length;
          for (let s = 0; s < subsets.count; s++) {
            sizes.forEach((size, y) => {
              const n = count(s, y);
              assert.equal(subsets.sizes[s * sizes.length + y], n);
              if (s < 9) assert.equal(n, halfOf(size));
              else
                assert.ok(n >= 1 && size - n <= Math.ceil(size / subsets.blocks), 'a block takes its share of a class');
            });
          }
          for (let row = 0; row < rows; row++) {
            const without = Array.from({ length: subsets.blocks }, (_, b) => !holds(subsets, row, 9 + b));
            assert.equal(without.filter(Boolean).length, 1);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('draw every row of a class equally often', () => {
    const members = [Int32Array.from({ length: 40 }, (_, i) => i), Int32Array.from({ length: 10 }, (_, i) => 40 + i)];
    const subsets = drawSubsets(members, { seed: 5, halfSamples: 2000, blocks: 20 });
    for (let row = 0; row < 50; row++) {
      let often = 0;
      for (let s = 0; s < 2000; s++) if (holds(subsets, row, s)) often++;
      // Four standard deviations of a fair coin's share.
      assert.ok(Math.abs(often / 2000 - 0.5) < 0.045, `row ${row}: ${often}`);
    }
  });
});

describe('ν of subsets', () => {
  for (const { name, sizes, width, checked } of [
    { name: 'two classes', sizes: [70, 50], width: 8, checked: 45 },
    { name: 'five classes', sizes: [40, 30, 20, 9, 3], width: 8, checked: 45 },
    { name: 'more rows than are read at once', sizes: [3000, 2500], width: 4, checked: 4 },
    { name: 'more subsets than are held at once', sizes: [4, 4, 4, 4, 4, 4, 4, 4, 3, 3], width: 4096, checked: 45 },
  ]) {
    it(`equals ν of the subset's rows alone: ${name}`, async () => {
      const made = makeStates(sizes, width, 1, 17);
      // A wide offset and directions of very different spread, as encoders have them.
      made.states = made.states.map((value, i) => 50 + value * 10 ** (1 - (i % 8) / 4));
      const halfSamples = width > 8 ? 200 : 25;
      const subsets = drawSubsets(membersOf(made), { seed: 3, halfSamples, blocks: 20 });
      const nu = await subsetVariability(
        {
          rows: made.labels.length,
          width,
          classes: sizes.length,
          classOf: made.labels,
          centre: Float64Array.from(made.states.subarray(0, width)),
          read: (from, out) => out.set(made.states.subarray(from * width, from * width + out.length)),
        },
        subsets,
        multiplyPlain,
      );
      assert.equal(nu.length, halfSamples + 20);
      for (let s = nu.length - 1; s >= 0; s -= Math.floor(nu.length / checked)) {
        const rows = [...made.labels.keys()].filter((row) => holds(subsets, row, s));
        const [expected] = (await measure(rowsOf(made, rows))).nu;
        assert.ok(Math.abs(nu[s] - expected) < 2e-5 * expected, `subset ${s}: ${nu[s]} is not ${expected}`);
      }
    });
  }

  it('takes an engine’s product, asynchronous or not', async () => {
    const made = makeStates([40, 40], 5, 2, 9);
    let calls = 0;
    const lent: Multiply = async (...args) => {
      calls++;
      await new Promise((resolve) => setImmediate(resolve));
      return multiplyPlain(...args);
    };
    const plain = await measure(made, { halfSamples: 50 });
    assert.deepEqual(await measure(made, { halfSamples: 50, multiply: lent }), plain);
    assert.ok(calls > 0);
  });

  it('asks for few shapes of product, since an engine prepares each', async () => {
    const made = makeStates([9000, 4000], 3, 2, 4);
    const shapes = new Set<string>();
    const multiply: Multiply = (a, rows, inner, b, columns) => {
      assert.equal(a.length, rows * inner);
      assert.equal(b.length, inner * columns);
      shapes.add(`${rows} ${inner} ${columns}`);
      return multiplyPlain(a, rows, inner, b, columns);
    };
    await measure(made, { halfSamples: 5, multiply }, 1000);
    assert.ok(shapes.size <= 5, [...shapes].join(', '));
  });
});

describe('how sure ν is', () => {
  it('chooses the clear layer in every half-sample, and neither of two equal ones in all', async () => {
    const made = makeStates([100, 100], 4, 3, 2, 0.5);
    const clear = await measure(made, { halfSamples: 60 });
    assert.deepEqual(clear.shares, [0, 0, 1]);
    const level = makeStates([60, 60], 4, 2, 8, 0);
    level.states = level.states.map((value, i) => value + (level.labels[Math.floor(i / 4) % 120] === 1 ? 1 : 0));
    const shares = (await measure(level, { halfSamples: 60 })).shares ?? [];
    assert.ok(Math.max(...shares) < 1, `${shares}`);
    assert.ok(Math.abs(shares[0] + shares[1] - 1) < 1e-12);
  });

  it('gives ties to the lower layer', () => {
    assert.deepEqual(
      chosenShares([
        [2, 1, 3, 1],
        [2, 1, 1, 2],
        [5, 5, 1, 0],
      ]),
      [0.5, 0.25, 0.25],
    );
  });

  it('takes the standard error of a mean from the jackknife', () => {
    // Leaving out one value of a mean: the jackknife gives the usual standard error exactly.
    const values = [3, 1, 4, 1, 5, 9, 2, 6];
    const sum = values.reduce((a, b) => a + b);
    const mean = sum / 8;
    const usual = Math.sqrt(values.reduce((s, value) => s + (value - mean) ** 2, 0) / 7 / 8);
    const replicates = values.map((value) => (sum - value) / 7);
    assert.ok(Math.abs(jackknifeError(replicates) - usual) < 1e-12);
  });

  it('is the jackknife over stratified blocks around ν', async () => {
    const made = makeStates([33, 28], 4, 1, 6);
    const { nu, intervals } = await measure(made, { halfSamples: 1 });
    const subsets = drawSubsets(membersOf(made), { seed: 1, halfSamples: 1, blocks: 20 });
    const replicates: number[] = [];
    for (let b = 0; b < 20; b++) {
      const rows = [...made.labels.keys()].filter((row) => holds(subsets, row, 1 + b));
      replicates.push((await measure(rowsOf(made, rows))).nu[0]);
    }
    const half = JACKKNIFE_WIDTH * jackknifeError(replicates);
    const [interval] = intervals ?? [];
    assert.ok(interval);
    assert.ok(Math.abs(interval.high - (nu[0] + half)) < 1e-4 * half);
    assert.ok(Math.abs(interval.low - Math.max(0, nu[0] - half)) < 1e-4 * half);
  });

  it('covers the expected ν in about 95 % of data sets', async () => {
    // The target is ν at this N, so its mean over many data sets; intervals are checked on further ones.
    const draw = (seed: number) => makeStates([60, 60], 3, 1, 1000 + seed, 1);
    let target = 0;
    for (let seed = 0; seed < 400; seed++) target += (await measure(draw(seed))).nu[0] / 400;
    let covered = 0;
    for (let seed = 400; seed < 600; seed++) {
      const [interval] = (await measure(draw(seed), { halfSamples: 1 })).intervals ?? [];
      if (interval && interval.low <= target && target <= interval.high) covered++;
    }
    assert.ok(covered / 200 >= 0.89 && covered / 200 <= 0.99, `covered ${covered / 200}`);
  });
});

describe('the plain product', () => {
  it('equals the definition for any shape', () => {
    const size = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(size, size, size, fc.nat(), (rows, inner, columns, seed) => {
        const random = stream(seed, 'product');
        const a = Float32Array.from({ length: rows * inner }, () => random.normal());
        const b = Float32Array.from({ length: inner * columns }, () => random.normal());
        const product = multiplyPlain(a, rows, inner, b, columns);
        assert.equal(product.length, rows * columns);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            let expected = 0;
            for (let k = 0; k < inner; k++) expected += a[i * inner + k] * b[k * columns + j];
            assert.ok(Math.abs(product[i * columns + j] - expected) < 1e-5);
          }
        }
      }),
    );
  });
});
