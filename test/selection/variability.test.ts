import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Matrix, QrDecomposition } from 'ml-matrix';
import { SpantuneError, UserError } from '../../src/errors.js';
import { stream } from '../../src/random.js';
import { createVariability } from '../../src/selection/variability.js';
import { type Made, makeStates, measure, pick, readFixtures } from './helpers.js';

const NOWHERE = { budget: { memoryBytes: 0, diskBytes: 0 } };
const IN_FILE = { budget: { memoryBytes: 0, diskBytes: 2 ** 30 } };

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number) {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const off = Math.abs(actual[i] - expected[i]);
    assert.ok(off <= relative * Math.abs(expected[i]), `[${i}] ${actual[i]} is not ${expected[i]}`);
  }
}

describe('ν', () => {
  for (const fixture of readFixtures()) {
    it(`agrees with the pseudo-inverse of numpy: ${fixture.name}`, async () => {
      for (const options of [{}, NOWHERE]) {
        const result = await measure(fixture, options);
        assertClose(result.nu, fixture.nu, 1e-6);
        assert.deepEqual(result.leftOut, fixture.leftOut);
        assert.equal(result.samples, fixture.labels.length - fixture.leftOut.length);
      }
    });
  }

  it('loses nothing at an offset far beyond the spread', async () => {
    const near = makeStates([60, 40], 6, 2, 5);
    // Multiples of 1/8 stay exact in float32 beside 2¹⁶, where sums of squares would lose all of the spread.
    near.states = near.states.map((value) => Math.round(value * 8) / 8);
    const far = { ...near, states: near.states.map((value) => value + 2 ** 16) };
    const { nu } = await measure(near);
    assertClose((await measure(far)).nu, nu, 1e-9);
    assertClose((await measure(far, NOWHERE)).nu, nu, 1e-9);
  });

  it('is 2 δᵀ Σ_w δ / ‖δ‖⁴ for two classes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 30 }),
        fc.integer({ min: 2, max: 30 }),
        fc.nat(),
        async (a, b, seed) => {
          const made = makeStates([a, b], 5, 2, seed, 1);
          const { nu } = await measure(made);
          for (let layer = 0; layer < 2; layer++) {
            const rows = (label: number) =>
              [...made.labels.keys()]
                .filter((i) => made.labels[i] === label)
                .map((i) => [...made.states.subarray((layer * (a + b) + i) * 5, (layer * (a + b) + i + 1) * 5)]);
            const mean = (group: number[][]) =>
              [0, 1, 2, 3, 4].map((j) => group.reduce((s, h) => s + h[j], 0) / group.length);
            const means = [mean(rows(0)), mean(rows(1))];
            const delta = means[0].map((value, j) => value - means[1][j]);
            const dot = (u: number[], v: number[]) => u.reduce((s, value, j) => s + value * v[j], 0);
            const within = [0, 1].map((y) => {
              const projections = rows(y).map((h) => dot(delta, h) - dot(delta, means[y]));
              return dot(projections, projections) / projections.length;
            });
            assertClose(
              [nu[layer]],
              [within[0] + within[1]].map((sum) => sum / dot(delta, delta) ** 2),
              1e-9,
            );
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('does not change under rotation and a common scaling', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.double({ min: 1e-3, max: 1e3, noNaN: true }), async (seed, scale) => {
        const width = 6;
        const made = makeStates([20, 30, 15], width, 1, seed, 1);
        const random = stream(seed, 'rotation');
        const orthogonal = new QrDecomposition(
          new Matrix(Array.from({ length: width }, () => Array.from({ length: width }, () => random.normal()))),
        ).orthogonalMatrix;
        const rows = Matrix.from1DArray(65, width, [...made.states])
          .mmul(orthogonal)
          .mul(scale);
        const turned = await measure({ ...made, states: Float32Array.from(rows.to1DArray()) });
        assertClose(turned.nu, (await measure(made)).nu, 1e-5);
      }),
      { numRuns: 20 },
    );
  });

  it('and its resampling do not depend on the order of arrival, the blocks, or the place of the states', async () => {
    const made = makeStates([30, 45, 2], 7, 3, 11);
    const all = await measure(made, { halfSamples: 40 });
    assert.equal(all.stored, 'memory');
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 80 }), fc.boolean(), async (seed, block, inFile) => {
        const order = stream(seed, 'order').shuffle([...made.labels.keys()]);
        const other = await measure(made, { halfSamples: 40, ...(inFile ? IN_FILE : {}) }, block, order);
        assertClose(other.nu, all.nu, 1e-11);
        assert.deepEqual(other.shares, all.shares);
        other.intervals?.forEach((interval, layer) => {
          const expected = all.intervals?.[layer];
          assert.ok(interval && expected);
          assertClose([interval.low, interval.high], [expected.low, expected.high], 1e-5);
        });
      }),
      { numRuns: 15 },
    );
  });

  it('passes over filler rows', async () => {
    const made = makeStates([8, 9], 4, 2, 3);
    const accumulator = createVariability({ ...made, seed: 1, halfSamples: 0 });
    for (let from = 0; from < 17; from += 5) {
      const inputs = Array.from({ length: 5 }, (_, i) => (from + i < 17 ? from + i : -1));
      const states = pick(
        made,
        inputs.map((input) => Math.max(0, input)),
      );
      inputs.forEach((input, i) => {
        if (input === -1)
          for (const layer of [0, 1]) states.fill(Number.NaN, (layer * 5 + i) * 4, (layer * 5 + i + 1) * 4);
      });
      accumulator.add(states, inputs);
    }
    assert.deepEqual((await accumulator.finish()).nu, (await measure(made)).nu);
  });

  it('refuses fewer than two classes of two examples', () => {
    const open = (labels: number[]) =>
      createVariability({ layers: 1, width: 2, labels, classes: ['no', 'yes'], seed: 1 });
    assert.throws(
      () => open([0, 0, 0, 1]),
      (error: UserError) => {
        assert.ok(error instanceof UserError && error.hint);
        assert.match(error.message, /two classes.*no: 3, yes: 1/);
        return true;
      },
    );
    assert.throws(() => open([]), UserError);
  });

  it('names the layer whose class means coincide, or whose states are not finite', async () => {
    const made = makeStates([10, 10], 3, 2, 1);
    const flat: Made = { ...made, states: made.states.map((value, i) => (i < 60 ? value : 1)) };
    await assert.rejects(measure(flat), /class means of layer 2 coincide/);
    const broken: Made = { ...made, states: made.states.with(70, Number.NaN) };
    await assert.rejects(measure(broken), /layer 2 .*not finite/);
  });

  it('has no shares where half of every class is the whole class', async () => {
    const result = await measure(makeStates([2, 2, 2], 3, 2, 1), { halfSamples: 30 });
    assert.deepEqual([result.shares, result.halfSamples], [null, 0]);
    assert.equal(result.intervals?.length, 2);
    assert.match(result.warnings.join(), /no shares: no class has more inputs/);
    assert.equal((await measure(makeStates([2, 3], 3, 2, 1), { halfSamples: 30 })).halfSamples, 30);
  });

  it('refuses inputs that come twice, are unknown or are missing, and blocks of another size', async () => {
    const made = makeStates([2, 2], 3, 1, 1);
    const accumulator = createVariability({ ...made, seed: 1 });
    accumulator.add(pick(made, [0, 1]), [0, 1]);
    assert.throws(() => accumulator.add(pick(made, [1]), [1]), /came twice/);
    assert.throws(() => accumulator.add(pick(made, [1]), [4]), /unknown/);
    assert.throws(() => accumulator.add(new Float32Array(5), [2]), SpantuneError);
    await assert.rejects(accumulator.finish(), /2 of 4 inputs/);
  });
});

