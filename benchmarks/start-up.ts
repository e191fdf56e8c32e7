/**
 * How long the command line takes to say something, beside a bare `node -e 0`, in turn:
 *
 *     node --import tsx benchmarks/start-up.ts [--rounds 20]
 *
 * Run `node bin/spantune --version` once before, so that nothing has to be built.
 */
import { spawnSync } from 'node:child_process';
import { environment } from '../src/pipeline/environment.js';
import { commandLine, whole } from './command.js';
import { here, record } from './runs.js';
import { median, spread } from './statistics.js';

const values = commandLine(import.meta.url, {
  rounds: whole('20'),
});
const spantune = here('../bin/spantune');
const COMMANDS: Record<string, string[]> = {
  'node -e 0': ['-e', '0'],
  'spantune --version': [spantune, '--version'],
  'spantune --help': [spantune, '--help'],
  'spantune select --help': [spantune, 'select', '--help'],
};
const times = new Map(Object.keys(COMMANDS).map((name) => [name, [] as number[]]));
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const [name, words] of Object.entries(COMMANDS)) {
    const began = performance.now();
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    const time = performance.now() - began;
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
    // The first round warms the file cache.
    if (round > 0) times.get(name)?.push(time);
  }
}
const machine = environment('compiled', 1);
const { cpu, instructions, node } = machine;
console.log(`Node.js ${node}, ${cpu}, ${instructions}, ${values.rounds} rounds`);
const bare = times.get('node -e 0') as number[];
for (const [name, own] of times) {
  const above = own.map((time, i) => time - bare[i]);
  console.log(`${name.padEnd(24)} ${spread(own, 0)} ms, ${median(above).toFixed(0)} ms above a bare node`);
}
record('start-up', machine, { milliseconds: Object.fromEntries(times) });
