/** The lock file serves every platform and every registry. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './root.js';

interface Locked {
  version?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
const packages = (JSON.parse(text) as { packages: Record<string, Locked> }).packages;

/** Where Node would find `name` from `place`, a path of the lock such as `node_modules/a/node_modules/b`. */
function find(place: string, name: string): Locked | undefined {
  const here = packages[`${place && `${place}/`}node_modules/${name}`];
  if (here || place === '') return here;
  return find(place.slice(0, Math.max(0, place.lastIndexOf('node_modules/') - 1)), name);
}

test('the lock file names no registry', () => {
  assert.doesNotMatch(text, /"resolved"/);
  assert.doesNotMatch(text, /registry\.|npmjs|yarnpkg|npmmirror/);
});

test('every package of the lock file but the project itself carries a version and a checksum', () => {
  for (const [place, { version, integrity }] of Object.entries(packages)) {
    if (place !== '') assert.ok(version && integrity?.startsWith('sha512-'), place);
  }
});

test('the lock file holds the optional binaries of every platform', () => {
  for (const [place, { optionalDependencies }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies ?? {})) assert.ok(find(place, name), `${name}, of ${place}`);
  }
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64']) {
    assert.ok(find('', `@biomejs/cli-${platform}`), platform);
    assert.ok(find('', `@esbuild/${platform}`), platform);
  }
  // One package with the libraries of all platforms.
  assert.ok(find('', 'onnxruntime-node'));
});

test('the lock file and package.json ask for the same packages', () => {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Locked;
  const locked = packages[''];
  assert.deepEqual(locked.dependencies, wanted.dependencies);
  assert.deepEqual(locked.devDependencies, wanted.devDependencies);
  assert.deepEqual(locked.optionalDependencies, wanted.optionalDependencies);
});
