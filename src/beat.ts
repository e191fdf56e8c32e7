/** A file that is touched again and again, to show that its owner is alive. */
import { utimesSync } from 'node:fs';

/** Touches the file every so many milliseconds until the returned function is called. */
export function startBeat(file: string, milliseconds: number): () => void {
  const timer = setInterval(() => {
    try {
      const now = new Date();
      utimesSync(file, now, now);
    } catch {
      // The folder was taken away, or the disk does not answer: the next beat tries again.
    }
  }, milliseconds).unref();
  return () => clearInterval(timer);
}
