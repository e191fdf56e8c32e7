/** Where a configuration's values come from: the defaults, a YAML file, options; and where in them each key stands. */
import { isMap, isPair, isScalar, isSeq, LineCounter, parse, parseDocument } from 'yaml';
import { ConfigError, type Place } from '../errors.js';
import { readText } from '../files.js';

export type Block = Record<string, unknown>;

/** One source of values. Later layers win. */
export interface Layer {
  value: Block;
  /** The option as typed, such as `--set training.epochs=5`; undefined for a file or an object. */
  option?: string;
  /** Folder that this layer's relative paths are relative to. */
  base: string;
  /** Where the key (or its value) stands; an empty place where it is not in a file. */
  locate(path: readonly string[], part: 'key' | 'value'): Place;
}

export function isBlock(value: unknown): value is Block {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at `path`; undefined where it is absent. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let node = value;
  for (const key of path) {
    if (!isBlock(node) && !Array.isArray(node)) return undefined;
    if (!Object.hasOwn(node, key)) return undefined;
    node = (node as Block)[key];
  }
  return node;
}

/** Deep merge of blocks; anything else is replaced. A block left empty (`training:` and nothing below) keeps what was there. */
export function merge(under: Block, over: Block): Block {
  const merged: Block = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(under, key) ? under[key] : undefined;
    const next =
      isBlock(before) && value === null ? before : isBlock(before) && isBlock(value) ? merge(before, value) : value;
    define(merged, key, next);
  }
  return merged;
}

/** Sets a key of any name, `__proto__` included, as an ordinary one. */
function define(block: Block, key: string, value: unknown): void {
  Object.defineProperty(block, key, { value, enumerable: true, writable: true, configurable: true });
}

/** A layer that states one key, as an option does. `path` is dotted. */
export function optionLayer(option: string, path: string, value: unknown, base: string): Layer {
  const keys = path.split('.');
  const root: Block = {};
  let block = root;
  for (const key of keys.slice(0, -1)) {
    const inner: Block = {};
    define(block, key, inner);
    block = inner;
  }
  define(block, keys[keys.length - 1], value);
  return { value: root, option, base, locate: () => ({}) };
}

/** Reads `a.b=c` of a `--set`; the value is YAML. Throws a `ConfigError` that names the option. */
export function parseAssignment(assignment: string): { path: string; value: unknown } {
  const match = /^([^=\s]+)\s*=([\s\S]*)$/.exec(assignment.trim());
  if (!match || match[1].split('.').includes('')) {
    throw new ConfigError(`--set ${assignment}: not of the form key=value`, {
      hint: 'such as --set training.epochs=5',
    });
  }
  return { path: match[1], value: parseOptionValue(match[2].trim(), `--set ${assignment}`) };
}

/** Reads an option's value as YAML: a number, a word, a list. Throws a `ConfigError` that names the option. */
export function parseOptionValue(text: string, option: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch (cause) {
    const [summary] = (cause as Error).message.split('\n');
    throw new ConfigError(`${option}: the value is not valid YAML: ${summary}`, { hint: 'quote the value', cause });
  }
}

/** What to do about a file that is not there, or is no block of keys. */
interface FileHints {
  unreadable: string;
  noBlock: string;
}

const RUN_FILE: FileHints = {
  unreadable: 'give the path of a configuration, such as configs/mrpc-selected.yaml',
  noBlock: 'such as "model: models/en-12x192", one key a line',
};

/** By the parser's code: what may stand once. */
const TWICE: Partial<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is stated twice',
  MULTIPLE_DOCS: 'a second document begins here',
};

/** Parses YAML text. Throws a `ConfigError` with line and column on a syntax error, on a root that is no block, on a key stated twice. */
function yamlLayer(text: string, file: string, base: string, hints: FileHints): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const twice = TWICE[problem.code];
    throw new ConfigError(twice ?? `not valid YAML: ${problem.message}`, {
      ...placeOf(problem.pos[0]),
      hint: twice ? 'keep one of the two' : 'check indentation, colons and quotes on this line and the one before',
      cause: problem,
    });
  }
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (cause) {
    throw new ConfigError(`not valid YAML: ${(cause as Error).message}`, { file, hint: 'write the values out', cause });
  }
  if (!isBlock(value)) {
    throw new ConfigError('must be a block of keys', {
      ...placeOf(document.contents?.range?.[0] ?? 0),
      hint: hints.noBlock,
    });
  }
  const locate = (path: readonly string[], part: 'key' | 'value'): Place => {
    let node: unknown = document.contents;
    let offset = 0;
    for (const [depth, key] of path.entries()) {
      const last = depth === path.length - 1;
      if (isMap(node)) {
        const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
        if (!pair) break;
        const keyOffset = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
        const valueOffset = (pair.value as { range?: [number, number, number] } | null)?.range?.[0];
        offset = (last && part === 'value' ? (valueOffset ?? keyOffset) : keyOffset) ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(key)];
        offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset;
      } else {
        // Shorthand: the scalar stands for a block.
        if (isScalar(node) && part === 'value') offset = node.range?.[0] ?? offset;
        break;
      }
    }
    return placeOf(offset);
  };
  return { value, base, locate };
}

/** Reads a YAML file as a layer. Errors call it by `name`, as the user typed it. */
export function fileLayer(file: string, base: string, name = file, hints = RUN_FILE): Layer {
  return yamlLayer(readText(file, hints.unreadable), name, base, hints);
}
