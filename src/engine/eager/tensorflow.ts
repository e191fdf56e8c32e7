/**
 * TensorFlow's own kernels as a TensorFlow.js backend, where one of the packages that bring them is installed: they are optional,
 * and so is the native addon within them, which an install script fetches or builds.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { UserError } from '../../errors.js';

/** In the order in which they are looked for. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

type Package = (typeof PACKAGES)[number];

/** What is there, without loading it. */
export type Addon =
  | { state: 'no package' }
  | { state: 'no addon'; package: Package }
  | { state: 'present'; package: Package };

const require_ = createRequire(import.meta.url);

function folderOf(name: Package, require: NodeJS.Require): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** The package with an addon, else one without, else none. `require` stands for where packages are looked for. */
export function findAddon(require: NodeJS.Require = require_): Addon {
  let found: Addon = { state: 'no package' };
  for (const name of PACKAGES) {
    const folder = folderOf(name, require);
    if (folder === undefined) continue;
    const lib = join(folder, 'lib');
    const versions = existsSync(lib) ? readdirSync(lib) : [];
    if (versions.some((version) => existsSync(join(lib, version, 'tfjs_binding.node')))) {
      return { state: 'present', package: name };
    }
    if (found.state === 'no package') found = { state: 'no addon', package: name };
  }
  return found;
}

const BUILD = 'build it: node scripts/build-tensorflow.mjs --help';

/** Why the addon cannot be used, and what to do about it; undefined where it is present. */
export function missing(addon: Addon): { reason: string; hint: string } | undefined {
  if (addon.state === 'no package') {
    return { reason: `neither ${PACKAGES.join(' nor ')} is installed`, hint: `npm install ${PACKAGES[0]}` };
  }
  if (addon.state === 'present') return undefined;
  return {
    reason: `${addon.package} is installed without its native addon`,
    hint: `npm rebuild ${addon.package} --ignore-scripts=false, or ${BUILD}`,
  };
}

/** Whether the system shows a GPU that CUDA could use; where that cannot be told, true. */
export function showsDevice(exists: (path: string) => boolean = existsSync): boolean {
  return process.platform !== 'linux' || exists('/dev/nvidiactl') || exists('/dev/dxg');
}

/**
 * Loads the addon, which registers the backend `tensorflow`. Throws a `UserError` with the remedy where there is none, or where it
 * does not load.
 */
export function loadTensorFlow(addon: Addon = findAddon()): { package: Package; gpu: boolean } {
  const lacking = missing(addon);
  if (lacking || addon.state !== 'present') {
    throw new UserError(`the engine tensorflow cannot be used: ${lacking?.reason}`, { hint: lacking?.hint });
  }
  // Node 22 warns of this function, which the package calls, and Node 23 took it away.
  const util = require_('node:util') as Record<string, unknown>;
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  // Its notes on processors are nobody's business here.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  try {
    const loaded = require_(addon.package) as typeof tf;
    const backend = loaded.findBackend('tensorflow') as unknown as { isUsingGpuDevice: boolean };
    return { package: addon.package, gpu: backend.isUsingGpuDevice };
  } catch (cause) {
    throw new UserError(`the engine tensorflow cannot be used: ${addon.package} does not load`, {
      hint: `the engine compiled needs no addon; to have it anew, ${BUILD} (--verbose tells the cause)`,
      cause,
    });
  }
}
