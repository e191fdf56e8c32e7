/**
 * Results do not depend on threads, neighbours or padding, bit for bit: a layer of width 64 with its gradients. One row alone is
 * outside of this (ONNX Runtime multiplies a single row differently), which is why batches have at least two.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { compiledEngine } from '../../src/engine/compiled/engine.js';
import { readAll } from '../../src/engine/moved.js';
import { attention, dropout, embedding, gelu, layerNorm, linear } from '../../src/engine/ops.js';
import type { Bank, HostTensors, Program, Recordable } from '../../src/engine/types.js';
import { assertSameBits, randomTensors, withGradients } from './support.js';

const [VOCABULARY, HIDDEN, HEADS, INNER] = [50, 64, 4, 256];

const PARAMETERS: Record<string, number[]> = {
  table: [VOCABULARY, HIDDEN],
  ...Object.fromEntries(
    ['query', 'key', 'value', 'attention'].flatMap((name) => [
      [name, [HIDDEN, HIDDEN]],
      [`${name}Bias`, [HIDDEN]],
    ]),
  ),
  up: [INNER, HIDDEN],
  upBias: [INNER],
  down: [HIDDEN, INNER],
  downBias: [HIDDEN],
  scale: [HIDDEN],
  shift: [HIDDEN],
};

/** A transformer layer over embeddings → [batch · length, hidden]. */
const states: (...args: Parameters<Recordable>) => tf.Tensor = (p, { sizes: { batch, length }, chance }) => {
  const x = layerNorm(embedding(p.table, p.ids), p.scale, p.shift, 1e-12);
  const [q, k, v] = ['query', 'key', 'value'].map((name) => linear(x, p[name], p[`${name}Bias`]));
  const options = { batch, length, heads: HEADS, rate: 0.1, site: 'attention', chance };
  const attended = linear(attention(q, k, v, p.mask, options), p.attention, p.attentionBias);
  const middle = layerNorm(tf.add(x, dropout(attended, 0.1, 'middle', chance)), p.scale, p.shift, 1e-12);
  const inner = linear(gelu(linear(middle, p.up, p.upBias)), p.down, p.downBias);
  return layerNorm(tf.add(middle, dropout(inner, 0.1, 'inner', chance)), p.scale, p.shift, 1e-12);
};

const forward: Recordable = (inputs, context) => ({ states: states(inputs, context) });
const gradients = withGradients(Object.keys(PARAMETERS), states);

/** Rows of random ids, padded to `length`. */
function batchOf(
  rows: readonly number[][],
  length: number,
): { inputs: HostTensors; sizes: { batch: number; length: number } } {
  const batch = rows.length;
  const ids = new Int32Array(batch * length);
  const mask = new Float32Array(batch * length).fill(-1e9);
  for (const [r, row] of rows.entries()) {
    ids.set(row, r * length);
    mask.fill(0, r * length, r * length + row.length);
  }
  const inputs = { ids: { shape: [batch * length], data: ids }, mask: { shape: [batch, 1, 1, length], data: mask } };
  return { inputs, sizes: { batch, length } };
}

async function open(threads: number) {
  const engine = compiledEngine({ threads });
  const bank = engine.bank(Object.entries(PARAMETERS).map(([name, shape]) => ({ name, shape })));
  const { floats } = randomTensors('bits');
  for (const [name, shape] of Object.entries(PARAMETERS)) bank.write(name, floats(shape, -0.3, 0.3).data);
  return { engine, bank, constants: engine.constants(await readAll(bank)) };
}

const one = await open(1);
const two = await open(2);
after(async () => {
  await one.engine.close();
  await two.engine.close();
});

const rowsOf = (key: number | string, lengths: readonly number[]) =>
  lengths.map((length, i) => [...randomTensors(key, i).integers([length], VOCABULARY).data]);

