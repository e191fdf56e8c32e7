/** A verb's job with its surroundings: text and progress on stderr, Ctrl-C, the result. */
import type { Job, Results } from '../pipeline/jobs.js';
import type { Reporter } from '../pipeline/types.js';
import type { Level } from '../report/log.js';
import type { Style } from '../report/style.js';
import type { Flags } from './verb.js';

/** Runs the job in its worker while people's text goes to stderr. Throws what the job throws. */
export async function runWithReports<J extends Job>(job: J, flags: Flags): Promise<Results[J['verb']]> {
  const { runJob } = await import('./run-job.js');
  return withReports(flags, 'stopping after the step under way', async (reporter, signal) => {
    const result = await runJob(job, { reporter, signal });
    reporter.progress(undefined);
    for (const warning of result.warnings) reporter.log('warn', warning);
    return result;
  });
}

/**
 * Does the work while people's text goes to stderr; the first Ctrl-C says `stopping` and aborts the signal. SIGTERM and SIGHUP (a
 * cluster's time limit, a closed terminal) abort it without a word.
 */
export async function withReports<T>(
  flags: Flags,
  stopping: string,
  work: (reporter: Reporter, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [{ createLog }, { createProgress }, { styleFor }] = await Promise.all([
    import('../report/log.js'),
    import('../report/progress.js'),
    import('../report/style.js'),
  ]);
  const progress = createProgress(process.stderr);
  const write = (line: string) => progress.around(() => process.stderr.write(line));
  const { log } = createLog({ level: levelOf(flags), style: styleFor(process.stderr), write });

  const controller = new AbortController();
  // Once only: a second Ctrl-C finds no handler and ends the process at once.
  const interrupt = () => {
    log('info', `${stopping}; press Ctrl-C again to stop at once`);
    controller.abort();
  };
  const end = () => controller.abort();
  process.once('SIGINT', interrupt);
  for (const name of ENDINGS) process.once(name, end);
  try {
    return await work({ log, progress: flags.quiet ? () => {} : progress.show }, controller.signal);
  } finally {
    progress.show(undefined);
    process.off('SIGINT', interrupt);
    for (const name of ENDINGS) process.off(name, end);
  }
}

const ENDINGS = ['SIGTERM', 'SIGHUP'] as const;

/** A note for people, such as the next step. */
export function note(flags: Flags, message: string): void {
  if (!flags.quiet) process.stderr.write(`${message}\n`);
}

/** The result: one JSON document, or text. */
export async function print(flags: Flags, result: unknown, render: (style: Style) => string): Promise<void> {
  const { styleFor } = await import('../report/style.js');
  const text = flags.json ? JSON.stringify(result, null, 2) : render(styleFor(process.stdout));
  process.stdout.write(`${text}\n`);
}

function levelOf({ quiet, verbose }: Flags): Level | undefined {
  if (quiet) return undefined;
  return verbose ? 'debug' : 'info';
}
