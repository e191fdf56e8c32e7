/** Caches on disk: what names them, what is never trusted, what a disk that fails leaves behind. */
import assert from 'node:assert/strict';
import fs, { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeBatch } from '../../src/data/batches.js';
import type { Encoded } from '../../src/data/types.js';
import { UserError } from '../../src/errors.js';
import { stream } from '../../src/random.js';
import { createFile, openFile } from '../../src/training/prefix/file.js';
import { cacheFile, makeRoom, prepareFolder } from '../../src/training/prefix/folder.js';
import { createKeeper } from '../../src/training/prefix/keep.js';
import { type PrefixIdentity, prefixKey } from '../../src/training/prefix/key.js';
import { type Layout, layoutOf, memoryStore } from '../../src/training/prefix/store.js';
import { cacheOf, HEAD_ONLY, SPAN, splitOf, stepsOf, temporary } from './prefix-support.js';

const IDENTITY: PrefixIdentity = {
  model: 'a',
  tokenizer: 'b',
  maxLength: 16,
  start: { kind: 'states', layer: 2 },
  pooling: 'first',
  precision: 'float32',
  environment: 'here',
};

/** Runs with system calls that fail as told, and puts them back. */
async function withDisk<T>(changes: Partial<typeof fs>, work: () => Promise<T>): Promise<T> {
  const before = Object.fromEntries(Object.keys(changes).map((name) => [name, fs[name as keyof typeof fs]]));
  Object.assign(fs, changes);
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    Object.assign(fs, before);
    syncBuiltinESMExports();
  }
}

