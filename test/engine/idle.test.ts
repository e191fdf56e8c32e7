/** Rows of a table that no input has used: left out of sums and steps, with the same bits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type CompiledBank, compiledBanks } from '../../src/engine/compiled/bank.js';
import { adamW, decayGroup } from '../../src/training/adamw.js';
import { assertClose, assertSameBits, ON_HOST, withEngine } from './support.js';

const ROWS = 40;

/** Gradient rows of some steps: ids, and whether they are added to what is there. */
const steps = (width: number) =>
  fc.array(
    fc.record({
      ids: fc.array(fc.integer({ min: 0, max: ROWS - 1 }), { maxLength: 8 }),
      add: fc.boolean(),
      values: fc.array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 8 * width, maxLength: 8 * width }),
    }),
    { minLength: 1, maxLength: 5 },
  );

/** `most`: elements of a part; 1 gives every tensor a part of its own. */
function banksOf(width: number, most?: number): CompiledBank[] {
  const entries = ['before.bias', 'table.weight', 'after.bias'].map((name) => ({
    name,
    shape: name === 'table.weight' ? [ROWS, width] : [5],
    group: decayGroup(name),
  }));
  const banks = compiledBanks(entries, 4, most);
  banks[0].write(
    'table.weight',
    Float32Array.from({ length: ROWS * width }, (_, i) => Math.sin(i)),
  );
  return banks;
}

/** Everything that a bank holds, padding included. */
const elements = ({ parts }: CompiledBank) => Float32Array.from(parts.flatMap(({ flat }) => [...flat]));

test('AdamW leaves out what was never used, and gives the same bits as over everything', async () => {
  await withEngine(
    'compiled',
    (engine) =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom(1, 3, 16, 20).chain((width) => fc.tuple(fc.constant(width), steps(width))),
          fc.constantFrom(0, 0.1),
          fc.constantFrom(undefined, 1),
          async ([width, schedule], weightDecay, most) => {
            const update = adamW(engine, { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay });
            const results: Float32Array[][] = [];
            for (const whole of [false, true]) {
              const [parameters, gradients, first, second] = banksOf(width, most);
              let step = 0;
              for (const { ids, add, values } of schedule) {
                gradients.scatter('table.weight', Float32Array.from(values), Int32Array.from(ids), add);
                gradients.write('before.bias', Float32Array.of(1, -1, 0.5, 0, 2));
                if (whole) gradients.overwritten('table.weight');
                const exact = elements(gradients).reduce((sum, x) => sum + x * x, 0);
                assertClose([await engine.sumOfSquares(gradients)], [exact], 1e-5, 'sum of squares');
                await update({ parameters, gradients, first, second }, ++step, 0.1, 1);
              }
              results.push([parameters, first, second].map(elements));
            }
            results[0].forEach((flat, i) => {
              assertSameBits(flat, results[1][i], `bank ${i}`);
            });
          },
        ),
        { numRuns: 60 },
      ),
    ON_HOST,
  );
});

test('parts of a bank give the same as one', async () => {
  await withEngine(
    'compiled',
    async (engine) => {
      const update = adamW(engine, { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.1 });
      const [whole, parted] = await Promise.all(
        [undefined, 1].map(async (most) => {
          const [parameters, gradients, first, second] = banksOf(16, most);
          for (const name of gradients.names) {
            const size = gradients.view(name).length;
            gradients.write(
              name,
              Float32Array.from({ length: size }, (_, i) => Math.cos(i)),
            );
          }
          await update({ parameters, gradients, first, second }, 1, 0.1, 1);
          const norm = await engine.sumOfSquares(gradients);
          const read = await Promise.all(parameters.names.map((name) => parameters.read(name)));
          return { parts: parameters.parts.length, norm, read };
        }),
      );
      assert.deepEqual([whole.parts, parted.parts], [1, 3]);
      assertClose([whole.norm], [parted.norm], 1e-12, 'sum of squares');
      whole.read.forEach((tensor, i) => {
        assertSameBits(tensor, parted.read[i], `tensor ${i}`);
      });
    },
    ON_HOST,
  );
});

test('what is used is told by rows, and everything after any other write', () => {
  const [bank] = banksOf(16);
  const [fresh] = compiledBanks([{ name: 'table', shape: [ROWS, 16] }], 1);
  assert.deepEqual(fresh.used('ever'), []);
  fresh.scatter('table', new Float32Array(3 * 16).fill(1), Int32Array.of(7, 2, 3), false);
  assert.deepEqual(fresh.used('now'), [
    [32, 64],
    [112, 128],
  ]);
  fresh.scatter('table', new Float32Array(16).fill(1), Int32Array.of(4), false);
  assert.deepEqual(fresh.used('now'), [[64, 80]]);
  assert.deepEqual(fresh.used('ever'), [
    [32, 80],
    [112, 128],
  ]);
  fresh.overwritten('table');
  assert.deepEqual(fresh.used('ever'), [[0, ROWS * 16]]);
  // The biases were never written.
  assert.deepEqual(bank.used('ever', 'no-decay'), []);
});