test('one and two threads give the same bits, gradients and dropout included', async () => {
  for (const [batch, length] of [
    [2, 5],
    [16, 40],
    [7, 64],
  ]) {
    const call = batchOf(
      rowsOf(
        batch,
        Array.from({ length: batch }, (_, i) => length - (i % 5)),
      ),
      length,
    );
    const weights = randomTensors(batch, length).floats([batch * length, HIDDEN]);
    const run = ({ engine, bank }: typeof one) =>
      engine
        .program('gradients', gradients)
        .run({ sizes: call.sizes, inputs: { ...call.inputs, weights }, banks: [bank], chance: [1, length] });
    const [single, double] = [await run(one), await run(two)];
    for (const [name, { data }] of Object.entries(single)) {
      assertSameBits(double[name].data, data, `${batch} × ${length}, ${name}`);
    }
  }
});

test('one and two threads give the same bits element by element and summed up', async () => {
  const results = [];
  for (const { engine } of [one, two]) {
    const bank = engine.bank([{ name: 'x', shape: [300_001] }]);
    bank.write('x', randomTensors('elements').floats([300_001]).data);
    const program = engine.elementwise(
      'f',
      ([x], { rate }) => [tf.div(tf.mul(x, rate), tf.add(tf.sqrt(tf.abs(x)), 1))],
      ['rate'],
    );
    const sum = await engine.sumOfSquares(bank);
    await program.run({ reads: [bank], writes: [bank], scalars: { rate: 0.3 } });
    results.push({ sum, data: await bank.read('x') });
  }
  assert.equal(results[1].sum, results[0].sum);
  assertSameBits(results[1].data, results[0].data, 'elements');
});

const shapes = ({ batch, length }: Record<string, number>) => ({ ids: [batch * length], mask: [batch, 1, 1, length] });

/** States of a row's own tokens. */
async function statesOf(
  { program, bank }: { program: Program; bank: Bank },
  rows: readonly number[][],
  at: number,
  length: number,
): Promise<Float32Array> {
  const result = await program.run({ ...batchOf(rows, length), banks: [bank] });
  const start = at * length * HIDDEN;
  return (result.states.data as Float32Array).slice(start, start + rows[at].length * HIDDEN);
}

test('a row has the same states whatever its neighbours and its padding, weights given anew or laid out once', async () => {
  const sides = [one, two].flatMap(({ engine, bank, constants }) => {
    const program = engine.program('states', forward, { shapes });
    return [
      { program, bank },
      { program, bank: constants },
    ];
  });
  const cases = fc.record({
    own: fc.integer({ min: 1, max: 40 }),
    others: fc.array(fc.integer({ min: 1, max: 48 }), { minLength: 1, maxLength: 20 }),
    at: fc.nat(),
    padding: fc.integer({ min: 0, max: 24 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ own, others, at, padding, seed }) => {
      const [row] = rowsOf(seed, [own]);
      const pair = [row, row];
      const expected = await statesOf(sides[0], pair, 0, Math.max(own, 2));
      const rows = rowsOf(seed + 1, others);
      const place = at % (rows.length + 1);
      rows.splice(place, 0, row);
      const length = Math.max(2, ...rows.map((each) => each.length)) + padding;
      for (const [i, side] of sides.entries())
        assertSameBits(await statesOf(side, rows, place, length), expected, `side ${i}`);
    }),
    { numRuns: 60 },
  );
});

test('a program of fixed shape gives the bits of the symbolic one', async () => {
  const symbolic = one.engine.program('states', forward, { shapes });
  const fixed = one.engine.program('states', forward);
  for (const [lengths, length] of [
    [[3, 5], 8],
    [[16, 9, 2, 30], 32],
    [[40, 40, 12, 7, 1, 22, 33], 64],
  ] as [number[], number][]) {
    const call = { ...batchOf(rowsOf(length, lengths), length), banks: [one.bank] };
    const expected = (await symbolic.run(call)).states.data.slice();
    assertSameBits((await fixed.run(call)).states.data, expected, `${lengths} in ${length}`);
  }
});
