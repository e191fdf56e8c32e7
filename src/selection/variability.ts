/**
 * Hidden-state variability ν of every layer, from the pooled states of one forward pass (Xie et al., "Hidden State Variability of
 * Pretrained Language Models Can Guide Computation Reduction for Transfer Learning", Findings of EMNLP 2022, arXiv 2210.10041).
 *
 *   Σ_w = (1/C) Σ_y (1/N_y) Σ_{n: y_n = y} (h_n − m_y)(h_n − m_y)ᵀ     m_y: mean of class y, m = (1/C) Σ_y m_y
 *   Σ_b = (1/C) Σ_y (m_y − m)(m_y − m)ᵀ
 *   ν   = (1/C) trace(Σ_w Σ_b†) = (1/C) Σ_k (u_kᵀ Σ_w u_k) / λ_k       (λ_k, u_k): non-zero eigenpairs of Σ_b
 *
 * Sums run in float64 around a provisional centre, so that a large common offset costs no accuracy. The states wait in memory or
 * in a temporary file until the class means are known; without room, one width × width scatter a layer stands in for them.
 */
import { SpantuneError, UserError } from '../errors.js';
import { createClassSums } from './class-sums.js';
import { tableOfClasses } from './classes.js';
import { type Multiply, multiplyPlain } from './multiply.js';
import { openStore, type PooledStates, pieces, type StateStore, type StoreBudget } from './states.js';
import { drawSubsets, halfOf } from './subsets.js';
import { chosenShares, JACKKNIFE_WIDTH, jackknifeError, type LayerStates, subsetVariability } from './uncertainty.js';

export interface VariabilityOptions {
  /** Layers of the model; layer 0, the embedding output, is not among them. */
  layers: number;
  width: number;
  /** Class id of every input, an index into `classes`. */
  labels: ArrayLike<number>;
  /** Class names in id order. */
  classes: readonly string[];
  /** Seed of the resampling. */
  seed: number;
  /** Half-samples behind "chosen in". Default 200; 0: no resampling at all, so no interval either. */
  halfSamples?: number;
  /** Room for the pooled states while they wait for resampling. */
  budget?: StoreBudget;
  /** Keeps the states, for `states` to hand out, until `close`. */
  keepStates?: boolean;
  /** A faster matrix product, such as an engine's. */
  multiply?: Multiply;
  /** Called after each layer of `finish`. */
  onLayer?: (done: number, total: number) => void;
}

export interface Interval {
  low: number;
  high: number;
}

export interface VariabilityResult {
  /** Inputs that ν saw: those of the classes kept. */
  samples: number;
  /** ν of layers 1…L. */
  nu: number[];
  /** 95 % interval of each layer's ν, not below 0; null where it could not be had, null altogether without room to resample. */
  intervals: (Interval | null)[] | null;
  /** Share of half-samples in which each layer has the lowest ν; null likewise. */
  shares: number[] | null;
  /** Half-samples behind the shares; 0 where there are none. */
  halfSamples: number;
  /** Where the states waited. */
  stored: 'memory' | 'file' | 'nowhere';
  /** Classes left out since they have a single example. */
  leftOut: string[];
  /** Why there is no interval. */
  warnings: string[];
}

export interface VariabilityAccumulator {
  /**
   * Takes a block of pooled states [layers, rows, width], layer 1 first, and which input each row is (an index into the labels;
   * -1 for a filler row, which is passed over). Rows may come in any order, each input once.
   */
  add(states: Float32Array, inputs: ArrayLike<number>): void;
  /** ν, once all inputs are in; frees the room unless the states are kept. Throws a `UserError` where some layer's class means coincide. */
  finish(): Promise<VariabilityResult>;
  /** After `finish`, the pooled states that it measured, where they were to be kept; the reason where there was no room for them. */
  states(): PooledStates | string;
  /** Frees the room. */
  close(): void;
}

/** ν beyond this is rounding: float32 states cannot tell such class means apart. */
const LARGEST = 1e15;

/** Blocks of the jackknife; the width of its interval is meant for these. */
const BLOCKS = 20;