describe('the place of the states', () => {
  const made = makeStates([50, 30], 6, 3, 21);

  it('gives the same bits from the file as from memory, and leaves no file', async () => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'states-test-'));
    try {
      const memory = await measure(made, { halfSamples: 30 });
      const file = await measure(made, { halfSamples: 30, budget: { memoryBytes: 0, diskBytes: 2 ** 30, folder } });
      assert.deepEqual({ ...file, stored: 'memory' }, memory);
      assert.equal(file.stored, 'file');
      assert.deepEqual(fs.readdirSync(folder), []);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('gives ν alone without room, saying so', async () => {
    const bytes = 3 * 80 * 6 * 4;
    for (const budget of [
      { memoryBytes: bytes - 1, diskBytes: bytes - 1 },
      { memoryBytes: 0, diskBytes: bytes, folder: '/nowhere/at/all' },
    ]) {
      const result = await measure(made, { halfSamples: 30, budget });
      assert.equal(result.stored, 'nowhere');
      assert.equal(result.intervals, null);
      assert.equal(result.shares, null);
      assert.equal(result.halfSamples, 0);
      assert.match(result.warnings[0], /^no interval of ν/);
      assertClose(result.nu, (await measure(made)).nu, 1e-11);
    }
    assert.equal((await measure(made, { halfSamples: 30, budget: { memoryBytes: bytes } })).stored, 'memory');
  });

  it('keeps ν when the disk turns out to be full', async () => {
    const { writeSync } = fs;
    let writes = 0;
    const full = (...args: unknown[]) => {
      if (++writes > 8) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      return (writeSync as (...args: unknown[]) => number)(...args);
    };
    try {
      Object.assign(fs, { writeSync: full });
      syncBuiltinESMExports();
      const result = await measure(made, { halfSamples: 30, ...IN_FILE });
      assert.equal(result.intervals, null);
      assert.match(result.warnings[0], /ENOSPC/);
      assertClose(result.nu, (await measure(made)).nu, 1e-11);
    } finally {
      Object.assign(fs, { writeSync });
      syncBuiltinESMExports();
    }
  });
});
