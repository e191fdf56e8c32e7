/** When the project's script installs and builds, what it runs, and that the command line starts from a checkout. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from './root.js';

interface SourceFile {
  path: string;
  time: number;
  size: number;
}

interface RunScript {
  nodeProblem(version: string): string | undefined;
  installIsStale(installed: number | undefined, locked: number): boolean;
  fingerprint(files: SourceFile[]): string;
  pickTests(paths: string[], wanted: string[]): string[];
  isReady(): boolean;
}

const script = join(root, 'scripts/run.mjs');
const run = (await import(pathToFileURL(script).href)) as RunScript;
const notReady = run.isReady() ? false : 'packages or the build are not fresh; `npm test` makes them so';

test('Node before 20.19 is refused in plain words', () => {
  for (const version of ['18.20.8', '20.18.3', '0.10.0'])
    assert.match(run.nodeProblem(version) ?? '', /needs Node 20\.19/);
  for (const version of ['20.19.0', '20.20.2', '22.0.0', '24.1.0']) assert.equal(run.nodeProblem(version), undefined);
});

test('packages are installed when they were never, or before the lock file changed', () => {
  assert.equal(run.installIsStale(undefined, 5), true);
  assert.equal(run.installIsStale(4, 5), true);
  assert.equal(run.installIsStale(5, 5), false);
  assert.equal(run.installIsStale(6, 5), false);
});

test('a fingerprint sees an edit, a new file, a deletion and an older time, and no order', () => {
  const [a, b] = [
    { path: 'src/a.ts', time: 10, size: 3 },
    { path: 'src/b.ts', time: 20, size: 4 },
  ];
  const before = run.fingerprint([a, b]);
  assert.equal(run.fingerprint([b, a]), before);
  const others = [[a], [a, b, { ...b, path: 'src/c.ts' }], [a, { ...b, size: 5 }], [a, { ...b, time: 19 }], []];
  for (const files of others) assert.notEqual(run.fingerprint(files), before);
});

test('words after the name pick test files', () => {
  const paths = ['test/data/rows.test.ts', 'test/model/head.test.ts'];
  assert.deepEqual(run.pickTests(paths, []), paths);
  assert.deepEqual(run.pickTests(paths, ['data/']), ['test/data/rows.test.ts']);
  assert.deepEqual(run.pickTests(paths, ['head', 'rows']), paths);
  assert.deepEqual(run.pickTests(paths, ['nothing']), []);
});

test('an unknown name is refused with the names there are', () => {
  for (const args of [[], ['toString'], ['tests']]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^spantune: usage: .*test\|demo\|build/);
  }
});

test('no script of package.json relies on hooks, which ignore-scripts switches off', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  assert.deepEqual(
    Object.keys(scripts).filter((name) => /^(pre|post)/.test(name)),
    [],
  );
  for (const name of ['test', 'demo', 'build']) assert.equal(scripts[name], `node scripts/run.mjs ${name}`);
});

test('bin/spantune prints its version, from any folder, and nothing else', { skip: notReady }, () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const result = spawnSync(process.execPath, [join(root, 'bin/spantune'), '--version'], { cwd: '/', encoding: 'utf8' });
  assert.deepEqual([result.status, result.stdout, result.stderr], [0, `${version}\n`, '']);
});
