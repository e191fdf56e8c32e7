/** From the command line's words to a verb's arguments. What yargs rejects becomes an error with a hint. */
import yargs, { type Argv } from 'yargs';
import { UserError } from '../errors.js';
import { nearest } from '../nearest.js';
import { type Arguments, FLAG_OPTIONS, type VerbModule } from './verb.js';

export type Parsed = { kind: 'run'; args: Arguments } | { kind: 'print'; text: string };

/** Options that may be given more than once, and positionals that are lists. */
const REPEATABLE = new Set(['set', 'runs', 'inputs']);

/** Parses a verb's words (the verb itself not among them). */
export async function parseVerb(verb: string, module: VerbModule, words: string[], version: string): Promise<Parsed> {
  const parser = base(words, `spantune ${verb}`, version).command(
    `$0 ${module.positionals}`.trim(),
    module.describe,
    (command) => module.options(command).options(FLAG_OPTIONS).conflicts('quiet', 'verbose'),
    () => {},
  );
  return parse(parser, verb, words, module.positionals);
}

function base(words: string[], name: string, version: string): Argv {
  return yargs(words)
    .scriptName(name)
    .parserConfiguration({ 'dot-notation': false, 'camel-case-expansion': false, 'parse-positional-numbers': false })
    .locale('en')
    .version(version)
    .help()
    .alias('help', 'h')
    .strict()
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message: string | null, error: unknown) => {
      throw message ? new UsageMessage(message) : error;
    })
    .wrap(Math.min(110, process.stdout.columns ?? 100));
}

async function parse(parser: Argv, verb: string, words: string[], positionals = ''): Promise<Parsed> {
  let text = '';
  let args: Arguments;
  try {
    args = await parser.parseAsync(words, {}, (_error: unknown, _args: unknown, output: string) => {
      text = output;
    });
  } catch (error) {
    throw usageError(error, parser, verb, words, positionals);
  }
  if (args.help || args.version) return { kind: 'print', text: `${text}\n` };
  for (const [name, value] of Object.entries(args)) {
    if (Array.isArray(value) && name !== '_' && !REPEATABLE.has(name)) {
      throw new UserError(`--${name} is given more than once`, { hint: 'give it once' });
    }
  }
  return { kind: 'run', args };
}

/** What yargs says of the words that it rejects. */
class UsageMessage extends Error {
  override name = 'UsageMessage';
}

/** yargs' own words, put as `error` and `hint`. */
function usageError(error: unknown, parser: Argv, verb: string, words: string[], positionals: string): unknown {
  if (!(error instanceof UsageMessage)) return error;
  const help = `see spantune ${verb ? `${verb} ` : ''}--help`;
  const { message } = error;
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)?.[1].split(', ')[0];
  if (unknown !== undefined) {
    const isOption = words.some((word) => word === `-${unknown}` || word.split('=')[0] === `--${unknown}`);
    if (!isOption) return new UserError(`unexpected argument "${unknown}"`, { hint: help, cause: error });
    const known = knownOptions(parser);
    const near = nearest(unknown, known);
    const otherwise = known.includes('set') ? `a key of the configuration is set by --set KEY=VALUE; ${help}` : help;
    const hint = near ? `did you mean "--${near}"?` : otherwise;
    return new UserError(`unknown option "${unknown.length > 1 ? '--' : '-'}${unknown}"`, { hint, cause: error });
  }
  const valueless = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (valueless !== undefined) return new UserError(`--${valueless} needs a value`, { hint: help, cause: error });
  if (message.startsWith('Not enough non-option arguments')) {
    return new UserError(`spantune ${verb} needs ${positionals}`, { hint: help, cause: error });
  }
  const exclusive = /^Arguments (\S+) and (\S+) are mutually exclusive$/.exec(message);
  if (exclusive) {
    const [, one, other] = exclusive;
    return new UserError(`--${one} and --${other} exclude each other`, { hint: 'give one of the two', cause: error });
  }
  return new UserError(message, { hint: help, cause: error });
}

function knownOptions(parser: Argv): string[] {
  const { key } = (parser as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
  return Object.keys(key);
}
