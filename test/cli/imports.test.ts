/** What the command line loads before it knows what to do: no package, until yargs reads the verb's words. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { root } from '../project/root.js';

const cli = join(root, 'src/cli');

/** Packages that a source file loads when it is imported, by itself or through others; types load nothing. */
function packagesOf(file: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, what, from] of text.matchAll(
    /^(?:import|export) (?!type\b)([^;]*?)from '([^']+)';|^import '[^']+';/gm,
  )) {
    if (from === undefined || /^\{\s*(type \w+,?\s*)+\}\s*$/.test(what) || from.startsWith('node:')) continue;
    if (!from.startsWith('.')) packages.add(from.split('/')[0]);
    else for (const name of packagesOf(resolve(dirname(file), from.replace(/js$/, 'ts')), seen)) packages.add(name);
  }
  return packages;
}

test('no package before the verb is known', () => {
  assert.deepEqual([...packagesOf(join(cli, 'main.ts'))], []);
});

const verbs = [...readFileSync(join(cli, 'main.ts'), 'utf8').matchAll(/load: \(\) => import\('\.\/(\w+)\.js'\)/g)].map(
  ([, name]) => name,
);

test('every verb is found', () => {
  assert.ok(verbs.length >= 9 && verbs.every((name) => readdirSync(cli).includes(`${name}.ts`)), verbs.join());
});

for (const verb of verbs) {
  test(`${verb} loads no package before its words are read`, () => {
    assert.deepEqual([...packagesOf(join(cli, `${verb}.ts`))], []);
  });
}

test('an engine loads ONNX Runtime and TensorFlow.js, so that the check above sees something', () => {
  const packages = packagesOf(join(root, 'src/engine/compiled/engine.ts'));
  for (const name of ['@tensorflow', 'onnxruntime-node']) assert.ok(packages.has(name), [...packages].join());
});
