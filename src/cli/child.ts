/**
 * The command line as a child of another spantune, started by its file: without looking for stale sources, so that all runs of a
 * grid are of one build. Ends when its parent does, lest two processes write one run.
 */
import { main } from './main.js';

if (process.channel) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Listening alone would keep the process alive.
  process.channel.unref();
}
await main(process.argv.slice(2));