/** A disk that takes so many writes, then is full. */
function fullAfter(writes: number): Partial<typeof fs> {
  const { writeSync } = fs;
  let left = writes;
  const failing = (...call: Parameters<typeof writeSync>) => {
    if (left-- <= 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    return writeSync(...call);
  };
  return { writeSync: failing as typeof writeSync };
}

test('the key is of all that the states depend on, and of nothing else', () => {
  const split = splitOf(5);
  const key = prefixKey(IDENTITY, split);
  assert.match(key, /^[0-9a-f]{64}$/);
  const others: Partial<PrefixIdentity>[] = [
    { model: 'other' },
    { tokenizer: 'other' },
    { maxLength: 17 },
    { start: { kind: 'states', layer: 1 } },
    { start: { kind: 'pooled', layer: 2 } },
    { precision: 'float16' },
    { environment: 'there' },
  ];
  for (const other of others) assert.notEqual(prefixKey({ ...IDENTITY, ...other }, split), key, JSON.stringify(other));
  assert.equal(prefixKey({ ...IDENTITY, pooling: 'mean' }, split), key, 'states are not pooled');
  const pooled = { ...IDENTITY, start: { kind: 'pooled' as const, layer: 2 } };
  assert.notEqual(prefixKey({ ...pooled, pooling: 'mean' }, split), prefixKey(pooled, split));

  const changed = (change: (example: Encoded) => Partial<Encoded>) =>
    split.map((example, i) => (i === 3 ? { ...example, ...change(example) } : example));
  const edited: Encoded[][] = [
    changed(({ ids }) => ({ ids: ids.map((id, i) => (i === 1 ? id + 1 : id)) })),
    changed(({ typeIds }) => ({ typeIds: typeIds.map((_, i) => (i === 1 ? 1 : 0)) })),
    changed(({ special }) => ({ special: special.map(() => 1) })),
    [split[1], split[0], ...split.slice(2)],
    split.slice(1),
  ];
  for (const [i, other] of edited.entries()) assert.notEqual(prefixKey(IDENTITY, other), key, `edit ${i}`);
});

const WIDTH = 5;

function filled(layout: Layout, seed: number, write: (example: number, states: Float32Array) => void): Float32Array[] {
  const random = stream(seed, 'states');
  return Array.from({ length: layout.offsets.length - 1 }, (_, example) => {
    const size = (layout.offsets[example + 1] - layout.offsets[example]) * WIDTH;
    const states = Float32Array.from({ length: size }, () => Math.fround(Math.round(random.normal() * 1024) / 1024));
    write(example, states);
    return states;
  });
}

test('what is written is read, in memory and from a file, in any order', () => {
  const folder = temporary();
  // The same values may come twice.
  let made = 0;
  fc.assert(
    fc.property(
      fc.nat(30),
      fc.nat(),
      fc.constantFrom('states' as const, 'pooled' as const),
      fc.constantFrom('float32' as const, 'float16' as const),
      (count, seed, kind, precision) => {
        const layout = layoutOf(splitOf(count, { seed }), { kind, layer: 1 }, WIDTH, precision);
        const path = join(folder, `${made++}.prefix`);
        const key = 'ab'.repeat(32);
        const memory = memoryStore(layout);
        const file = createFile(path, layout, key, true);
        const written = filled(layout, seed, (example, states) => {
          memory.write(example, states);
          file.write(example, states);
        });
        assert.equal(existsSync(path), false, 'absent until it is whole');
        file.finish();
        const reopened = openFile(path, layout, key);
        const loaded = openFile(path, layout, key, memoryStore(layout));
        assert.ok(typeof reopened === 'object' && typeof loaded === 'object');
        for (const store of [memory, file, reopened, loaded]) {
          for (let example = count - 1; example >= 0; example--) {
            const out = new Float32Array(written[example].length);
            assert.ok(store.read(example, out));
            if (precision === 'float32') assert.deepEqual(out, written[example]);
            else for (const [i, x] of out.entries()) assert.ok(Math.abs(x - written[example][i]) <= Math.abs(x) / 1024);
          }
          store.close();
        }
        assert.equal(loaded.place, 'memory');
      },
    ),
    { numRuns: 40 },
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('a file that differs in any byte, is shorter or longer, or of another key, is not opened', () => {
  const folder = temporary();
  const path = join(folder, 'x.prefix');
  const layout = layoutOf(splitOf(6), { kind: 'states', layer: 1 }, WIDTH, 'float32');
  const key = '0f'.repeat(32);
  const file = createFile(path, layout, key, true);
  filled(layout, 1, file.write);
  file.finish();
  file.close();
  const whole = readFileSync(path);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(whole);
      damaged[at] ^= change;
      writeFileSync(path, damaged);
      const found = openFile(path, layout, key);
      assert.match(typeof found === 'string' ? found : `byte ${at} was changed unseen`, /damaged|another cache/);
    }),
    { numRuns: 300 },
  );
  for (const bytes of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.alloc(1)]), Buffer.alloc(0)]) {
    writeFileSync(path, bytes);
    assert.match(openFile(path, layout, key) as string, /has \d+ bytes, not \d+/);
  }
  writeFileSync(path, whole);
  assert.match(openFile(path, layout, 'f0'.repeat(32)) as string, /another cache/);
  assert.equal(openFile(join(folder, 'y.prefix'), layout, key), undefined);
  const found = openFile(path, layout, key);
  assert.ok(typeof found === 'object');
  found.close();
});

for (const [place, memoryBytes] of [
  ['memory', 1e9],
  ['disk', 0],
] as const) {
  test(`in a folder a cache serves the next run; a damaged one is told and built again (${place})`, async () => {
    const folder = temporary();
    const split = splitOf(20);
    const expected = await stepsOf(split, {});
    const once = async (source: string, warning?: RegExp) => {
      const { cache, warnings, seen } = cacheOf({ room: { memoryBytes, folder } });
      await cache.fill('train', split);
      assert.deepEqual(
        cache.splits.map((each) => [each.place, each.source]),
        [[place, source]],
      );
      assert.deepEqual(await stepsOf(split, {}, cache), expected);
      assert.equal(seen.loads, source === 'file' ? 0 : 1);
      assert.equal(warnings.length, warning ? 1 : 0);
      if (warning) assert.match(warnings[0], warning);
      await cache.close();
    };
    await once('computed');
    const [name, ...others] = readdirSync(folder);
    assert.deepEqual(others, []);
    await once('file');
    const path = join(folder, name);
    const bytes = readFileSync(path);
    bytes[bytes.length - 100] ^= 1;
    writeFileSync(path, bytes);
    await once('computed', /cached states of train are not used, and computed again: example \d+ is damaged/);
    await once('file');
    writeFileSync(path, bytes.subarray(0, 1000));
    await once('computed', /computed again: it has 1000 bytes/);
    await once('file');
    assert.deepEqual(readdirSync(folder), [name]);
  });
}

