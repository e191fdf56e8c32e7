/** From YAML files, options and objects to one typed configuration, or to an error that says where the mistake stands. */
import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { UserError } from '../errors.js';
import { displayPath } from '../files.js';
import { type ArmRequest, type ArmSpec, parseArm } from '../selection/arms.js';
import { type Block, fileLayer, isBlock, type Layer, merge, optionLayer, parseAssignment, valueAt } from './layers.js';
import { type Mistake, mistakeIn, mistakeToError } from './mistakes.js';
import { PATH_KEYS, type RunConfig, runSchema } from './schema.js';

export interface LoadOptions {
  /** Values that win over the file's, in order: `--set` and a verb's own options. Their relative paths are relative to `base`. */
  overrides?: Override[];
  /** Folder of relative paths that no file states. Default: the current folder. */
  base?: string;
  /** Whether the model and the data that the configuration names must exist. Default true. */
  checkPaths?: boolean;
}

export interface Override {
  /** Dotted, such as `training.epochs`. */
  path: string;
  value: unknown;
  /** As the user typed it; errors name it. */
  option: string;
}

/** Reads `a.b=c` of a `--set`. The value is YAML. */
export function setOverride(assignment: string): Override {
  return { ...parseAssignment(assignment), option: `--set ${assignment}` };
}

/** The path of `configs/defaults.yaml`, in a checkout, in its build and in an installed package. */
export function defaultsFile(): string {
  for (const up of ['../../', '../../../']) {
    const file = fileURLToPath(new URL(`${up}configs/defaults.yaml`, import.meta.url));
    if (existsSync(file)) return file;
  }
  throw new UserError('configs/defaults.yaml is missing from the installation', { hint: 'install spantune again' });
}

/**
 * Reads a run's YAML file over the defaults.
 *
 * @throws ConfigError with file, line and column: bad YAML, an unknown key, a wrong value, a missing key, a path that is not there.
 */
export function loadConfig(file: string, options: LoadOptions = {}): RunConfig {
  const path = resolve(options.base ?? '.', file);
  const layer = fileLayer(path, dirname(path), file);
  if (path !== defaultsFile()) return build([layer], options);
  // The defaults themselves, run with what is set on top: their list of adapter methods is no key of a run.
  const { adapters: _, ...value } = layer.value;
  return build([{ ...layer, value }], options);
}

/** As `loadConfig`, from an object (or from overrides alone) in place of a file. */
export function resolveConfig(value: Block, options: LoadOptions = {}): RunConfig {
  return build([{ value, base: resolve(options.base ?? '.'), locate: () => ({}) }], options);
}

/** As `loadConfig`, from layers: such as a run of a grid, whose keys stand in several places of the grid's file. */
export function resolveLayers(layers: Layer[], options: LoadOptions = {}): RunConfig {
  return build(layers, options);
}

/** The resolved configuration as YAML; loading it again gives the same configuration. */
export function stringifyConfig(config: RunConfig): string {
  return stringify(config, { lineWidth: 0 });
}

function build(stated: Layer[], options: LoadOptions): RunConfig {
  const base = resolve(options.base ?? '.');
  const overrides = (options.overrides ?? []).map(({ path, value, option }) => optionLayer(option, path, value, base));
  const defaults = fileLayer(defaultsFile(), base);
  const { adapters, ...values } = defaults.value;
  const layers = [...stated, ...overrides].map(absolutePaths).map(expandShorthand);
  const stacked = layers.reduce<Block>((under, layer) => merge(under, layer.value), values);
  const merged = { ...stacked, tuning: withMethodDefaults(stacked.tuning, adapters) };

  const parsed = runSchema.safeParse(merged);
  const mistake = parsed.success ? undefined : mistakeIn(parsed.error, merged, layers);
  if (!parsed.success) throw mistakeToError(mistake, layers, defaults.value);

  const config = { ...parsed.data, selection: { ...parsed.data.selection, k: spanSize(parsed.data, layers) } };
  checkTask(config, layers);
  if (options.checkPaths ?? true) checkPaths(config, layers);
  return config;
}

/** `classifier: linear` is short for `classifier: { kind: linear }`, and `tuning: lora` for `tuning: { method: lora }`. */
function expandShorthand(layer: Layer): Layer {
  const value = { ...layer.value };
  const { classifier, tuning } = value;
  if (typeof classifier === 'string') value.classifier = { kind: classifier };
  if (typeof tuning === 'string' && tuning !== 'fine-tune') value.tuning = { method: tuning };
  return { ...layer, value };
}

/** What an adapter method's options are unless they are stated. */
function withMethodDefaults(tuning: unknown, adapters: unknown): unknown {
  if (!isBlock(tuning)) return tuning;
  const options = valueAt(adapters, [String(tuning.method)]);
  return isBlock(options) ? { ...options, ...tuning } : tuning;
}

function absolutePaths(layer: Layer): Layer {
  let value = layer.value;
  for (const [path] of PATH_KEYS) {
    const keys = path.split('.');
    const written = valueAt(value, keys);
    if (typeof written !== 'string' || written === '' || isAbsolute(written)) continue;
    value = merge(value, optionLayer('', path, resolve(layer.base, written), '').value);
  }
  return { ...layer, value };
}

/** Reads the arm, and so the number of layers that selection proposes a span of: what `k` says, else what the arm's name says, else 2. */
function spanSize({ arm, selection }: { arm: ArmSpec; selection: { k: number | null } }, layers: Layer[]): number {
  let request: ArmRequest;
  try {
    request = parseArm(arm);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    return fail(layers, ['arm'], cause.message, cause.hint);
  }
  const named = request.kind === 'preset' && request.k > 0 ? request.k : undefined;
  const { k } = selection;
  if (k !== null && named !== undefined && k !== named && layers.some((layer) => 'arm' in layer.value)) {
    fail(
      layers,
      ['selection', 'k'],
      `selection.k is ${k}, but the arm is ${request.name}`,
      'state one of the two alone',
    );
  }
  return k ?? named ?? 2;
}

/** A task is read from GLUE's folder, or from files; which columns they need is the data's own business. */
function checkTask({ task }: { task: RunConfig['task'] }, layers: Layer[]): void {
  if (task.data !== undefined || task.train !== undefined) return;
  const hint =
    'a GLUE task needs "data", its folder; a task of your own "train" and "dev", its files, with "text" and "label"';
  fail(layers, ['task', 'data'], 'missing key "task.data" or "task.train"', hint);
}

function checkPaths(config: RunConfig, layers: Layer[]): void {
  for (const [path, kind, read] of PATH_KEYS) {
    const keys = path.split('.');
    const target = valueAt(config, keys);
    if (!read || typeof target !== 'string') continue;
    const found = statSync(target, { throwIfNoEntry: false });
    if (found && found.isDirectory() === (kind === 'folder')) continue;
    const shown = displayPath(target);
    const what = found ? `${shown} is not a ${kind}` : `there is no ${kind} ${shown}`;
    fail(layers, keys, what, 'a relative path is relative to the file that states it, or to the current folder');
  }
}

function fail(layers: Layer[], path: string[], message: string, hint?: string): never {
  const mistake: Mistake = { path, part: 'value', message, hint };
  throw mistakeToError(mistake, layers);
}
