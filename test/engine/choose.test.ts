/** What `auto` stands for, and the states of TensorFlow's packages, laid out in a folder. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { chooseEngine } from '../../src/engine/choose.js';
import { findAddon, loadTensorFlow, missing, showsDevice } from '../../src/engine/eager/tensorflow.js';
import { UserError } from '../../src/errors.js';

const root = mkdtempSync(join(tmpdir(), 'spantune-addon-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A folder with packages, each with or without an addon; returns a `require` that looks there. */
function packages(name: string, installed: Record<string, boolean>): NodeJS.Require {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  for (const [short, addon] of Object.entries(installed)) {
    const at = join(folder, 'node_modules/@tensorflow', short);
    mkdirSync(join(at, addon ? 'lib/napi-v8' : 'dist'), { recursive: true });
    writeFileSync(join(at, 'package.json'), JSON.stringify({ name: `@tensorflow/${short}`, version: '4.22.0' }));
    if (addon) writeFileSync(join(at, 'lib/napi-v8/tfjs_binding.node'), '');
  }
  return createRequire(join(folder, 'index.js'));
}

const present = { state: 'present', package: '@tensorflow/tfjs-node' } as const;

test('package absent, addon absent and addon present are told apart', () => {
  assert.deepEqual(findAddon(packages('none', {})), { state: 'no package' });
  assert.deepEqual(findAddon(packages('bare', { 'tfjs-node-gpu': false })), {
    state: 'no addon',
    package: '@tensorflow/tfjs-node-gpu',
  });
  assert.deepEqual(findAddon(packages('full', { 'tfjs-node': true })), present);
  assert.deepEqual(findAddon(packages('both', { 'tfjs-node-gpu': false, 'tfjs-node': true })), present);
});

test('what is missing is said with its remedy', () => {
  assert.match(missing({ state: 'no package' })?.hint ?? '', /^npm install @tensorflow\/tfjs-node-gpu$/);
  const bare = missing({ state: 'no addon', package: '@tensorflow/tfjs-node-gpu' });
  assert.match(bare?.reason ?? '', /without its native addon/);
  assert.match(bare?.hint ?? '', /npm rebuild @tensorflow\/tfjs-node-gpu/);
  assert.equal(missing(present), undefined);
});

test('auto is the compiled engine unless TensorFlow has a GPU, and says why', () => {
  const refuse = () => assert.fail('nothing is loaded that is not needed');
  const cases = [
    { given: { addon: { state: 'no package' } as const, load: refuse }, says: /neither .* is installed/ },
    {
      given: { addon: { state: 'no addon', package: '@tensorflow/tfjs-node' } as const, load: refuse },
      says: /without its native addon/,
    },
    { given: { addon: present, device: false, load: refuse }, says: /shows no GPU/ },
    { given: { addon: present, device: true, load: () => ({ gpu: false }) }, says: /no GPU that it can use/ },
    {
      given: {
        addon: present,
        device: true,
        load: () => {
          throw new Error('the addon does not load');
        },
      },
      says: /does not load/,
    },
  ];
  for (const { given, says } of cases) {
    const choice = chooseEngine(given);
    assert.equal(choice.name, 'compiled');
    assert.match(choice.reason, says);
  }
  assert.deepEqual(chooseEngine({ addon: present, device: true, load: () => ({ gpu: true }) }), {
    name: 'tensorflow',
    reason: 'tensorflow: it has a GPU',
  });
});

test('asking for TensorFlow where it is not is the user’s mistake', () => {
  for (const addon of [{ state: 'no package' }, { state: 'no addon', package: '@tensorflow/tfjs-node' }] as const) {
    assert.throws(
      () => loadTensorFlow(addon),
      (error) => error instanceof UserError && error.exitCode === 2 && /npm /.test(error.hint ?? ''),
    );
  }
});

test('a device is looked for where the system shows it', () => {
  const linux = process.platform === 'linux';
  assert.equal(
    showsDevice(() => false),
    !linux,
  );
  assert.equal(
    showsDevice((path) => path === '/dev/nvidiactl'),
    true,
  );
});
