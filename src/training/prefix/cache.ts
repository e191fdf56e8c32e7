/**
 * The frozen-prefix cache of a run: what enters the span, computed once for every example of every split that is read more than
 * once, and from then on read instead of computed. A split that finds no room, or loses it, is computed batch by batch as it is
 * asked for: the numbers are the same bits.
 */
import { evaluationBatches } from '../../data/batches.js';
import type { Batch, Encoded } from '../../data/types.js';
import { reason } from '../../files.js';
import { encoderInputs } from '../../model/inputs.js';
import type { HostTensor } from '../../model/types.js';
import { type PrefixIdentity, prefixKey } from './key.js';
import { openPass, type PassOptions, type PrefixPass } from './pass.js';
import { type Filling, findStore, inWords, openFilling, type Room } from './room.js';
import { layoutOf, type PrefixStore, rowOf } from './store.js';

/** What a program reads of a batch. The next call may overwrite it. */
export type BatchInputs = (batch: Batch) => Promise<Record<string, HostTensor>>;

export interface PrefixOptions extends PassOptions {
  /** All but what `PassOptions` says. */
  identity: Omit<PrefixIdentity, 'start' | 'pooling'>;
  room: Room;
  padId: number;
  onProgress?(split: string, done: number, total: number): void;
  /** Told where a cache could not be used or kept. Nothing is lost but time. */
  onWarning?(message: string): void;
}

export interface SplitReport {
  split: string;
  place: 'memory' | 'disk' | 'none';
  /** Where the states came from. */
  source: 'computed' | 'file' | 'select';
  bytes: number;
}

export interface PrefixCache {
  readonly splits: readonly SplitReport[];
  /**
   * Gets a split's states into the cache: a persisted one, or what `ready` holds (it is taken over), or what the pass computes.
   * Without room the split is not cached, and a warning says so.
   */
  fill(name: string, split: Encoded[], ready?: PrefixStore): Promise<void>;
  /** Gives back the prefix's parameters where every split that was filled has its states. */
  release(): Promise<void>;
  /** What programs with this `start` read of the split's batches. */
  inputs(split: Encoded[]): BatchInputs;
  close(): Promise<void>;
}

/** Rows of a batch of the pass. */
const ROWS = 32;

