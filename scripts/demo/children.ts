/**
 * The demo's child processes in lanes. One that fails, or an interruption, ends them all, and only when all have ended does the
 * promise settle, so that nobody is left behind writing.
 */
import { runChild } from '../../src/glue/child.js';
import { createLanes } from '../../src/glue/lanes.js';

export interface Child {
  /** Words after `node`. */
  words: string[];
  /** Gets each line of its stderr. */
  onLine?(line: string): void;
  onStart?(): void;
  onEnd?(): void;
}

/** What each child printed, a document of JSON, in order. Rejects with the first failure, or the reason of `signal`. */
export async function runChildren<T>(
  children: readonly Child[],
  { lanes, signal }: { lanes: number; signal: AbortSignal },
): Promise<T[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const { run } = createLanes(lanes, either);
  const outcomes = await Promise.allSettled(
    children.map(({ words, onLine, onStart, onEnd }) =>
      run(async () => {
        try {
          return await runChild<T>(words, { launcher: [], signal: either, onLine, onStart });
        } catch (error) {
          failed.abort(error);
          throw error;
        } finally {
          onEnd?.();
        }
      }),
    ),
  );
  signal.throwIfAborted();
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value;
    throw failed.signal.reason;
  });
}