/** Throws a `UserError` where fewer than two classes have two examples. */
export function createVariability(options: VariabilityOptions): VariabilityAccumulator {
  const { layers, width, labels, halfSamples = 200, keepStates = false, onLayer } = options;
  const table = tableOfClasses(labels, options.classes);
  const opened = openStore(
    { layers, rows: table.rows, width },
    halfSamples > 0 || keepStates ? options.budget : { ...options.budget, diskBytes: 0 },
  );
  const warnings: string[] = [];
  let absent = 'they were not kept';
  const sums = Array.from({ length: layers }, () => createClassSums(table.sizes, width));
  const rowOf = new Int32Array(labels.length).fill(-1);
  const classOf = new Int32Array(table.rows);
  let store: StateStore | undefined;
  let filled = 0;

  const withoutStore = (reason: string) => {
    store = undefined;
    absent = reason;
    if (halfSamples > 0) warnings.push(`no interval of ν and no shares: ${reason}`);
    for (const layer of sums) layer.keepScatter();
  };
  if (typeof opened === 'string') withoutStore(opened);
  else store = opened;

  /** A disk that is full after all: the rows stored before move into the scatters, and the interval is given up. */
  const giveUp = (failed: StateStore, rows: number, cause: unknown) => {
    withoutStore(`the temporary file could not be written: ${cause instanceof Error ? cause.message : String(cause)}`);
    sums.forEach((layer, index) => {
      for (const piece of pieces(failed, index, rows, width))
        layer.addScatter(piece.states, classOf.subarray(piece.from));
    });
    failed.close();
  };

  const add = (states: Float32Array, inputs: ArrayLike<number>) => {
    if (states.length !== layers * inputs.length * width) {
      throw new SpantuneError(
        `expected ${layers} × ${inputs.length} × ${width} pooled states, got ${states.length} numbers`,
      );
    }
    const from = filled;
    const kept: number[] = [];
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      if (input === -1) continue;
      if (rowOf[input] !== -1) throw new SpantuneError(`input ${input} is unknown or came twice`);
      if (table.of[input] === -1) continue;
      classOf[filled] = table.of[input];
      rowOf[input] = filled++;
      kept.push(i);
    }
    const ids = classOf.subarray(from, filled);
    const blocks = sums.map((_, index) => {
      const block = new Float32Array(kept.length * width);
      kept.forEach((source, i) => {
        const start = (index * inputs.length + source) * width;
        block.set(states.subarray(start, start + width), i * width);
      });
      return block;
    });
    sums.forEach((layer, index) => {
      layer.add(blocks[index], ids);
    });
    const target = store;
    try {
      blocks.forEach((block, index) => {
        target?.write(index, from, block);
      });
    } catch (cause) {
      if (target) giveUp(target, from, cause);
    }
    if (!store) {
      sums.forEach((layer, index) => {
        layer.addScatter(blocks[index], ids);
      });
    }
  };

  const finish = async (): Promise<VariabilityResult> => {
    if (filled !== table.rows)
      throw new SpantuneError(`${filled} of ${table.rows} inputs came in before ν was asked for`);
    const members = membersInOrder(rowOf, classOf, table.sizes);
    // Where no class has more than two rows, a half-sample is the whole: it would agree with itself.
    const halves = members.some(({ length }) => halfOf(length) < length) ? halfSamples : 0;
    if (store && halves < halfSamples)
      warnings.push('no shares: no class has more inputs than the two that half of it needs');
    const subsets =
      store && halfSamples > 0
        ? drawSubsets(members, { seed: options.seed, halfSamples: halves, blocks: BLOCKS })
        : undefined;
    const stored = store?.kind ?? 'nowhere';
    const nu: number[] = [];
    const replicates: Float64Array[] = [];
    for (let index = 0; index < layers; index++) {
      const source = store;
      const spread = sums[index].spread(source && (() => pieces(source, index, table.rows, width)), classOf);
      nu.push(checked(spread.nu, index + 1));
      if (source && subsets) {
        const layer: LayerStates = {
          rows: table.rows,
          width,
          classes: table.names.length,
          classOf,
          centre: spread.centre,
          read: (from, out) => source.read(index, from, out),
        };
        replicates.push(await subsetVariability(layer, subsets, options.multiply ?? multiplyPlain));
      }
      onLayer?.(index + 1, layers);
    }
    return {
      samples: table.rows,
      nu,
      intervals: subsets ? nu.map((value, index) => interval(value, replicates[index].subarray(halves))) : null,
      shares: subsets && halves > 0 ? chosenShares(replicates.map((values) => values.subarray(0, halves))) : null,
      halfSamples: subsets ? halves : 0,
      stored,
      leftOut: table.leftOut,
      warnings,
    };
  };

  const close = () => {
    store?.close();
    store = undefined;
  };
  const states = (): PooledStates | string => {
    const source = store;
    if (!source || !keepStates) return absent;
    const inputs = new Int32Array(table.rows);
    rowOf.forEach((row, input) => {
      if (row !== -1) inputs[row] = input;
    });
    const { rows, names } = table;
    const classes = names.length;
    return { layers, rows, width, inputs, classOf, classes, pieces: (layer) => pieces(source, layer, rows, width) };
  };
  return { add, finish: () => (keepStates ? finish() : finish().finally(close)), states, close };
}

/** ν ± 2.09 jackknife standard errors; null where a replicate is not finite, its class means coinciding. */
function interval(nu: number, replicates: Float64Array): Interval | null {
  const half = JACKKNIFE_WIDTH * jackknifeError(replicates);
  return Number.isFinite(half) ? { low: Math.max(0, nu - half), high: nu + half } : null;
}

/** Rows of each class in the order of their inputs, so that resamples do not depend on the order of arrival. */
function membersInOrder(rowOf: Int32Array, classOf: Int32Array, sizes: readonly number[]): Int32Array[] {
  const members = sizes.map((size) => new Int32Array(size));
  const next = new Int32Array(sizes.length);
  for (const row of rowOf) {
    if (row !== -1) members[classOf[row]][next[classOf[row]]++] = row;
  }
  return members;
}

function checked(nu: number, layer: number): number {
  if (Number.isNaN(nu)) {
    throw new UserError(`layer ${layer} gives states that are not finite numbers`, {
      hint: 'check the weights of the model, and that it is read as the family it is',
    });
  }
  if (nu > LARGEST) {
    throw new UserError(`the class means of layer ${layer} coincide, so ν is not defined there`, {
      hint: 'check that the classes differ in their texts',
    });
  }
  return nu;
}
