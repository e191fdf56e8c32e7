/** The cache of compiled shapes: bounded in bytes, least recently used goes first, and results stay right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import type { InferenceSession } from 'onnxruntime-node';
import { createGraph } from '../../src/engine/compiled/graph.js';
import { compiledProgram, type ProgramHost } from '../../src/engine/compiled/program.js';
import { type Cached, createSessionCache, peakBytes } from '../../src/engine/compiled/session.js';
import { gelu } from '../../src/engine/ops.js';
import type { Engine, Recordable } from '../../src/engine/types.js';
import { assertClose, ON_HOST, randomTensors, withEngine } from './support.js';

type Entry = Awaited<ReturnType<ProgramHost['cache']['get']>>;

/** A cache that notes which sessions it opened and which of them were released. */
function watchedCache(
  limit: number,
): ProgramHost['cache'] & { size(): number; bytes(): number; open(): number; clear(): Promise<void> } {
  const cache = createSessionCache<Entry>(limit);
  let open = 0;
  return {
    get: (key, make, measure) =>
      cache.get(
        key,
        async () => {
          const entry = await make();
          open++;
          const release = entry.session.release.bind(entry.session);
          entry.session.release = async () => {
            open--;
            await release();
          };
          return entry;
        },
        measure,
      ),
    size: () => cache.size,
    bytes: () => cache.bytes,
    open: () => open,
    clear: () => cache.clear(),
  };
}

const body: Recordable = ({ x }) => ({ y: tf.sum(gelu(tf.mul(x, x)), 1) });

/** gelu(x²) summed over rows, by TensorFlow.js at once. */
const expected = (x: Float32Array, shape: number[]) =>
  tf.tidy(() => tf.sum(gelu(tf.square(tf.tensor(x.slice(), shape))), 1).dataSync());

async function runAll(host: ProgramHost, rounds: number): Promise<void> {
  const program = compiledProgram(host, 'p', body);
  for (let round = 0; round < rounds; round++) {
    for (const columns of [8, 64, 16, 8, 32]) {
      const x = randomTensors(round, columns).floats([3, columns]);
      const { y } = await program.run({ inputs: { x } });
      assertClose(y.data, expected(x.data, x.shape), 1e-5, `${columns} columns`);
    }
  }
}

test('a small cache evicts, releases, and compiles again with right results', async () => {
  const cache = watchedCache(1);
  await runAll({ threads: 1, device: 'cpu' as const, cache }, 3);
  assert.equal(cache.size(), 1, 'what was asked for last stays, however large');
  assert.equal(cache.open(), 1, 'all others are released');
  await cache.clear();
  assert.equal(cache.open(), 0);
  assert.equal(cache.bytes(), 0);
});

test('a large cache keeps one session a shape', async () => {
  const cache = watchedCache(2 ** 30);
  await runAll({ threads: 1, device: 'cpu' as const, cache }, 2);
  assert.equal(cache.size(), 4);
  assert.equal(cache.open(), 4);
  await cache.clear();
});

test('the bound of the engine is that of its options', async () => {
  await withEngine(
    'compiled',
    async (engine) => {
      const program = engine.program('p', body);
      for (const columns of [4, 12, 4, 20, 12]) {
        const x = randomTensors(columns).floats([2, columns]);
        const { y } = await program.run({ inputs: { x } });
        assertClose(y.data, expected(x.data, x.shape), 1e-5, `${columns} columns`);
      }
    },
    { threads: 1, device: 'cpu' as const, cacheBytes: 1 },
  );
});

test('a symbolic program and programs of fixed shapes do not drive each other out', async () => {
  const cache = watchedCache(2 ** 20);
  const host = { threads: 1, device: 'cpu' as const, cache };
  const symbolic = compiledProgram(host, 'symbolic', body, { shapes: ({ n }) => ({ x: [n, 4] }) });
  const fixed = compiledProgram(host, 'fixed', body);
  for (const n of [3, 9, 5]) {
    const inputs = { x: randomTensors(n).floats([n, 4]) };
    await symbolic.run({ inputs, sizes: { n } });
    await fixed.run({ inputs });
  }
  assert.equal(cache.size(), 4);
  assert.equal(cache.open(), 4);
  await cache.clear();
});

