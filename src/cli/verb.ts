/** What a verb is, and the options that all verbs share. */
import type { Argv } from 'yargs';
import { UserError } from '../errors.js';

/** A verb's file exports these. It may import nothing slow: a verb's `--help` loads it. */
export interface VerbModule {
  /** Positional arguments in yargs' notation, such as `<run>`. */
  positionals: string;
  describe: string;
  options(command: Argv): Argv;
  run(args: Arguments): Promise<void>;
}

/** Parsed arguments by option name, values as typed. */
export type Arguments = Record<string, unknown>;

/** What every verb understands. */
export interface Flags {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
}

/** An option with a value; values stay text until the configuration's schema reads them, so that one place judges them. */
export const valued = (describe: string, extra: { alias?: string; array?: boolean } = {}) => ({
  describe,
  type: 'string' as const,
  requiresArg: true,
  ...extra,
});

export const FLAG_OPTIONS = {
  json: { describe: 'Print one JSON document and nothing else on stdout', type: 'boolean' },
  quiet: { describe: 'No progress and no notes; errors only', type: 'boolean' },
  verbose: { describe: 'More notes; the causes of an error', type: 'boolean' },
} as const;

export function flagsOf(args: Arguments): Flags {
  return { json: args.json === true, quiet: args.quiet === true, verbose: args.verbose === true };
}

/** An option's text, if it was given. Throws a `UserError` where it is empty, as in `--name=`. */
export function textOf(args: Arguments, name: string): string | undefined {
  const value = args[name];
  if (value === '') throw new UserError(`--${name} needs a value`, { hint: 'leave it out for the default' });
  return typeof value === 'string' ? value : undefined;
}

/** A whole number of at least 1. Throws a `UserError` that names the option. */
export function countOf(args: Arguments, name: string): number | undefined {
  const text = textOf(args, name);
  if (text === undefined || /^[1-9]\d*$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new UserError(`--${name} ${text}: must be a whole number of at least 1`, {
    hint: 'leave it out for the default',
  });
}

/** One of some words. Throws a `UserError` that lists them; `hint` says what leaving the option out means. */
export function choiceOf<const T extends string>(
  args: Arguments,
  name: string,
  words: readonly T[],
  hint: string,
): T | undefined {
  const text = textOf(args, name);
  const word = words.find((known) => known === text);
  if (text === undefined || word !== undefined) return word;
  throw new UserError(`--${name} ${text}: must be one of ${words.join(', ')}`, { hint });
}

/** A repeatable option's texts. */
export function textsOf(args: Arguments, name: string): string[] {
  const value = args[name];
  return value === undefined ? [] : [value].flat().map(String);
}
