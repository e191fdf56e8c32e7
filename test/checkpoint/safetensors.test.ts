/** Weight files: numbers against torch (fixtures/checkpoint/make_numbers.py), damage, writing. */
import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromFloat16, toFloat16 } from '../../src/checkpoint/half.js';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { writeSafetensors } from '../../src/checkpoint/write.js';
import { UserError } from '../../src/errors.js';
import type { HostTensor } from '../../src/model/types.js';
import { NUMBERS, refuses, temporaryFolder, writeRaw } from './support.js';

const folder = temporaryFolder();

test('F16, BF16 and F64 are read as torch converts them', () => {
  const file = openSafetensors(NUMBERS);
  for (const name of ['half', 'brain', 'double']) {
    assert.deepEqual(file.read(name).data, file.read(`${name}.value`).data, name);
  }
  assert.equal(file.metadata['made by'], 'torch');
  file.close();
});

test('float32 is rounded to F16 as torch does it', () => {
  const file = openSafetensors(NUMBERS);
  const path = join(folder, 'half.safetensors');
  writeSafetensors(path, [['x', file.read('single')]], { dtype: 'F16' });
  assert.deepEqual(openSafetensors(path).read('x').data, file.read('single.half').data);
  assert.equal(openSafetensors(path).info('x').dtype, 'F16');
});

test('every float16 pattern survives the way to float32 and back', () => {
  const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i).filter((i) => (i & 0x7fff) <= 0x7c00);
  const values = new Float32Array(bits.length);
  fromFloat16(bits, values);
  const back = new Uint16Array(bits.length);
  toFloat16(values, back);
  assert.deepEqual(back, bits);
  toFloat16(Float32Array.of(Number.NaN, 65_520, 1e30, -1e30), back);
  assert.ok((back[0] & 0x7c00) === 0x7c00 && (back[0] & 0x3ff) !== 0);
  assert.deepEqual([...back.slice(1, 4)], [0x7c00, 0x7c00, 0xfc00]);
});

test('an integer tensor is listed, but not read', () => {
  const file = openSafetensors(NUMBERS);
  assert.deepEqual(file.info('integer').shape, [3]);
  refuses(() => file.read('integer'), /numbers\.safetensors: tensor "integer" has the type I64/);
});

test('a tensor may be read into a view of a larger buffer', () => {
  const file = openSafetensors(NUMBERS);
  const single = file.read('single').data;
  const all = new Float32Array(single.length + 3).fill(9);
  const { data } = file.read('single', all.subarray(1, -2));
  assert.equal(data.buffer, all.buffer);
  assert.deepEqual(all.slice(1, -2), single);
  assert.deepEqual([all[0], all.at(-1)], [9, 9]);
  refuses(() => file.read('single', all), /tensor "single" has \d+ elements/, /^$/);
});

test('what is written is read again, whatever the names, shapes and order', () => {
  const path = join(folder, 'round.safetensors');
  const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
  const tensor = shape.chain((sizes) => {
    const length = sizes.reduce((a, b) => a * b, 1);
    return fc
      .float32Array({ minLength: length, maxLength: length })
      .map((data): HostTensor<Float32Array> => ({ shape: sizes, data }));
  });
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), tensor), (tensors) => {
      const entries = Object.entries(tensors).filter(([name]) => name !== '__metadata__' && name !== '__proto__');
      writeSafetensors(path, entries, { metadata: { note: 'ü' } });
      const file = openSafetensors(path);
      assert.deepEqual(file.names().sort(), entries.map(([name]) => name).sort());
      for (const [name, { shape, data }] of entries) assert.deepEqual(file.read(name), { shape, data });
      assert.equal(file.metadata.note, 'ü');
      file.close();
    }),
    { numRuns: 50 },
  );
});

test('tensors larger than one piece are written and read whole', () => {
  const path = join(folder, 'large.safetensors');
  const data = Float32Array.from({ length: 2_500_001 }, (_, i) => i % 2048);
  for (const dtype of ['F32', 'F16'] as const) {
    writeSafetensors(path, [['x', { shape: [data.length], data }]], { dtype });
    assert.deepEqual(openSafetensors(path).read('x').data, data);
  }
});

test('a tensor beyond 4 GiB in a file is found', () => {
  const path = join(folder, 'sparse.safetensors');
  const begin = 5 * 2 ** 30;
  const descriptor = openSync(path, 'w');
  const header = Buffer.from(
    JSON.stringify({
      hole: { dtype: 'U8', shape: [begin], data_offsets: [0, begin] },
      x: { dtype: 'F32', shape: [2], data_offsets: [begin, begin + 8] },
    }),
  );
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  // Sparse: the hole takes no room on disk.
  ftruncateSync(descriptor, 8 + header.length + begin);
  writeSync(descriptor, Buffer.concat([size, header]), 0, 8 + header.length, 0);
  writeSync(descriptor, new Uint8Array(Float32Array.of(1.5, -2).buffer), 0, 8, 8 + header.length + begin);
  closeSync(descriptor);
  assert.deepEqual([...openSafetensors(path).read('x').data], [1.5, -2]);
});

