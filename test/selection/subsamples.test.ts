/** Draws with other shares of the classes, and ν on them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { stream } from '../../src/random.js';
import { drawCounts, imbalancedCounts, imbalanceSize, variabilityOfRows } from '../../src/selection/subsamples.js';

interface Case {
  name: string;
  layers: number;
  width: number;
  classes: string[];
  labels: number[];
  nu: number[];
  states: string;
}
const CASES: Case[] = JSON.parse(
  readFileSync(new URL('../fixtures/selection/variability.json', import.meta.url), 'utf8'),
);

test('ν of all rows is what numpy finds, and ν of a part that of the part alone', () => {
  for (const { name, layers, width, classes, labels, nu, states } of CASES) {
    const bytes = Buffer.from(states, 'base64');
    const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const rows = Int32Array.from(labels, (_, row) => row);
    const classOf = Int32Array.from(labels);
    for (let layer = 0; layer < layers; layer++) {
      const own = all.subarray(layer * labels.length * width, (layer + 1) * labels.length * width);
      const found = variabilityOfRows(own, width, classOf, classes.length, rows);
      assert.ok(Math.abs(found / nu[layer] - 1) < 1e-5, `${name}: ${found}, expected ${nu[layer]}`);
      // Rows that are not drawn, whatever they hold, count for nothing.
      const twice = new Float32Array(2 * own.length).fill(1e6);
      twice.set(own, own.length);
      const later = variabilityOfRows(
        twice,
        width,
        Int32Array.from([...labels, ...labels]),
        classes.length,
        rows.map((row) => row + labels.length),
      );
      assert.equal(later, found);
    }
  }
  assert.ok(Number.isNaN(variabilityOfRows(new Float32Array(4), 2, Int32Array.of(0, 1), 2, Int32Array.of(0, 1))));
});

test('the counts add up, one class is rarer by the ratio, and the size is the largest that every ratio allows', () => {
  assert.deepEqual(imbalancedCounts(2, 102, 50, 0), [2, 100]);
  assert.deepEqual(imbalancedCounts(3, 70, 3, 1), [30, 10, 30]);
  // 1 194 and 2 474 inputs: at 1:50 either class has to give 50 of 51.
  assert.equal(imbalanceSize([1194, 2474], [1, 50]), 1218);
  const ratios = [1, 2, 5, 10];
  const sizes = fc.array(fc.integer({ min: 12, max: 300 }), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(sizes, (of) => {
      let size: number;
      try {
        size = imbalanceSize(of, ratios);
      } catch (error) {
        assert.ok(error instanceof UserError);
        return;
      }
      const fits = (n: number) =>
        ratios.every((ratio) =>
          of.every((_, rare) => {
            const counts = imbalancedCounts(of.length, n, ratio, rare);
            assert.equal(
              counts.reduce((a, b) => a + b),
              n,
            );
            const others = counts.filter((_count, label) => label !== rare);
            assert.ok(Math.max(...others) - Math.min(...others) <= 1);
            assert.ok(Math.abs(counts[rare] * (1 + ratio * (of.length - 1)) - n) <= (1 + ratio * (of.length - 1)) / 2);
            return counts[rare] >= 2 && counts.every((count, label) => count <= of[label]);
          }),
        );
      assert.ok(fits(size));
      for (let more = size + 1; more < size + 20; more++) assert.ok(!fits(more), `${more} after ${size}`);
    }),
  );
  assert.throws(() => imbalanceSize([8, 9], [50]), /50 times rarer.*smallest has 8/);
});

test('a draw has so many rows of each class, none twice', () => {
  const members = [Int32Array.of(0, 2, 4, 6), Int32Array.of(1, 3, 5)];
  const rows = Array.from(drawCounts(members, [3, 1], stream(1)));
  assert.equal(new Set(rows).size, 4);
  assert.equal(rows.filter((row) => row % 2 === 0).length, 3);
  assert.deepEqual(
    rows,
    rows.slice().sort((a, b) => a - b),
  );
  const drawn = new Set(Array.from({ length: 60 }, (_, i) => drawCounts(members, [3, 1], stream(i)).join()));
  assert.equal(drawn.size, 12, 'every draw comes up');
});
