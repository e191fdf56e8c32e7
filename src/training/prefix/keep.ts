/**
 * Keeping states while the layers are measured. Which layer the span will begin at is known only when the pass is over, and a ν of
 * fewer inputs does not foretell it (its bias differs by layer), so the states of every layer it may begin at go to temporary
 * files; one of them is used, the others are dropped. Writing them takes a fraction of the time of a second pass.
 */
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch, Encoded } from '../../data/types.js';
import type { Pooling } from '../../model/inputs.js';
import { createFile, type FileWriter } from './file.js';
import type { Precision } from './key.js';
import type { Start } from './start.js';
import { layoutOf, rowOf } from './store.js';

export interface Keeper {
  readonly kind: Start['kind'];
  /** Layers whose states are kept. */
  readonly layers: readonly number[];
  readonly pooling: Pooling;
  /** Takes a batch's states of one layer, [rows · length, hidden] or pooled [rows, hidden]. A disk that fails ends the keeping. */
  add(layer: number, batch: Batch, states: Float32Array): void;
  /** The store of this start, complete; the others are dropped. */
  take(start: Start | undefined): FileWriter | undefined;
  close(): void;
}

export interface KeepOptions {
  starts: readonly Start[];
  split: readonly Encoded[];
  width: number;
  pooling: Pooling;
  precision: Precision;
  diskBytes: number;
  /** Where the temporary files go. */
  folder: string;
}

/** Undefined where there is nothing to keep, or no room for it. */
export function createKeeper(options: KeepOptions): Keeper | undefined {
  const { starts, split, width, pooling, precision, diskBytes, folder } = options;
  if (starts.length === 0) return undefined;
  const { kind } = starts[0];
  const layout = layoutOf(split, starts[0], width, precision);
  const files = new Map<number, FileWriter>();
  const written = new Map<number, number>();
  const close = () => {
    for (const file of files.values()) file.close();
    files.clear();
  };
  try {
    const { bavail, bsize } = statfsSync(folder);
    if (layout.bytes * starts.length > Math.min(diskBytes, bavail * bsize)) return undefined;
    for (const { layer } of starts) files.set(layer, createFile(join(folder, `layer-${layer}`), layout, '', false));
  } catch {
    close();
    return undefined;
  }
  return {
    kind,
    layers: starts.map(({ layer }) => layer),
    pooling,
    add(layer, batch, states) {
      const file = files.get(layer);
      if (!file) return;
      try {
        for (let row = 0; row < batch.rows; row++) {
          const example = batch.examples[row];
          if (example < 0) continue;
          file.write(example, rowOf(states, batch, row, { kind, width, tokens: split[example].ids.length }));
          written.set(layer, (written.get(layer) ?? 0) + 1);
        }
      } catch {
        // A full disk: a second pass computes them again.
        close();
      }
    },
    take(start) {
      const file = start?.kind === kind ? files.get(start.layer) : undefined;
      const complete = start !== undefined && file !== undefined && written.get(start.layer) === split.length;
      if (complete) files.delete(start.layer);
      close();
      return complete ? file : undefined;
    },
    close,
  };
}
