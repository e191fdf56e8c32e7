/**
 * The command line: finds the verb, parses its words, runs it, and says what went wrong. No package is imported before the verb
 * is known, and only yargs before its words are understood, so that help is there at once.
 */
import { UserError } from '../errors.js';
import { reason } from '../files.js';
import { nearest } from '../nearest.js';
import { version } from '../version.js';
import { printFailure } from './failure.js';
import { BARE_OPTIONS, bareHelp } from './help.js';
import type { VerbModule } from './verb.js';

interface Verb {
  name: string;
  usage: string;
  describe: string;
  load(): Promise<VerbModule>;
}

const VERBS: Verb[] = [
  {
    name: 'select',
    usage: 'select',
    describe: 'Which layers are already specialised in this task?',
    load: () => import('./select.js'),
  },
  {
    name: 'train',
    usage: 'train <config>',
    describe: 'Select, attach, tune, evaluate: a run folder',
    load: () => import('./train.js'),
  },
  {
    name: 'evaluate',
    usage: 'evaluate <run>',
    describe: 'Scores of a run on a split',
    load: () => import('./evaluate.js'),
  },
  {
    name: 'predict',
    usage: 'predict <run>',
    describe: 'Labels for new text',
    load: () => import('./predict.js'),
  },
  {
    name: 'compare',
    usage: 'compare <runs..>',
    describe: 'Runs side by side: scores, intervals, tests, cost',
    load: () => import('./compare.js'),
  },
  {
    name: 'export',
    usage: 'export <run>',
    describe: "A run's adapter for Python's libraries",
    load: () => import('./export.js'),
  },
  {
    name: 'glue',
    usage: 'glue <grid>',
    describe: 'Tasks × models × arms × methods × seeds, compared',
    load: () => import('./glue.js'),
  },
  {
    name: 'study',
    usage: 'study <name> <inputs..>',
    describe: 'Should a selection rule be trusted? How many layers? How robust is ν?',
    load: () => import('./study.js'),
  },
  {
    name: 'submission',
    usage: 'submission <runs..>',
    describe: "Test predictions of GLUE's tasks as the zip that its server reads",
    load: () => import('./submission.js'),
  },
];

/** Runs the command line. Sets `process.exitCode`: 0 done, 1 our fault, 2 the user's mistake, 130 interrupted. */
export async function main(argv: string[]): Promise<void> {
  watchStream(process.stdout, (cause) => {
    process.exitCode = printFailure(unwritable(cause), argv.includes('--verbose'));
  });
  // Of stderr there is nowhere to tell.
  watchStream(process.stderr, () => {});
  try {
    await dispatch(argv);
  } catch (error) {
    process.exitCode = printFailure(error, argv.includes('--verbose'));
  }
}

async function dispatch(argv: string[]): Promise<void> {
  const at = argv.findIndex((word) => !word.startsWith('-'));
  const verb = at < 0 ? undefined : VERBS.find(({ name }) => name === argv[at]);
  if (at >= 0 && !verb) {
    const near = nearest(
      argv[at],
      VERBS.map(({ name }) => name),
    );
    const hint = near
      ? `did you mean "${near}"?`
      : `one of ${VERBS.map(({ name }) => name).join(', ')}; see spantune --help`;
    throw new UserError(`unknown verb "${argv[at]}"`, { hint });
  }
  if (!verb) {
    process.stdout.write(bare(argv));
    return;
  }
  const [module, { parseVerb }] = await Promise.all([verb.load(), import('./arguments.js')]);
  const words = argv.filter((_, index) => index !== at);
  const parsed = await parseVerb(verb.name, module, words, version());
  if (parsed.kind === 'print') process.stdout.write(parsed.text);
  else await module.run(parsed.args);
}

/** What there is to say without a verb. */
function bare(argv: string[]): string {
  const stranger = argv.find((word) => word !== '-h' && !Object.hasOwn(BARE_OPTIONS, word.replace(/^--/, '')));
  if (stranger !== undefined) {
    const near = nearest(stranger.replace(/^-+/, ''), Object.keys(BARE_OPTIONS));
    const hint = near ? `did you mean "--${near}"?` : 'see spantune --help';
    throw new UserError(`unknown option "${stranger}"`, { hint });
  }
  if (argv.includes('--version')) return `${version()}\n`;
  if (argv.includes('--help') || argv.includes('-h')) return bareHelp(VERBS);
  throw new UserError('no verb given', { hint: 'see spantune --help' });
}

const watched = new WeakSet<NodeJS.WriteStream>();

/** `spantune … | head` closes the pipe early: that is no fault of anybody's. What else keeps the stream from being written is told once. */
function watchStream(stream: NodeJS.WriteStream, tell: (cause: Error) => void): void {
  if (watched.has(stream)) return;
  watched.add(stream);
  let told = false;
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE' || told) return;
    told = true;
    tell(cause);
  });
}

function unwritable(cause: Error): UserError {
  return new UserError(`standard output cannot be written to: ${reason(cause)}`, {
    hint: 'make room where it goes to, or send it elsewhere',
    cause,
  });
}
