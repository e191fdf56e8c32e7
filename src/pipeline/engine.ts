/** The engine that a configuration asks for. */
import type { RunConfig } from '../config/schema.js';
import { chooseEngine } from '../engine/choose.js';
import { openEngine } from '../engine/open.js';
import type { Engine, EngineName } from '../engine/types.js';
import type { Reporter } from './types.js';

type Asking = Pick<RunConfig, 'engine'>;
type Settled<C extends Asking> = C & { engine: C['engine'] & { name: EngineName } };

/** The configuration with `auto` replaced by what it stands for here, which is said. */
export function settleEngine<C extends Asking>(config: C, reporter: Reporter): Settled<C> {
  const { engine } = config;
  if (engine.name !== 'auto') return config as Settled<C>;
  const { name, reason } = chooseEngine();
  reporter.log('info', `engine ${reason}`);
  return { ...config, engine: { ...engine, name } } as Settled<C>;
}

export function engineOf({ engine: { name, threads, cacheBytes } }: Asking): Promise<Engine> {
  return openEngine(name === 'auto' ? chooseEngine().name : name, { threads: threads ?? undefined, cacheBytes });
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