test('other models, layers, lengths and splits find no cache of theirs', async () => {
  const folder = temporary();
  const split = splitOf(6);
  const situations = [
    {},
    { arm: HEAD_ONLY },
    { arm: { ...SPAN, bottom: 3, top: 3 } },
    { precision: 'float16' as const },
  ];
  for (const situation of situations) {
    const { cache } = cacheOf({ ...situation, room: { folder } });
    await cache.fill('train', split);
    await cache.fill('dev', splitOf(6, { seed: 2 }));
    assert.deepEqual(
      cache.splits.map(({ source }) => source),
      ['computed', 'computed'],
    );
    await cache.close();
  }
  assert.equal(readdirSync(folder).length, 2 * situations.length);
});

test('a full disk costs the cache, not the run: told, nothing half written, the same bits', async () => {
  const split = splitOf(20);
  const expected = await stepsOf(split, {});
  for (const folder of [null, temporary()]) {
    for (const writes of [0, 7, 20]) {
      const scratch = temporary();
      const { cache, warnings } = cacheOf({ room: { memoryBytes: 0, folder, temporary: scratch } });
      // The twenty-first write is that of the header, which temporary files do without.
      const fails = writes < 20 || folder !== null;
      await withDisk(fullAfter(writes), () => cache.fill('train', split));
      assert.equal(cache.splits[0].place, fails ? 'none' : 'disk');
      assert.deepEqual(await stepsOf(split, {}, cache), expected);
      if (fails) assert.match(warnings.join(), /could not be written: the disk is full; train goes through layer 1/);
      assert.equal(warnings.length, fails ? 1 : 0);
      assert.deepEqual([...readdirSync(folder ?? scratch), ...readdirSync(scratch)], []);
      await cache.close();
    }
  }
});

test('a full disk leaves a cache in memory as it is; it only does not persist', async () => {
  const folder = temporary();
  const { cache, warnings } = cacheOf({ room: { folder } });
  await withDisk(fullAfter(3), () => cache.fill('train', splitOf(20)));
  assert.equal(cache.splits[0].place, 'memory');
  assert.match(warnings.join(), /not kept for later runs: the disk is full/);
  assert.deepEqual(readdirSync(folder), []);
  await cache.close();
});

test('states that change on the disk while they are used are computed again', async () => {
  const folder = temporary();
  const split = splitOf(20);
  const { cache, warnings } = cacheOf({ room: { memoryBytes: 0, folder } });
  await cache.fill('train', split);
  await cache.release();
  const path = join(folder, readdirSync(folder)[0]);
  const bytes = readFileSync(path);
  bytes[bytes.length - 50] ^= 8;
  writeFileSync(path, bytes);
  assert.deepEqual(await stepsOf(split, {}, cache), await stepsOf(split, {}));
  assert.deepEqual(warnings, ['cached states changed on the disk; they are computed again where that shows']);
  await cache.close();
});

test('work that is stopped while a cache is filled leaves no file', async () => {
  const folder = temporary();
  const onProgress = () => {
    throw new Error('stopped');
  };
  const { cache } = cacheOf({ room: { memoryBytes: 0, folder }, onProgress });
  await assert.rejects(cache.fill('train', splitOf(40)), /stopped/);
  await cache.close();
  assert.deepEqual(readdirSync(folder), []);
});

