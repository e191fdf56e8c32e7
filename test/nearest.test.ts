/** Edit distance and "did you mean". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance, nearest } from '../src/nearest.js';

test('edit distance of known pairs', () => {
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(editDistance('trainng', 'training'), 1);
  assert.equal(editDistance('mrcp', 'mrpc'), 1, 'a swap of neighbours is one edit');
  assert.equal(editDistance('', 'abc'), 3);
});

test('edit distance is symmetric, zero for equals alone, and bounded by the longer word', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
      assert.ok(distance >= Math.abs(a.length - b.length));
    }),
  );
});

test('one more letter changes the distance by one at most', () => {
  const word = fc.string({ maxLength: 10 });
  fc.assert(
    fc.property(word, word, fc.string({ minLength: 1, maxLength: 1 }), (a, b, letter) => {
      assert.ok(Math.abs(editDistance(a + letter, b) - editDistance(a, b)) <= 1);
    }),
  );
});

test('nearest finds a slip and leaves strangers alone', () => {
  const names = ['epochs', 'batchSize', 'learningRate', 'k'];
  assert.equal(nearest('epoch', names), 'epochs');
  assert.equal(nearest('batchsize', names), 'batchSize');
  assert.equal(nearest('lerningrate', names), 'learningRate');
  assert.equal(nearest('gradientPenalty', names), undefined);
  assert.equal(nearest('x', names), undefined, 'one letter is like any other');
});
