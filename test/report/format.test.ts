/** Numbers as people read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatBar,
  formatBytes,
  formatClock,
  formatCount,
  formatInteger,
  formatNumber,
  formatPercent,
  formatSeconds,
  formatSome,
} from '../../src/report/format.js';

test('counts, bytes and integers', () => {
  assert.deepEqual([0, 999, 1000, 5120, 99_960, 22_600_000, 355_361_794].map(formatCount), [
    '0',
    '999',
    '1.0 k',
    '5.1 k',
    '100 k',
    '22.6 M',
    '355 M',
  ]);
  assert.deepEqual([0, 540e6, 1.9e9, 999.6e6].map(formatBytes), ['0 B', '540 MB', '1.9 GB', '1.0 GB']);
  assert.deepEqual([0, 999, 3668, 67_349, 1_234_567].map(formatInteger), ['0', '999', '3 668', '67 349', '1 234 567']);
});

test('the beginning of a list says how many are left', () => {
  assert.deepEqual(
    [1, 2, 3].map((most) => formatSome(['a', 'b', 'c'], most)),
    ['a and 2 more', 'a, b and 1 more', 'a, b, c'],
  );
});

test('durations and clocks', () => {
  assert.deepEqual([0.44, 9.94, 9.96, 412, 999.6, 5399, 5400].map(formatSeconds), [
    '0.4 s',
    '9.9 s',
    '10 s',
    '412 s',
    '17 min',
    '90 min',
    '1.5 h',
  ]);
  assert.deepEqual([19, 59.6, 725, 3725].map(formatClock), ['0:19', '1:00', '12:05', '1:02:05']);
});

test('shares and values', () => {
  assert.deepEqual([0, 0.003, 0.62, 0.995, 1].map(formatPercent), ['0 %', '0.3 %', '62 %', '100 %', '100 %']);
  assert.deepEqual([0, 0.0312, 5.641, 81.23, 120.5, 2.5e6, Infinity].map(formatNumber), [
    '0.00',
    '0.0312',
    '5.64',
    '81.2',
    '121',
    '2.50e+6',
    'Infinity',
  ]);
});

test('a bar grows with its share, never exceeds its width, and shows whatever is above zero', () => {
  assert.equal(formatBar(0, 8), '');
  assert.equal(formatBar(1e-9, 8), '▏');
  assert.equal(formatBar(0.5, 8), '████');
  assert.equal(formatBar(1, 8), '████████');
  assert.equal(formatBar(2, 8), '████████');
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      assert.ok(formatBar(low, 8).length <= formatBar(high, 8).length);
      assert.ok(formatBar(high, 8).length <= 8);
    }),
  );
});