test('a folder stays within its bytes: the longest unused go, those in use stay; a killed run leaves nothing', () => {
  const folder = temporary();
  const paths = ['a', 'b', 'c', 'd'].map((name, age) => {
    const path = cacheFile(folder, name.repeat(64));
    writeFileSync(path, Buffer.alloc(100));
    utimesSync(path, 1000 + age, 1000 + age);
    return path;
  });
  const dead = `${paths[0]}.${2 ** 22 + 1}.part`;
  const alive = `${paths[0]}.${process.pid}.part`;
  const foreign = join(folder, 'notes.txt');
  for (const path of [dead, alive, foreign]) writeFileSync(path, Buffer.alloc(10));
  makeRoom(folder, 150, 380, new Set([paths[0]]));
  const left = [...paths, dead, alive, foreign].map((path) => existsSync(path));
  assert.deepEqual(left, [true, false, true, true, false, true, true]);
  assert.equal(statSync(paths[2]).size, 100);
});

test('a folder that cannot be made is the user’s to mend', () => {
  const file = join(temporary(), 'file');
  writeFileSync(file, '');
  assert.throws(
    () => prepareFolder(join(file, 'below')),
    (error: unknown) => error instanceof UserError && /cache\.folder/.test(error.hint ?? ''),
  );
});

test('a keeper hands over the layer that was chosen, if it has all of it', () => {
  const split = splitOf(4);
  const folder = temporary();
  const batchOf = (examples: number[]) => makeBatch(split, examples, { rows: 3, length: 16, padId: 0 });
  const options = {
    starts: [1, 2].map((layer) => ({ kind: 'states' as const, layer })),
    split,
    width: WIDTH,
    pooling: 'first' as const,
    precision: 'float32' as const,
    diskBytes: 1e9,
    folder,
  };
  const states = (layer: number) => Float32Array.from({ length: 3 * 16 * WIDTH }, (_, i) => layer * 1000 + i);
  const keeper = createKeeper(options);
  assert.ok(keeper);
  for (const layer of keeper.layers) {
    keeper.add(layer, batchOf([2, 0, 3]), states(layer));
    if (layer === 2) keeper.add(layer, batchOf([1]), states(layer));
  }
  const store = keeper.take({ kind: 'states', layer: 2 });
  assert.ok(store);
  const out = new Float32Array(split[0].ids.length * WIDTH);
  assert.ok(store.read(0, out));
  assert.deepEqual(out, states(2).subarray(16 * WIDTH, 16 * WIDTH + out.length));
  store.close();
  assert.equal(keeper.take({ kind: 'states', layer: 1 }), undefined, 'dropped');
  assert.deepEqual(readdirSync(folder), []);

  const partial = createKeeper(options);
  partial?.add(1, batchOf([0, 1]), states(1));
  assert.equal(partial?.take({ kind: 'states', layer: 1 }), undefined, 'half of it is nothing');
  assert.equal(createKeeper({ ...options, diskBytes: 1000 }), undefined, 'no room');
  assert.equal(createKeeper({ ...options, starts: [] }), undefined, 'nothing to keep');
  assert.equal(createKeeper({ ...options, folder: join(folder, 'absent') }), undefined);
});

test('a keeper whose disk is full gives up', async () => {
  const split = splitOf(4);
  const starts = [{ kind: 'pooled' as const, layer: 1 }];
  const keeper = createKeeper({
    starts,
    split,
    width: WIDTH,
    pooling: 'mean',
    precision: 'float32',
    diskBytes: 1e9,
    folder: temporary(),
  });
  const batch = makeBatch(split, [0, 1, 2, 3], { rows: 4, length: 16, padId: 0 });
  await withDisk(fullAfter(2), async () => keeper?.add(1, batch, new Float32Array(4 * WIDTH)));
  assert.equal(keeper?.take(starts[0]), undefined);
});
