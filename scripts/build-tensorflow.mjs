/**
 * Builds the native addon of @tensorflow/tfjs-node-gpu (or tfjs-node) from the sources in its npm package, against a TensorFlow library
 * that is at hand, for networks where the package's own script cannot fetch anything. Linux; needs a C++ compiler and nothing from
 * the network:
 *
 *     pip download --no-deps tensorflow-cpu && unzip -q tensorflow_cpu-*.whl 'tensorflow/*' -d wheel
 *     node scripts/build-tensorflow.mjs --libtensorflow wheel/tensorflow
 *
 * The folder is that of a Python wheel, or of one of TensorFlow's archives for C (lib/ and include/); it must stay where it is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `node scripts/build-tensorflow.mjs --libtensorflow FOLDER [--headers FOLDER] [--compiler g++]

  --libtensorflow  holds libtensorflow_cc.so.* and include/ (the folder tensorflow/ of a wheel), or lib/ and include/
  --headers        holds node_api.h (default: beside the node that runs this)
  --compiler       of C++17 (default: $CXX, else g++)
`;

function fail(message, hint) {
  process.stderr.write(`error  ${message}\nhint   ${hint}\n`);
  process.exit(2);
}

function optionsOf(options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(error.message, 'see --help');
  }
}

const values = optionsOf({
  libtensorflow: { type: 'string' },
  headers: { type: 'string', default: join(dirname(dirname(process.execPath)), 'include/node') },
  compiler: { type: 'string', default: process.env.CXX ?? 'g++' },
  help: { type: 'boolean', default: false },
});

if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (process.platform !== 'linux') fail('this script is for Linux', "use the package's own: npm rebuild");
if (!values.libtensorflow) fail('--libtensorflow is missing', 'see --help');

const require = createRequire(import.meta.url);
const name = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].find((each) => {
  try {
    return require.resolve(`${each}/package.json`);
  } catch {
    return false;
  }
});
if (!name) fail('@tensorflow/tfjs-node-gpu is not installed', 'npm ci, or npm install @tensorflow/tfjs-node-gpu');
const folder = dirname(require.resolve(`${name}/package.json`));

const root = resolve(values.libtensorflow);
const lib = existsSync(join(root, 'lib')) ? join(root, 'lib') : root;
const include = join(root, 'include');
const libraries = ['tensorflow_cc', 'tensorflow', 'tensorflow_framework'].flatMap((part) => {
  const pattern = new RegExp(`^lib${part}\\.so(\\.\\d+)*$`);
  const files = existsSync(lib) ? readdirSync(lib).filter((file) => pattern.test(file)) : [];
  // The shortest name with a version is the one that the loader looks for.
  return files.sort((a, b) => a.length - b.length).slice(0, 1);
});
if (!libraries.some((file) => !file.includes('framework'))) {
  fail(`${lib}: there is no libtensorflow_cc.so or libtensorflow.so`, 'unpack a wheel of tensorflow-cpu, see --help');
}
for (const [at, what] of [
  [join(include, 'tensorflow/c/c_api.h'), '--libtensorflow'],
  [join(values.headers, 'node_api.h'), '--headers'],
]) {
  if (!existsSync(at)) fail(`${at}: there is no such file`, `check ${what}, see --help`);
}

const target = join(folder, 'lib/napi-v8/tfjs_binding.node');
const temporary = `${target}.${process.pid}.part`;
mkdirSync(dirname(target), { recursive: true });
const built = spawnSync(
  values.compiler,
  [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION'],
    ...['-DNODE_GYP_MODULE_NAME=tfjs_binding', `-I${values.headers}`, `-I${include}`, `-I${folder}`],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(folder, 'binding', file)),
    ...['-o', temporary, `-L${lib}`, ...libraries.map((file) => `-l:${file}`), `-Wl,-rpath,${lib}`],
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
if (built.status !== 0) {
  rmSync(temporary, { force: true });
  const reason = built.error ? built.error.message : `${values.compiler} ended with code ${built.status}`;
  fail(`the addon was not built: ${reason}`, 'install a compiler (g++), or name one with --compiler');
}
renameSync(temporary, target);

// As the engine does, since Node 23 took away what the package calls.
const check = `require('node:util').isNullOrUndefined = (value) => value == null; const tf = require(${JSON.stringify(name)}); console.log(tf.getBackend(), tf.add([1, 2], [3, 4]).dataSync().join())`;
const loaded = spawnSync(process.execPath, ['-e', check], { cwd: dirname(import.meta.dirname), encoding: 'utf8' });
if (loaded.stdout.trim() !== 'tensorflow 4,6') {
  process.stderr.write(loaded.stderr);
  fail('the addon was built but does not load', 'take a library that fits this system');
}
process.stdout.write(`${name} is ready: use --engine tensorflow\n`);