test('what a session keeps of constants is counted', async () => {
  const { floats } = randomTensors('constants');
  const inputs = { x: floats([2, 100]) };
  const held: number[] = [];
  for (const open of [(engine: Engine) => engine.bank([{ name: 'w', shape: [100, 50] }]), constants]) {
    await withEngine(
      'compiled',
      async (engine) => {
        const cache = watchedCache(2 ** 30);
        const product: Recordable = ({ x, w }) => ({ y: tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D) });
        const host = { threads: 1, device: 'cpu' as const, cache };
        const program = compiledProgram(host, 'p', product, { shapes: ({ n }) => ({ x: [n, 100] }) });
        await program.run({ inputs, sizes: { n: 2 }, banks: [open(engine)] });
        held.push(cache.bytes());
        await cache.clear();
      },
      ON_HOST,
    );
  }
  assert.equal(held[1] - held[0], 4 * 100 * 50);

  function constants(engine: Engine) {
    return engine.constants(new Map([['w', floats([100, 50])]]));
  }
});

test('least recently used goes first, within the bound, and all that goes is released', async () => {
  const calls = fc.array(fc.record({ key: fc.integer({ min: 0, max: 5 }), bytes: fc.integer({ min: 0, max: 50 }) }));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 100 }), calls, async (limit, sequence) => {
      const cache = createSessionCache<Cached & { key: number }>(limit);
      const released: number[] = [];
      // What should be there: key to largest bytes, least recently used first.
      const model = new Map<number, number>();
      for (const { key, bytes } of sequence) {
        let made = false;
        const before = released.length;
        const entry = await cache.get(
          `${key}`,
          async () => {
            made = true;
            const session = { release: async () => released.push(key) } as unknown as InferenceSession;
            return { session, bytes: 0, key };
          },
          () => bytes,
        );
        assert.equal(entry.key, key);
        assert.equal(made, !model.has(key));
        const largest = Math.max(model.get(key) ?? 0, bytes);
        model.delete(key);
        model.set(key, largest);
        const gone: number[] = [];
        const total = () => [...model.values()].reduce((sum, each) => sum + each, 0);
        for (const oldest of [...model.keys()]) {
          if (total() <= limit || oldest === key) break;
          model.delete(oldest);
          gone.push(oldest);
        }
        assert.deepEqual(released.slice(before), gone);
        assert.equal(cache.bytes, total());
        assert.equal(cache.size, model.size);
      }
    }),
    { numRuns: 200 },
  );
});

test('a session that cannot be made leaves the cache as it was', async () => {
  const cache = createSessionCache<Cached>(10);
  const broken = cache.get(
    'a',
    () => Promise.reject(new Error('no')),
    () => 5,
  );
  await assert.rejects(broken, /^Error: no$/);
  assert.equal(cache.size, 0);
  assert.equal(cache.bytes, 0);
});

test('peakBytes counts what is held at once', () => {
  const graph = createGraph();
  const x = graph.input('x', 'float32', [10, 100]);
  const like = { shape: [10, 100] };
  // A chain holds two results at a time, whatever its length.
  let value = x;
  for (let i = 0; i < 5; i++) value = graph.node('Neg', [value], like);
  assert.equal(peakBytes(graph.nodes), 2 * 4000);
  // A result that is needed at the end is held all along.
  const early = graph.node('Exp', [x], like);
  value = early;
  for (let i = 0; i < 3; i++) value = graph.node('Neg', [value], like);
  graph.node('Add', [value, early], like);
  assert.equal(peakBytes(graph.nodes), 3 * 4000);
  // Types have their own widths, and nothing is held where nothing is computed.
  const flags = createGraph();
  const y = flags.input('y', 'float32', [10]);
  const above = flags.node('Greater', [y, y], { shape: [10], type: 'bool' });
  flags.node('Not', [above], { shape: [10], type: 'bool' });
  assert.equal(peakBytes(flags.nodes), 10);
  assert.equal(peakBytes([]), 0);
});

test('peakBytes of a symbolic graph is that of the sizes of the call', () => {
  const graph = createGraph(['batch', 'length']);
  const { batch, length } = graph.standIns;
  const x = graph.input('x', 'float32', [batch * length, 8]);
  const y = graph.node('Neg', [x], { shape: [batch * length, 8] });
  graph.node('Reshape', [y, graph.int64([-1])], { shape: [8 * batch * length] });
  const bytes = (sizes: Record<string, number>) => peakBytes(graph.nodes, (size) => graph.sizeAt(size, sizes));
  assert.equal(bytes({ batch: 2, length: 5 }), 2 * 5 * 8 * 4);
  assert.equal(bytes({ batch: 3, length: 7 }), 3 * 7 * 8 * 4);
});
