/**
 * `npm test`, `npm run demo` and `npm run build`: installs what is missing, builds what is stale, then runs. Node's own modules
 * only, since nothing else can be counted on; no `pre` or `post` hook of npm, since `ignore-scripts` switches them off.
 * bin/spantune uses `ensureBuilt` of this file.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const oldestNode = [20, 19];
const typescript = 'node_modules/typescript/lib/tsc.js';
const biome = 'node_modules/@biomejs/biome/bin/biome';
/** What the build reads: folders are searched for `.ts` files. */
const inputs = ['src', 'test', 'scripts', 'tsconfig.json', 'package.json'];
/** Holds the fingerprint of the sources that the last successful build read. */
const stamp = 'dist/.sources';

/** What is wrong with this version of Node, or undefined. `version` is such as "20.19.0". */
export function nodeProblem(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return undefined;
  return `spantune needs Node ${oldestNode.join('.')} or later; this is Node ${version}.`;
}

/** Whether the packages must be installed: `installed` and `locked` are when they were, and when the lock was, last written. */
export function installIsStale(installed, locked) {
  return installed === undefined || installed < locked;
}

/** One line a file: any edit, new file, deletion or change of time, backwards too, makes another fingerprint. */
export function fingerprint(files) {
  return files
    .map(({ path, time, size }) => `${path} ${time} ${size}\n`)
    .sort()
    .join('');
}

/** The test files to run: all, or those whose path holds one of `wanted`. */
export function pickTests(paths, wanted) {
  return wanted.length === 0 ? paths : paths.filter((path) => wanted.some((part) => path.includes(part)));
}

/**
 * Installs and builds as far as needed. Says on stderr what takes a while, unless `quiet`. Rejects with a `Failure` when it cannot
 * be done.
 */
export async function ensureBuilt({ quiet = false } = {}) {
  const problem = nodeProblem(process.versions.node);
  if (problem) throw new Failure(problem);
  if (isReady()) return;
  const tell = quiet ? () => {} : say;
  await locked(async () => {
    if (installNeeded()) await install(tell);
    if (buildNeeded()) await build(tell);
  });
}

/** Whether neither an installation nor a build is due. */
export function isReady() {
  return !installNeeded() && !buildNeeded();
}

/** A reason to stop that needs no stack trace. */
export class Failure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

function installNeeded() {
  return installIsStale(modified('node_modules/.package-lock.json'), modified('package-lock.json'));
}

function buildNeeded() {
  const path = join(root, stamp);
  return !existsSync(path) || readFileSync(path, 'utf8') !== fingerprint(sources());
}

async function install(tell) {
  tell('installing packages (about 0.8 GB unpacked; once)');
  const command = ['ci', '--include=dev', '--loglevel=error', '--no-progress'];
  const npm = process.env.npm_execpath;
  const again = 'Should it fail again, delete node_modules first.';
  if (npm?.endsWith('npm-cli.js')) await succeed('npm ci', process.execPath, [npm, ...command], { again });
  else await succeed('npm ci', 'npm', command, { again, shell: process.platform === 'win32' });
}

async function build(tell) {
  tell('building');
  const before = fingerprint(sources());
  // What tsc remembers of its last run is wrong once its output is gone.
  if (!existsSync(join(root, 'dist/src'))) rmSync(join(root, 'dist'), { recursive: true, force: true });
  await succeed('tsc', process.execPath, [join(root, typescript), '-p', root]);
  linkFixtures();
  writeFileSync(join(root, stamp), before);
}

/** Tests find their fixtures beside themselves, in sources and in the build. */
function linkFixtures() {
  const [fixtures, link] = [join(root, 'test/fixtures'), join(root, 'dist/test/fixtures')];
  if (existsSync(fixtures) && !existsSync(link)) symlinkSync(fixtures, link, 'junction');
}

