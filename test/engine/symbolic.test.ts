/** Programs with symbolic sizes: recorded once, run at any batch and length. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { compiledEngine } from '../../src/engine/compiled/engine.js';
import { compiledProgram } from '../../src/engine/compiled/program.js';
import { createSessionCache } from '../../src/engine/compiled/session.js';
import { eagerEngine } from '../../src/engine/eager/engine.js';
import { attention, dropout, embedding, gelu, layerNorm, linear } from '../../src/engine/ops.js';
import type { Engine, HostTensors, Recordable, Sizes } from '../../src/engine/types.js';
import { assertAgree, backend, ON_HOST, randomTensors, withEngine } from './support.js';

const [VOCABULARY, HIDDEN, HEADS, INNER] = [11, 8, 2, 12];

const PARAMETERS: Record<string, number[]> = {
  word: [VOCABULARY, HIDDEN],
  query: [HIDDEN, HIDDEN],
  value: [HIDDEN, HIDDEN],
  bias: [HIDDEN],
  scale: [HIDDEN],
  up: [INNER, HIDDEN],
  upBias: [INNER],
};

const shapes = ({ batch, length }: Sizes) => ({
  ids: [batch * length],
  mask: [batch, 1, 1, length],
  relative: [length * length, HEADS],
  pooling: [batch, length],
});

/** A layer in small, with every use of a size that an encoder makes: split heads, a bias by position, pooling, a first token. */
const layer: Recordable = (inputs, { sizes: { batch, length } }) => {
  const { word, query, value, bias, scale, up, upBias, ids, mask, relative, pooling } = inputs;
  const x = embedding(word, ids);
  const byPosition = tf.transpose(tf.reshape(relative, [1, length, length, HEADS]), [0, 3, 1, 2]);
  const [q, v] = [linear(x, query, bias), linear(x, value, bias)];
  const attended = attention(q, x, v, tf.add(mask, byPosition), {
    batch,
    length,
    heads: HEADS,
    rate: 0,
    site: 'a',
    chance: undefined,
  });
  const states = layerNorm(tf.add(x, attended), scale, bias, 1e-5);
  const wide = gelu(linear(states, up, upBias));
  const byRow = tf.reshape(states, [batch, length, HIDDEN]);
  const pooled = tf.reshape(tf.matMul(tf.reshape(pooling, [batch, 1, length]), byRow), [batch, HIDDEN]);
  return {
    states,
    pooled,
    wide,
    first: tf.reshape(tf.slice(byRow, [0, 0, 0], [batch, 1, HIDDEN]), [batch, HIDDEN]),
    constant: tf.mul(tf.onesLike(pooled), 2),
    stretched: tf.tile(tf.reshape(pooled, [batch, 1, HIDDEN]), [1, length, 1]),
    flat: tf.reshape(byRow, [batch * length * HIDDEN]),
    gradient: tf.grad((p) => tf.sum(tf.square(tf.mul(p, tf.sum(byRow, -1)))))(pooling),
  };
};

function inputsFor({ batch, length }: Sizes): HostTensors {
  const { floats, integers } = randomTensors('symbolic', batch, length);
  const at = shapes({ batch, length });
  return {
    ids: integers(at.ids, VOCABULARY),
    mask: floats(at.mask),
    relative: floats(at.relative),
    pooling: floats(at.pooling),
  };
}

function parametersOf(engine: Engine) {
  const { floats } = randomTensors('symbolic parameters');
  const bank = engine.bank(Object.entries(PARAMETERS).map(([name, shape]) => ({ name, shape })));
  for (const [name, shape] of Object.entries(PARAMETERS)) bank.write(name, floats(shape).data);
  return bank;
}

test('one session serves all sizes, with the eager results', async () => {
  const eager = await eagerEngine(backend());
  const oracle = eager.program('layer', layer);
  const reference = parametersOf(eager);
  const compiled = compiledEngine({ threads: 1 });
  const bank = parametersOf(compiled);
  const cache = createSessionCache<
    Parameters<Parameters<typeof compiledProgram>[0]['cache']['get']>[2] extends (entry: infer T) => number ? T : never
  >(2 ** 30);
  const program = compiledProgram({ threads: 1, device: 'cpu' as const, cache }, 'layer', layer, { shapes });
  const run = async (sizes: Sizes) => {
    const inputs = inputsFor(sizes);
    assertAgree(
      {
        compiled: await program.run({ inputs, sizes, banks: [bank] }),
        eager: await oracle.run({ inputs, sizes, banks: [reference] }),
      },
      1e-5,
      JSON.stringify(sizes),
    );
    assert.equal(cache.size, 1);
  };
  try {
    await run({ batch: 2, length: 3 });
    const small = cache.bytes;
    await run({ batch: 5, length: 8 });
    assert.ok(cache.bytes > small, 'a larger call takes more');
    // What a call of this size holds at once is some tens of its states, not billions of stand-ins.
    assert.ok(cache.bytes < 100 * 5 * 8 * (HIDDEN + INNER + HEADS * 8) * 4, `${cache.bytes} bytes`);
    const large = cache.bytes;
    await run({ batch: 1, length: 1 });
    assert.equal(cache.bytes, large, 'an arena never shrinks');
    const anySizes = fc.record({ batch: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 1, max: 17 }) });
    await fc.assert(fc.asyncProperty(anySizes, run), { numRuns: 25 });
    // A stand-in itself is a size like any other.
    const { pooled } = await program.run({
      inputs: inputsFor({ batch: 10007, length: 1 }),
      sizes: { batch: 10007, length: 1 },
      banks: [bank],
    });
    assert.deepEqual(pooled.shape, [10007, HIDDEN]);
  } finally {
    await cache.clear();
    await compiled.close();
  }
});

