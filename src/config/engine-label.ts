/** What an engine is called in results, hashes and keys. */
import type { RunConfig } from './schema.js';

/** What a run's figures and last bits depend on: the engine, and its device where that is not the processor. */
export function engineLabel({ name, device }: RunConfig['engine']): string {
  return device === 'cpu' ? name : `${name} ${device}`;
}
