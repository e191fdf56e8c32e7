/** From what the schema rejects to one error line and one hint line. */
import type { z } from 'zod';
import { ConfigError, type Place } from '../errors.js';
import { nearest } from '../nearest.js';
import { type Block, isBlock, type Layer, valueAt } from './layers.js';
import { allKeys, keysAt, METHOD_OPTIONS, runSchema } from './schema.js';

export interface Mistake {
  path: string[];
  /** Whether the key or its value is wrong: where the place points. */
  part: 'key' | 'value';
  message: string;
  hint?: string;
}

const ARM_HINT = 'such as { bottom: l*, top: L, head: L }; null for bottom and top tunes the classifier alone';
/** Blocks of the defaults that a run does not state. */
// A map: a misspelt key may bear a name that every object has.
const ELSEWHERE = new Map([['adapters', 'such as "tuning: { method: lora, rank: 8 }"']]);
const MISSING_HINTS: Record<string, string> = {
  model: 'name a Hugging Face folder, such as "model: models/en-12x192"',
  task: 'such as "task: { name: mrpc, data: data/glue }"',
  'arm.bottom': ARM_HINT,
  'arm.top': ARM_HINT,
  'arm.head': ARM_HINT,
  'tuning.method': 'such as "tuning: { method: lora, rank: 8 }"',
  'task.name': "one of GLUE's, such as mrpc, or a name of your own",
};

/** What the mistakes of another file than a run's are judged by. */
export interface Vocabulary {
  /** A zod schema of blocks. */
  schema: unknown;
  /** Hints at keys that are missing, by dotted path. */
  missing: Readonly<Record<string, string>>;
}

const RUN: Vocabulary = { schema: runSchema, missing: MISSING_HINTS };

/** The mistake to show first: unknown keys before the rest, since they explain missing ones; then in the file's order. */
export function mistakeIn(error: z.ZodError, merged: Block, layers: Layer[], vocabulary = RUN): Mistake {
  const issues = error.issues.flatMap((issue) => flatten(issue, []));
  const unknown = issues.flatMap(({ issue, path }) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey([...path, key], merged, vocabulary)) : [],
  );
  const wrong = issues.flatMap(({ issue, path }) =>
    issue.code === 'unrecognized_keys' ? [] : [wrongValue(path, issue.message, merged, vocabulary)],
  );
  const [first] = (unknown.length > 0 ? unknown : wrong).sort((a, b) => order(a, layers) - order(b, layers));
  return first;
}

/** The error for a mistake, with its place in the last layer that states the key. */
export function mistakeToError(mistake: Mistake | undefined, layers: Layer[], defaults: Block = {}): ConfigError {
  if (!mistake) return new ConfigError('the configuration is not valid');
  const { option, place } = placeOf(mistake, layers);
  const fallback = valueAt(defaults, mistake.path);
  const about = fallback === undefined || isBlock(fallback) ? '' : `the default is ${JSON.stringify(fallback)}; `;
  const hint = mistake.hint ?? `${about}configs/defaults.yaml explains every key`;
  return new ConfigError(option ? `${option}: ${mistake.message}` : mistake.message, { ...place, hint });
}

/**
 * A union's issue stands for those of the one alternative that was meant: a block, where a block was written; of several blocks the one
 * that knows most of its keys.
 */