test('masks have the size of the call, and are the eager ones', async () => {
  const body: Recordable = ({ x }, { sizes: { rows, columns }, chance }) => {
    const square = tf.reshape(dropout(x, 0.3, 'flat', chance), [rows, columns, 2]);
    return { y: dropout(square, 0.5, 'square', chance) };
  };
  await withEngine('compiled', async (compiled) => {
    await withEngine('cpu', async (eager) => {
      const program = compiled.program('dropout', body, {
        shapes: ({ rows, columns }) => ({ x: [rows * columns, 2], row: [rows, 1], column: [columns] }),
      });
      const oracle = eager.program('dropout', body);
      for (const [rows, columns] of [
        [2, 3],
        [7, 5],
        [1, 1],
        [2, 3],
      ]) {
        const { floats } = randomTensors(rows, columns);
        const inputs = { x: floats([rows * columns, 2]), row: floats([rows, 1]), column: floats([columns]) };
        const call = { inputs, sizes: { rows, columns }, chance: [4, rows] };
        assertAgree({ compiled: await program.run(call), eager: await oracle.run(call) }, 1e-6, `${rows} × ${columns}`);
      }
    });
  });
});

test('a slice’s gradient is padded to the size of the call; what would freeze a stand-in is refused', async () => {
  const shapesOfX = ({ n, m }: Sizes) => ({ x: [n, m, 2], row: [m] });
  const body: Recordable = ({ x, row }, { sizes: { n } }) => ({
    first: tf.grad((v) => tf.sum(tf.square(tf.slice(v, [0, 0, 0], [n, 1, 2]))))(x),
    one: tf.grad((v) => tf.sum(tf.square(tf.slice(v, [0], [1]))))(row),
    margins: tf.pad(x, [
      [0, 0],
      [0, 0],
      [1, 3],
    ]),
  });
  await withEngine(
    'compiled',
    async (compiled) => {
      await withEngine('cpu', async (eager) => {
        const program = compiled.program('slices', body, { shapes: shapesOfX });
        const oracle = eager.program('slices', body);
        for (const [n, m] of [
          [2, 3],
          [4, 1],
          [1, 6],
        ]) {
          const { floats } = randomTensors(n, m);
          const call = { inputs: { x: floats([n, m, 2]), row: floats([m]) }, sizes: { n, m } };
          assertAgree({ compiled: await program.run(call), eager: await oracle.run(call) }, 1e-6, `${n} × ${m}`);
        }
        const { floats } = randomTensors(0);
        const call = { inputs: { x: floats([1, 2, 2]), row: floats([4]) }, sizes: { n: 1, m: 4 } };
        const refused: [RegExp, Recordable][] = [
          [/^PadV2 .* symbolic$/, ({ row }) => ({ y: tf.pad(row, [[0, 1]]) })],
          [/^Slice .* symbolic$/, ({ row }) => ({ y: tf.slice(row, 1) })],
          [/^Slice .* symbolic$/, ({ row }, { sizes: { m } }) => ({ y: tf.slice(row, 0, m - 1) })],
          [/^Slice .* symbolic$/, ({ row }, { sizes: { m } }) => ({ y: tf.slice(row, m - 1, 1) })],
          [/^Slice .* symbolic$/, ({ row }, { sizes: { m } }) => ({ y: tf.slice(tf.concat([row, row]), m, m) })],
        ];
        for (const [message, longer] of refused) {
          const program = compiled.program('refused', longer, { shapes: shapesOfX });
          await assert.rejects(program.run(call), { name: 'EngineError', message });
        }
      });
    },
    ON_HOST,
  );
});

test('a size that no input has alone is refused', async () => {
  await withEngine(
    'compiled',
    async (engine) => {
      const program = engine.program('p', ({ x }, { sizes: { n } }) => ({ y: tf.reshape(x, [n, n, 1]) }), {
        shapes: ({ n }) => ({ x: [n * n] }),
      });
      await assert.rejects(program.run({ inputs: { x: randomTensors(1).floats([4]) }, sizes: { n: 2 } }), {
        name: 'EngineError',
        message: /no input has a dimension that is n alone/,
      });
    },
    ON_HOST,
  );
});
