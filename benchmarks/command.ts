/** What the benchmarks' command lines share: options that are checked, `--help`, and mistakes in one line. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { printFailure } from '../src/cli/failure.js';
import { SpantuneError, UserError } from '../src/errors.js';

/** One option: its default, or that it must be given, and what is wrong with a text, or undefined. */
interface Option {
  default?: string;
  needed?: boolean;
  wrong?(text: string): string | undefined;
}

type Values<O extends Record<string, Option>> = {
  [K in keyof O]: O[K] extends { default: string } | { needed: true } ? string : string | undefined;
};

export const text = <D extends string | undefined = undefined>(value?: D) => ({ default: value }) as { default: D };

/** A folder or file that must be given and be there. */
export const path = () =>
  ({ needed: true, wrong: (text) => (existsSync(text) ? undefined : 'is not there') }) satisfies Option;

/** A whole number. */
export const whole = <D extends string | undefined>(value: D, least = 1) => ({
  default: value,
  wrong: (text: string) =>
    /^\d+$/.test(text) && Number(text) >= least ? undefined : `must be a whole number of at least ${least}`,
});

export const positive = <D extends string>(value: D) => ({
  default: value,
  wrong: (text: string) => (Number(text) > 0 ? undefined : 'must be a number above 0'),
});

export const oneOf = <const W extends readonly string[]>(...words: W) => ({
  default: words[0],
  wrong: (text: string) => (words.includes(text) ? undefined : `must be one of ${words.join(', ')}`),
});

/** A list with commas between. */
export const list = (value: string, words?: readonly string[]) => ({
  default: value,
  wrong: (text: string) => {
    const unknown = text.split(',').filter((word) => word === '' || (words !== undefined && !words.includes(word)));
    return unknown.length === 0 ? undefined : `must be ${words ? `of ${words.join(', ')}` : 'a list'}, with commas`;
  },
});

/** Whole numbers with commas between, such as seeds. */
export const wholes = (value: string) => ({
  default: value,
  wrong: (text: string) => (/^\d+(,\d+)*$/.test(text) ? undefined : 'must be whole numbers, with commas'),
});

/**
 * Reads the options of the benchmark in the file `url`. `--help` prints the comment that the file begins with; a mistake, then or
 * later, ends the process with an error line and a hint line: 2 for the user's, 1 for any other.
 */
export function commandLine<const O extends Record<string, Option>>(url: string, options: O): Values<O> {
  process.on('uncaughtException', (error) => {
    process.exit(printFailure(error, !(error instanceof SpantuneError)));
  });
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    console.log(usage(fileURLToPath(url)));
    process.exit(0);
  }
  const config: ParseArgsConfig['options'] = {};
  for (const [name, { default: value }] of Object.entries(options))
    config[name] = { type: 'string', ...(value === undefined ? {} : { default: value }) };
  const values = parsed(config);
  for (const [name, { needed, wrong }] of Object.entries(options)) {
    const value = values[name];
    if (value === undefined && needed) throw new UserError(`--${name} is missing`, { hint: HELP });
    const problem = value === undefined ? undefined : wrong?.(value);
    if (problem) throw new UserError(`--${name} ${value}: ${problem}`, { hint: HELP });
  }
  return values as Values<O>;
}

const HELP = '--help tells the options';

function parsed(options: ParseArgsConfig['options']): Record<string, string | undefined> {
  try {
    return parseArgs({ options }).values as Record<string, string | undefined>;
  } catch (cause) {
    throw new UserError(cause instanceof Error ? cause.message.split('\n')[0] : String(cause), { hint: HELP, cause });
  }
}

function usage(file: string): string {
  const [, comment = ''] = /^\/\*\*\n([\s\S]*?)\n \*\//.exec(readFileSync(file, 'utf8')) ?? [];
  return comment.replaceAll(/^ \* ?/gm, '');
}