function flatten(issue: z.core.$ZodIssue, prefix: string[]): { issue: z.core.$ZodIssue; path: string[] }[] {
  const path = [...prefix, ...issue.path.map(String)];
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const strange = (branch: z.core.$ZodIssue[]) =>
    branch.reduce((sum, inner) => sum + (inner.code === 'unrecognized_keys' ? inner.keys.length : 0), 0);
  const [meant] = issue.errors
    .filter((branch) => branch.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'))
    .sort((a, b) => strange(a) - strange(b));
  return meant && meant.length > 0 ? meant.flatMap((inner) => flatten(inner, path)) : [{ issue, path }];
}

function unknownKey(path: string[], merged: Block, { schema }: Vocabulary): Mistake {
  const key = path[path.length - 1];
  if (path.length === 2 && path[0] === 'tuning') {
    const method = valueAt(merged, ['tuning', 'method']);
    if (method !== undefined) return unknownOption(path, String(method));
    if (valueAt(merged, ['tuning', 'from']) !== undefined) {
      const hint = 'state tuning.from alone: the rest is in the adapter';
      return { path, part: 'key', message: `"${key}" is stated beside tuning.from`, hint };
    }
  }
  const known = keysAt(path.slice(0, -1), schema) ?? [];
  const near = nearest(key, known);
  const elsewhere = allKeys([], schema).filter((full) => full.split('.').pop() === key);
  const candidates = near ? [near] : elsewhere;
  const hint =
    ELSEWHERE.get(path.join('.')) ??
    (candidates.length > 0
      ? `did you mean ${candidates.map((name) => `"${name}"`).join(' or ')}?`
      : `known keys here: ${known.join(', ')}`);
  return { path, part: 'key', message: `unknown key "${key}"`, hint };
}

/** An option that the method does not have. */
function unknownOption(path: string[], method: string): Mistake {
  const [, key] = path;
  const own = METHOD_OPTIONS.get(method) ?? [];
  const others = [...METHOD_OPTIONS].flatMap(([name, options]) => (options.includes(key) ? [name] : []));
  const near = nearest(key, own);
  if (near || others.length === 0) {
    const hint = near ? `did you mean "${near}"?` : `options of ${method}: ${own.join(', ')}`;
    return { path, part: 'key', message: `unknown key "${key}"`, hint };
  }
  const message = `"${key}" is an option of ${others.join(' and ')}, not of ${method}`;
  return { path, part: 'key', message, hint: `options of ${method}: ${own.join(', ')}` };
}

function wrongValue(path: string[], problem: string, merged: Block, { missing }: Vocabulary): Mistake {
  const value = valueAt(merged, path);
  const name = path.join('.');
  if (value === undefined) {
    return { path, part: 'key', message: `missing key "${name}"`, hint: missing[name] };
  }
  return {
    path,
    part: 'value',
    message: `${name} ${problem}, not ${brief(value)}`,
    hint: valueHint(name, value, problem),
  };
}

function valueHint(name: string, value: unknown, problem: string): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (name.endsWith('engine.name') && /^(gpu|cuda|webgpu)$/i.test(value))
    return 'for a GPU, state engine.device: webgpu or cuda';
  if (name.endsWith('engine.device') && /^gpu$/i.test(value)) return 'a GPU is webgpu or cuda';
  if (value !== '' && Number.isFinite(Number(value)) && / number/.test(problem))
    return 'write the number without quotes';
  const words = problem.match(/[A-Za-z0-9-]+/g) ?? [];
  const near = / one of | one or more of |must be all|must be epoch/.test(problem) ? nearest(value, words) : undefined;
  return near && `did you mean "${near}"?`;
}

function brief(value: unknown): string {
  if (isBlock(value)) return 'a block of keys';
  // JSON has no words for these.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The layer that states the key, or, for a missing one, the nearest block around it. */
function placeOf({ path, part }: Mistake, layers: Layer[]): { option?: string; place: Place } {
  for (let depth = path.length; depth > 0; depth--) {
    const prefix = path.slice(0, depth);
    const layer = layers.findLast((candidate) => valueAt(candidate.value, prefix) !== undefined);
    if (!layer) continue;
    return { option: layer.option, place: layer.locate(prefix, depth === path.length ? part : 'key') };
  }
  return { place: layers[0].locate([], 'key') };
}

function order(mistake: Mistake, layers: Layer[]): number {
  const { place } = placeOf(mistake, layers);
  return (place.line ?? 0) * 1e4 + (place.column ?? 0);
}
