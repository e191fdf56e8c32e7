/** What all work on a grid has in common. */
import type { Lanes } from './lanes.js';
import type { Ledger } from './progress.js';
import type { Store } from './store.js';

export type Stage = 'select' | 'search' | 'run';

export interface ExecuteOptions {
  store: Store;
  lanes: Lanes;
  ledger: Ledger;
  /** The grid's own folder: failures are noted there. */
  output: string;
  /** Goes as far as this; `look`: takes what is finished, and starts nothing. */
  until?: Stage | 'look';
  /** One cell alone; see `cells.ts`. */
  only?: { pair: number; arm: number; seed: number };
}

/** Notes a failure and gives back its message. */
export type Fail = (what: string, folder: string, error: unknown) => string;