test('damaged files are refused with the file and the tensor', () => {
  const path = join(folder, 'bad.safetensors');
  const open = () => openSafetensors(path);
  const entry = (shape: unknown, data_offsets: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets });
  const eight = new Uint8Array(8);

  refuses(() => openSafetensors(join(folder, 'absent.safetensors')), /absent\.safetensors: there is no such file/);
  refuses(() => openSafetensors(folder), /: is a folder, not a file/);
  writeFileSync(path, 'short');
  refuses(open, /bad\.safetensors: is not a safetensors file: it has 5 bytes/);
  writeFileSync(path, 'PK\x03\x04 a zip file, as PyTorch writes it');
  refuses(open, /first 8 bytes are no header size/);
  writeRaw(path, '{"x": ');
  refuses(open, /header is not valid JSON/);
  writeRaw(path, '[1]');
  refuses(open, /header is not an object/);
  writeRaw(path, { x: entry([2], [0, 8]) }, eight);
  truncateSync(path, 20);
  refuses(open, /truncated: the header takes/);
  writeRaw(path, { x: entry([1], [0, 4]), y: entry([2], [4, 12]) }, eight);
  refuses(open, /tensor "y" ends at byte \d+, but the file has \d+: it is truncated/);
  writeRaw(path, { x: entry([2], [0, 8]), y: entry([1], [4, 8]) }, eight);
  refuses(open, /tensors "x" and "y" overlap/);
  writeRaw(path, { x: entry([3], [0, 8]) }, eight);
  refuses(open, /tensor "x": F32 of shape \[3\] takes 12 bytes, its data_offsets span 8/);
  writeRaw(path, { x: entry([-2], [0, 8]) }, eight);
  refuses(open, /tensor "x": its shape/);
  writeRaw(path, { x: entry([2], [8, 0]) }, eight);
  refuses(open, /tensor "x": its data_offsets/);
  writeRaw(path, { x: entry([2], [0, 8], 3) }, eight);
  refuses(open, /tensor "x": its dtype/);
  writeRaw(path, { x: 1 }, eight);
  refuses(open, /tensor "x": its entry/);
});

test('a file cut short after it was opened is refused while reading', () => {
  const path = join(folder, 'cut.safetensors');
  writeSafetensors(path, [['x', { shape: [100], data: new Float32Array(100) }]]);
  const file = openSafetensors(path);
  truncateSync(path, 200);
  refuses(() => file.read('x'), /cut\.safetensors: is truncated: it ends within tensor "x"/);
  refuses(() => file.read('y'), /holds no tensor "y"/);
});

test('writing refuses what would not be read again, and leaves nothing behind', () => {
  const place = join(folder, 'writing');
  mkdirSync(place);
  const path = join(place, 'x.safetensors');
  const one: HostTensor = { shape: [1], data: Float32Array.of(1e6) };
  refuses(
    () => writeSafetensors(path, [['x', one]], { dtype: 'F16' }),
    /"x" holds 1000000, beyond .* float16/,
    /float32/,
  );
  refuses(
    () =>
      writeSafetensors(path, [
        ['x', one],
        ['x', one],
      ]),
    /two tensors are named "x"/,
    /^$/,
  );
  refuses(() => writeSafetensors(path, [['x', { ...one, shape: [2] }]]), /shape \[2\] holds 1 elements/, /^$/);
  assert.deepEqual(readdirSync(place), []);
  writeSafetensors(path, [['x', one]]);
  // A file where a folder should be.
  assert.throws(() => writeSafetensors(join(path, 'y.safetensors'), [['x', one]]), UserError);
  assert.deepEqual(readdirSync(place), ['x.safetensors']);
});

test('integers are written as I32 beside floats', () => {
  const path = join(folder, 'mixed.safetensors');
  writeSafetensors(path, [
    ['ids', { shape: [2], data: Int32Array.of(-1, 2) }],
    ['x', { shape: [1], data: Float32Array.of(0.5) }],
  ]);
  const file = openSafetensors(path);
  const { dtype, begin, end } = file.info('ids');
  assert.equal(dtype, 'I32');
  const bytes = readFileSync(path).subarray(begin, end);
  assert.deepEqual([bytes.readInt32LE(0), bytes.readInt32LE(4)], [-1, 2]);
  assert.deepEqual([...file.read('x').data], [0.5]);
});
