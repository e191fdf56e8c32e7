/** The engine that a configuration asks for. */
import type { RunConfig } from '../config/schema.js';
import { openEngine } from '../engine/open.js';
import type { Engine } from '../engine/types.js';

export function engineOf({ engine: { name, threads, cacheBytes } }: Pick<RunConfig, 'engine'>): Promise<Engine> {
  return openEngine(name, { threads: threads ?? undefined, cacheBytes });
}

/** Work with an engine of its own, closed at the end. */
export async function withEngine<T>(config: RunConfig, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await engineOf(config);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}