/** Runs a program silently; what it printed is shown where it fails. A signal that would end us ends it first. */
async function succeed(name, program, args, { again = '', shell = false } = {}) {
  const child = spawn(program, args, { cwd: root, shell, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(chunk));
  let ended;
  const end = (signal) => {
    ended = signal;
    child.kill(signal);
  };
  for (const signal of endings) process.on(signal, end);
  try {
    const code = await new Promise((resolve, reject) => {
      child.on('error', (error) => reject(new Failure(`${name} failed: ${error.message}.`)));
      child.on('close', resolve);
    });
    if (ended) throw new Failure(`interrupted during ${name}.`, 128 + constants.signals[ended]);
    if (code === 0) return;
    process.stderr.write(Buffer.concat(printed));
    throw new Failure(`${name} failed. ${again}`.trim());
  } finally {
    for (const signal of endings) process.off(signal, end);
  }
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Runs `work` while no other process of this checkout does. */
async function locked(work) {
  const path = join(root, '.cache/setup.lock');
  mkdirSync(dirname(path), { recursive: true });
  while (!take(path)) await new Promise((resolve) => setTimeout(resolve, 200));
  try {
    await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path) {
  try {
    writeFileSync(path, `${process.pid} ${hostname()}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (abandoned(path)) rmSync(path, { force: true });
  return false;
}

/** Whether the holder is gone; of another machine's process only time tells. */
function abandoned(path) {
  try {
    const [pid, host] = readFileSync(path, 'utf8').split(' ');
    if (host === hostname()) process.kill(Number(pid), 0);
    return Date.now() - statSync(path).mtimeMs > 30 * 60_000;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** What the build reads; looked at on every start of the command line, so without a detour. Paths are relative, with `/`. */
function sources() {
  const files = [];
  const visit = (path) => {
    const { mtimeMs, size } = statSync(`${root}/${path}`);
    files.push({ path, time: mtimeMs, size });
  };
  const walk = (folder) => {
    for (const entry of readdirSync(`${root}/${folder}`, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.name.endsWith('.ts')) visit(path);
      else if (entry.isDirectory() && entry.name !== 'fixtures') walk(path);
    }
  };
  for (const input of inputs) {
    if (input.includes('.')) visit(input);
    else walk(input);
  }
  return files;
}

function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;
}

function say(text) {
  process.stderr.write(`spantune: ${text}\n`);
}

/** Runs node as a child with this process' input and output; resolves with its exit code. */
function node(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  // A terminal sends its signals to the child too: what follows from them is the child's business.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : code));
  });
}

async function test(args) {
  await ensureBuilt();
  const options = args.filter((arg) => arg.startsWith('-'));
  const wanted = args.filter((arg) => !arg.startsWith('-'));
  if (args.length === 0) {
    const checks = [
      [biome, 'check', '--error-on-warnings', '.'],
      // Benchmarks run through tsx, which does not look at types.
      [typescript, '-p', 'benchmarks'],
    ];
    for (const check of checks) {
      const code = await node(check);
      if (code !== 0) return code;
    }
  }
  const all = sources().map((file) => file.path);
  const picked = pickTests(
    all.filter((path) => path.startsWith('test/') && path.endsWith('.test.ts')),
    wanted,
  );
  if (picked.length === 0) throw new Failure(`no test file matches ${wanted.join(', ')}.`);
  const files = picked.sort().map((path) => `dist/${path.replace(/\.ts$/, '.js')}`);
  const runner = [
    '--enable-source-maps',
    '--import',
    './dist/test/setup.js',
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
  ];
  return node([...runner, ...options, ...files]);
}

const commands = {
  test,
  async demo(args) {
    await ensureBuilt();
    return node(['dist/scripts/demo.js', ...args]);
  },
  async build() {
    // From nothing, so that no output of a deleted source is left to be packed.
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    await ensureBuilt();
    return 0;
  },
};

async function main([name, ...args]) {
  try {
    if (!Object.hasOwn(commands, name ?? '')) {
      throw new Failure(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [ARGUMENT…]`);
    }
    process.exitCode = await commands[name](args);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    process.exitCode = error.exitCode;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
