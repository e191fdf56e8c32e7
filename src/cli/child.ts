/**
 * The command line as a child of another spantune, started by its file: without looking for stale sources, so that all runs of a
 * grid are of one build. Ends when its parent does, lest two processes write one run.
 */
import { main } from './main.js';

const end = () => process.kill(process.pid, 'SIGKILL');
// The parent may be gone before this line; without one there is no such property.
if (process.connected === false) end();
if (process.channel) {
  process.on('disconnect', end);
  // Listening alone would keep the process alive.
  process.channel.unref();
}
await main(process.argv.slice(2));
