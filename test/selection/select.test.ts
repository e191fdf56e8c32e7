import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { binScores, rankBins, SCORE_BINS, tableOfClasses } from '../../src/selection/classes.js';
import { stratifiedSample } from '../../src/selection/sample.js';
import { summariseSelection } from '../../src/selection/select.js';
import { makeStates, measure } from './helpers.js';

describe('the summary', () => {
  const measured = {
    samples: 100,
    nu: [5, 7, 6],
    intervals: [{ low: 4, high: 6 }, { low: 6, high: 8 }, null],
    shares: [0.45, 0.15, 0.4],
    halfSamples: 200,
    stored: 'memory' as const,
    leftOut: ['rare'],
    warnings: [],
  };

  it('holds the curve, the plain argmin, the proposal and how sure it is', () => {
    assert.deepEqual(summariseSelection(measured, { k: 2, range: 'fit' }), {
      samples: 100,
      layers: [
        { layer: 1, nu: 5, low: 4, high: 6, share: 0.45 },
        { layer: 2, nu: 7, low: 6, high: 8, share: 0.15 },
        { layer: 3, nu: 6, low: null, high: null, share: 0.4 },
      ],
      selected: 1,
      arm: { name: 'selected-2', bottom: 2, top: 3, head: 3 },
      note: 'lowest ν among layers 2-3, where two layers fit',
      k: 2,
      range: 'fit',
      halfSamples: 200,
      leftOut: ['rare'],
      undecided: true,
      warnings: [],
    });
  });

  it('is undecided only where the shares say so', () => {
    const sure = { ...measured, shares: [0.5, 0.3, 0.2] };
    assert.equal(summariseSelection(sure, { k: 1, range: 'fit' }).undecided, false);
    const unknown = { ...measured, shares: null, intervals: null, halfSamples: 0 };
    const summary = summariseSelection(unknown, { k: 1, range: 'all' });
    assert.equal(summary.undecided, false);
    assert.deepEqual(summary.layers[1], { layer: 2, nu: 7, low: null, high: null, share: null });
  });

  it('refuses more layers than there are', () => {
    assert.throws(() => summariseSelection(measured, { k: 4, range: 'fit' }), UserError);
  });

  it('comes whole from measured states', async () => {
    const made = makeStates([40, 40], 4, 3, 1, 1);
    const summary = summariseSelection(await measure(made, { halfSamples: 20 }), { k: 1, range: 'fit' });
    assert.equal(summary.selected, 3);
    assert.deepEqual(summary.arm, { name: 'selected-1', bottom: 3, top: 3, head: 3 });
    assert.ok(
      summary.layers.every(
        ({ nu, low, high }) => nu !== null && low !== null && high !== null && low < nu && nu < high,
      ),
    );
  });
});

describe('classes', () => {
  it('of scores: the nearest integer, halves up', () => {
    const scores = [0, 0.49, 0.5, 1.5, 2.5, 4.499, 4.5, 5, 0.49999999999999994];
    assert.deepEqual([...binScores(scores)], [0, 0, 1, 2, 3, 4, 5, 5, 0]);
    assert.equal(SCORE_BINS[binScores([3.2])[0]], '3');
    for (const score of [-0.1, 5.01, Number.NaN]) assert.throws(() => binScores([1, score]), /input 1.*outside 0…5/);
  });

  it('of scores on any scale: parts of equal size in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 4, maxLength: 60 }), (scores) => {
        const bins = rankBins(scores);
        const sizes = [...new Set(bins)].map((bin) => bins.filter((other) => other === bin).length);
        assert.ok(Math.min(...sizes) >= 2 && Math.max(...sizes) - Math.min(...sizes) <= 1);
        bins.forEach((bin, i) => {
          bins.forEach((other, j) => {
            assert.ok(bin >= other || scores[i] <= scores[j]);
          });
        });
      }),
    );
  });

  it('of one example are left out and named, absent ones passed over', () => {
    const table = tableOfClasses([0, 2, 0, 3, 2, 2], ['a', 'b', 'c', 'd']);
    assert.deepEqual(table.names, ['a', 'c']);
    assert.deepEqual(table.sizes, [2, 3]);
    assert.deepEqual([...table.of], [0, 1, 0, -1, 1, 1]);
    assert.deepEqual(table.leftOut, ['d']);
    assert.equal(table.rows, 5);
  });
});

describe('a stratified sample', () => {
  it('keeps the shares, two of each class where it can, and no input twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 2, max: 300 }),
        fc.nat(),
        (sizes, size, seed) => {
          const labels = sizes.flatMap((n, y) => new Array<number>(n).fill(y));
          const chosen = stratifiedSample(labels, size, seed);
          assert.equal(chosen.length, Math.min(size, labels.length));
          assert.equal(new Set(chosen).size, chosen.length);
          assert.deepEqual(
            [...chosen],
            [...chosen].sort((a, b) => a - b),
          );
          assert.deepEqual(stratifiedSample(labels, size, seed), chosen);
          sizes.forEach((n, y) => {
            const got = [...chosen].filter((i) => labels[i] === y).length;
            const share = (n * chosen.length) / labels.length;
            if (size >= 2 * sizes.length) assert.ok(got >= Math.min(2, n));
            if (sizes.every((other) => (other * size) / labels.length >= 2)) assert.ok(Math.abs(got - share) < 1);
          });
        },
      ),
    );
  });

  it('differs by seed', () => {
    const labels = Array.from({ length: 200 }, (_, i) => i % 3);
    assert.notDeepEqual(stratifiedSample(labels, 50, 1), stratifiedSample(labels, 50, 2));
  });
});
