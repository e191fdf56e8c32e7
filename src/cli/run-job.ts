/** Runs a job in one worker thread. The thread is never killed while it computes: native code would abort the process. */
import { Worker } from 'node:worker_threads';
import type { Job, Results } from '../pipeline/jobs.js';
import type { Reporter } from '../pipeline/types.js';
import { fromWire, type Message, type WorkerInput } from './wire.js';

export interface RunJobOptions {
  /** Gets the job's text and progress. */
  reporter: Reporter;
  /** Asks the job to stop; it does so between steps, and the promise then rejects with `Interrupted`. */
  signal?: AbortSignal;
}

/**
 * @throws whatever the job throws: typed errors keep their class, place and hint.
 */
export async function runJob<J extends Job>(job: J, { reporter, signal }: RunJobOptions): Promise<Results[J['verb']]> {
  const stop = new SharedArrayBuffer(4);
  const abort = () => void Atomics.store(new Int32Array(stop), 0, 1);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });

  try {
    return await new Promise((resolve, reject) => {
      const worker = startWorker({ job, stop });
      // Nothing that a library prints may end up among the results.
      worker.stdout.on('data', (chunk) => process.stderr.write(chunk));
      worker.on('message', (message: Message) => {
        if (message.kind === 'log') reporter.log(message.level, message.message);
        else if (message.kind === 'progress') reporter.progress(message.progress);
        else if (message.kind === 'error') reject(fromWire(message.error));
        else resolve(message.result as Results[J['verb']]);
      });
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new Error(`the worker ended with code ${code} before its job was done`)));
    });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function startWorker(input: WorkerInput): Worker {
  const options = { workerData: input, stdout: true };
  if (import.meta.url.endsWith('.js')) {
    // The thread inherits node's options, and this one is refused where the entry is a file: callers may come from `node -e`.
    const execArgv = process.execArgv.filter((option) => !option.startsWith('--input-type'));
    return new Worker(new URL('./worker.js', import.meta.url), { ...options, execArgv });
  }
  // Sources under tsx (development): a worker's entry is resolved before any loader is in place, so the loader comes first.
  const [loader, entry] = [import.meta.resolve('tsx/esm/api'), new URL('./worker.ts', import.meta.url).href];
  const script = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}); });`;
  return new Worker(script, { ...options, eval: true });
}
