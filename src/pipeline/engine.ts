/** The engine that a configuration asks for. */
import { availableParallelism } from 'node:os';
import type { RunConfig } from '../config/schema.js';
import { type Choice, chooseEngine } from '../engine/choose.js';
import { openEngine } from '../engine/open.js';
import type { Engine, EngineName } from '../engine/types.js';
import { UserError } from '../errors.js';
import type { Reporter } from './types.js';

type Asking = Pick<RunConfig, 'engine'>;
type Settled<C extends Asking> = C & { engine: C['engine'] & { name: EngineName } };

/** The configuration with `auto` replaced by what it stands for here, which is said. Throws a `UserError` for absurdly many threads. */
export function settleEngine<C extends Asking>(config: C, reporter: Reporter): Settled<C> {
  const { engine } = config;
  checkThreads(engine.threads, reporter);
  if (engine.name !== 'auto') return config as Settled<C>;
  const { name, reason } = choose(config);
  reporter.log('info', `engine ${reason}`);
  return { ...config, engine: { ...engine, name } } as Settled<C>;
}

/** Far above any machine; each thread takes memory, and so many of them hang. */
const MOST_THREADS = 1024;

function checkThreads(threads: number | null, reporter: Reporter): void {
  if (threads === null) return;
  const cores = availableParallelism();
  const hint = `this machine has ${cores} ${cores === 1 ? 'core' : 'cores'}; leave threads out for the default`;
  if (threads > MOST_THREADS) throw new UserError(`${threads} threads: at most ${MOST_THREADS} may be named`, { hint });
  if (threads > 2 * cores) reporter.log('warn', `${threads} threads get in each other's way: ${hint}`);
}

/** Devices are the compiled engine's. */
function choose({ engine: { device } }: Asking): Choice {
  return device === 'cpu'
    ? chooseEngine()
    : { name: 'compiled', reason: `compiled: it is the one that runs on ${device}` };
}

export function engineOf(config: Asking): Promise<Engine> {
  const { name, device, threads, cacheBytes } = config.engine;
  return openEngine(name === 'auto' ? choose(config).name : name, {
    device,
    threads: threads ?? undefined,
    cacheBytes,
  });
}

/** Work with an engine of its own, closed at the end. */
export async function withEngine<T>(config: Asking, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await engineOf(config);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}