export function createPrefixCache(options: PrefixOptions): PrefixCache {
  const { config, start, pooling, room, identity, padId, onProgress, onWarning } = options;
  const stores = new Map<Encoded[], PrefixStore | undefined>();
  const splits: SplitReport[] = [];
  let opened: PrefixPass | undefined;

  const pass = async () => {
    opened ??= await openPass(options);
    return opened;
  };
  const closePass = async () => {
    await opened?.close();
    opened = undefined;
  };

  /** Every example through the pass into the filling; false where the disk did not take it. */
  const compute = async (name: string, split: Encoded[], filling: Filling): Promise<boolean> => {
    let done = 0;
    onProgress?.(name, done, split.length);
    const { run } = await pass();
    const batches = evaluationBatches(split, { batchSize: ROWS, padId, maxLength: identity.maxLength });
    for (const batch of batches) {
      const states = await run(batch);
      try {
        eachRow(batch, (example, row) => filling.write(example, vectorsOf(states, batch, row, split[example])));
      } catch (cause) {
        onWarning?.(without(name, `the cache could not be written: ${reason(cause)}`));
        return false;
      }
      done += batch.weights.reduce((sum, weight) => sum + weight, 0);
      onProgress?.(name, done, split.length);
    }
    return true;
  };

  const finish = (name: string, filling: Filling) => {
    try {
      return filling.finish();
    } catch (cause) {
      onWarning?.(without(name, `the cache could not be written: ${reason(cause)}`));
      return undefined;
    }
  };

  const vectorsOf = (states: Float32Array, batch: Batch, row: number, { ids }: Encoded): Float32Array =>
    rowOf(states, batch, row, { kind: start.kind, width: config.hidden, tokens: ids.length });

  const without = (name: string, why: string): string =>
    `${why}; ${name} goes through ${start.layer === 1 ? 'layer 1' : `layers 1-${start.layer}`} every time it is read`;

  /** Every example from a store that has them all; false where it, or the disk, fails. */
  const copy = (split: Encoded[], from: PrefixStore, filling: Filling): boolean => {
    try {
      return split.every(({ ids }, example) => {
        const states = new Float32Array((start.kind === 'pooled' ? 1 : ids.length) * config.hidden);
        if (!from.read(example, states)) return false;
        filling.write(example, states);
        return true;
      });
    } catch {
      return false;
    }
  };

  async function fill(name: string, split: Encoded[], ready?: PrefixStore): Promise<void> {
    const layout = layoutOf(split, start, config.hidden, identity.precision);
    const key = prefixKey({ ...identity, start, pooling }, split);
    const keep = (store: PrefixStore | undefined, source: SplitReport['source']) => {
      stores.set(split, store);
      splits.push({ split: name, place: store?.place ?? 'none', source, bytes: layout.bytes });
    };
    /** A new cache, filled by `into`; false where that does not work out. */
    const make = async (source: SplitReport['source'], into: (filling: Filling) => Promise<boolean>) => {
      const filling = openFilling(layout, key, room);
      if (typeof filling === 'string') {
        onWarning?.(without(name, filling));
        return false;
      }
      let complete = false;
      try {
        const finished = (await into(filling)) && finish(name, filling);
        if (!finished) return false;
        complete = true;
        const { store, warning } = finished;
        if (warning) onWarning?.(`the cached states of ${name} are not kept for later runs: ${warning}`);
        keep(store, source);
        return true;
      } finally {
        if (!complete) filling.abandon();
      }
    };

    const found = findStore(layout, key, room);
    if (found.store) {
      ready?.close();
      return keep(found.store, 'file');
    }
    if (found.damage) onWarning?.(`the cached states of ${name} are not used, and computed again: ${found.damage}`);
    if (ready && room.folder === null && layout.bytes > room.memoryBytes) {
      room.diskBytes -= layout.bytes;
      return keep(ready, 'select');
    }
    const copied = ready && (await make('select', async (filling) => copy(split, ready, filling)));
    ready?.close();
    if (copied) return;
    if (!(await make('computed', (filling) => compute(name, split, filling)))) keep(undefined, 'computed');
  }

  return {
    splits,
    fill,
    async release() {
      if ([...stores.values()].every((store) => store !== undefined)) await closePass();
    },
    inputs(split): BatchInputs {
      const { hidden } = config;
      let buffer = new Float32Array(0);
      let lost = false;
      const read = (batch: Batch, states: Float32Array): boolean => {
        const store = stores.get(split);
        if (!store) return false;
        let whole = true;
        eachRow(batch, (example, row) => {
          whole &&= store.read(example, vectorsOf(states, batch, row, split[example]));
        });
        if (!whole && !lost) onWarning?.('cached states changed on the disk; they are computed again where that shows');
        lost ||= !whole;
        return whole;
      };
      return async (batch): Promise<Record<string, HostTensor>> => {
        const { rows, length } = batch;
        const vectors = start.kind === 'pooled' ? rows : rows * length;
        if (buffer.length < vectors * hidden) buffer = new Float32Array(vectors * hidden);
        const states = buffer.subarray(0, vectors * hidden).fill(0);
        if (!read(batch, states)) {
          const computed = await (await pass()).run(batch);
          states.fill(0);
          eachRow(batch, (example, row) => {
            vectorsOf(states, batch, row, split[example]).set(vectorsOf(computed, batch, row, split[example]));
          });
        }
        if (start.kind === 'pooled') return { pooled: { shape: [rows, hidden], data: states } };
        const others = encoderInputs(batch, config, { embeddings: false, pooling });
        return { ...others, states: { shape: [vectors, hidden], data: states } };
      };
    },
    async close() {
      for (const store of stores.values()) store?.close();
      stores.clear();
      await closePass();
    },
  };
}

/** The rows of a batch that hold an example. */
function eachRow(batch: Batch, visit: (example: number, row: number) => void): void {
  for (let row = 0; row < batch.rows; row++) if (batch.examples[row] >= 0) visit(batch.examples[row], row);
}

/** The report in words: `layer 4's states: train 295 MB in memory, dev 33 MB in memory`. */
export function describeCache(
  start: { kind: 'states' | 'pooled'; layer: number },
  splits: readonly SplitReport[],
): string {
  const what = start.kind === 'pooled' ? 'pooled vectors' : 'states';
  const each = splits.map(({ split, place, source, bytes }) => {
    if (place === 'none') return `${split} not cached`;
    const origin = { computed: '', file: ', from an earlier run', select: ', kept while selecting' }[source];
    return `${split} ${inWords(bytes)} ${place === 'memory' ? 'in memory' : 'on disk'}${origin}`;
  });
  return `${what} of layer ${start.layer}: ${each.join('; ')}`;
}
