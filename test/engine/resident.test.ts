/** State that stays on a device: the same numbers as in the host's memory; on the processor where there is no device. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { compiledEngine } from '../../src/engine/compiled/engine.js';
import type { ResidentBank } from '../../src/engine/compiled/resident/bank.js';
import { residentState } from '../../src/engine/compiled/resident/state.js';
import { readAll } from '../../src/engine/moved.js';
import type { BankEntry, Engine } from '../../src/engine/types.js';
import { adamW, DECAY, NO_DECAY } from '../../src/training/adamw.js';
import { assertClose, device, randomTensors, sizeOf, withEngine } from './support.js';

const ENTRIES: BankEntry[] = [
  { name: 'table', shape: [40, 6], group: DECAY },
  { name: 'bias', shape: [7], group: NO_DECAY },
  { name: 'weight', shape: [3, 2, 5], group: DECAY },
  { name: 'scale', shape: [], group: NO_DECAY },
  { name: 'same', shape: [3, 2, 5], group: DECAY },
];

const resident = (chunk?: number) => {
  const host = { threads: 1, device: device() };
  // The rest of the engine is none of the state's business.
  return { ...compiledEngine(host), ...residentState(host, chunk) };
};

/** Three steps of AdamW; parameters, moments, and the norm of each step's gradient. */
async function steps(engine: Engine) {
  const { floats } = randomTensors('resident');
  const [parameters, gradients, first, second] = engine.banks(ENTRIES, 4);
  for (const { name, shape } of ENTRIES) parameters.write(name, floats(shape).data);
  const update = adamW(engine, { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.1 });
  const squares: number[] = [];
  for (let step = 1; step <= 3; step++) {
    for (const { name, shape } of ENTRIES) gradients.write(name, floats(shape, -2, 2).data);
    squares.push(await engine.sumOfSquares(gradients));
    await update({ parameters, gradients, first, second }, step, 1e-2, 0.5);
  }
  const banks = await Promise.all([parameters, first, second].map(readAll));
  return { squares, banks };
}

for (const chunk of [1, 100, undefined]) {
  test(`AdamW and sums of squares as in the host's memory, ${chunk ?? 'all'} elements at once`, async () => {
    const expected = await withEngine('cpu', steps);
    const engine = resident(chunk);
    try {
      const actual = await steps(engine);
      assertClose(actual.squares, expected.squares, 1e-6, 'sums of squares');
      actual.banks.forEach((bank, i) => {
        for (const [name, { data }] of bank) {
          assertClose(data, expected.banks[i].get(name)?.data ?? [], 1e-6, `bank ${i}, ${name}`);
        }
      });
    } finally {
      await engine.close();
    }
  });
}

test('a bank is 0 at first, gives copies, and is closed with its engine', async () => {
  const engine = resident();
  const bank = engine.bank(ENTRIES) as ResidentBank;
  assert.equal(bank.size, 40 * 6 + 7 + 30 + 1 + 30);
  assert.equal(await engine.sumOfSquares(bank), 0);
  assert.deepEqual(await bank.read('bias'), new Float32Array(7));
  const data = new Float32Array(7).fill(2);
  bank.write('bias', data);
  data.fill(3);
  (await bank.read('bias')).fill(4);
  const before = await bank.tensor('bias');
  assert.deepEqual(await bank.read('bias'), new Float32Array(7).fill(2));
  assert.equal(await bank.tensor('bias'), before, 'it crosses over once');
  bank.write('bias', data);
  assert.deepEqual(await bank.read('bias'), data);
  assert.throws(() => bank.write('bias', new Float32Array(8)), { message: '"bias" has 7 elements, not 8' });
  await assert.rejects(bank.read('none'), { name: 'EngineError', message: /no tensor "none"/ });
  const constants = engine.constants(new Map([['w', { shape: [2], data: Float32Array.of(1, 2) }]]));
  assert.throws(() => constants.write('w', new Float32Array(2)), { name: 'EngineError', message: /is a constant/ });
  await engine.close();
  await assert.rejects(bank.read('bias'), { name: 'EngineError', message: /given back/ });
});

test('gradients and what is tuned never leave the device, and what is replaced is let go', {
  skip: device() !== 'webgpu' && 'SPANTUNE_TEST_DEVICE is not webgpu',
}, async () => {
  await withEngine('compiled', async (engine) => {
    const entries = [{ name: 'w', shape: [3, 4] }];
    const [parameters, gradients] = engine.banks(entries, 2) as ResidentBank[];
    parameters.write('w', randomTensors('w').floats([3, 4]).data);
    const program = engine.program('double', ({ w, by }) => ({ w: tf.mul(w, by), sum: tf.sum(w) }));
    const descend = engine.elementwise('descend', ([w, g]) => [tf.sub(w, g)], []);
    let gone: Awaited<ReturnType<ResidentBank['tensor']>> | undefined;
    for (let step = 0; step < 3; step++) {
      const { sum } = await program.run({
        inputs: { by: { shape: [], data: Float32Array.of(0.5) } },
        banks: [parameters],
        into: { bank: gradients, add: step > 0 },
      });
      assert.ok(Number.isFinite(sum.data[0]), 'what the caller asked for is on the host');
      const before = await parameters.tensor('w');
      await descend.run({ reads: [parameters, gradients], writes: [parameters], scalars: {} });
      for (const bank of [parameters, gradients]) assert.equal((await bank.tensor('w')).location, 'gpu-buffer');
      assert.equal(before.location, 'none');
      if (gone) assert.equal(gone.location, 'none');
      gone = await gradients.tensor('w');
    }
    assert.equal((await parameters.read('w')).length, sizeOf([3, 4]));
  });
});
