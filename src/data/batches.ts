/**
 * Batches of a fixed number of rows, formed by length. Which examples stand in which batch is a plan, a pure function of
 * (seed, epoch), so that a run can go on at any batch; padding happens batch by batch.
 */
import { stream } from '../random.js';
import type { Batch, Encoded } from './types.js';

/** Batches as lists of example indices, in order. */
export type Plan = number[][];

export interface TrainingOrder {
  /** Examples in a batch; the last one of an epoch may have fewer. */
  batchSize: number;
  /** `pooled` sorts by length within pools of 50 batches; `random` is the field's order. */
  order: 'pooled' | 'random';
  seed: number;
  /** 0-based or 1-based; it only keys the shuffle. */
  epoch: number;
}

export interface Padding {
  /** Rows of every batch: `batchRows(batchSize, examples)`. */
  rows: number;
  /** Longest input. */
  maxLength: number;
  padId: number;
}

const POOL = 50;

/**
 * Rows of every batch of a split of so many examples: as many as can be filled, and unless told 2 at least, since a matrix product of a
 * single row differs in bits.
 */
export function batchRows(batchSize: number, examples: number, least: 1 | 2 = 2): number {
  return Math.max(least, Math.min(batchSize, examples));
}

/**
 * One epoch's plan: shuffle, take pools of 50 batches, sort each by length, cut, shuffle the batches. The partial last batch is
 * kept, and falls anywhere in the epoch when pooled.
 */
export function trainingPlan(lengths: ArrayLike<number>, options: TrainingOrder): Plan {
  const { batchSize, order, seed, epoch } = options;
  const chance = stream(seed, 'order', epoch);
  const indices = chance.shuffle(Array.from({ length: lengths.length }, (_, i) => i));
  if (order === 'random') return cut(indices, batchSize);
  const plan: Plan = [];
  for (const pool of cut(indices, batchSize * POOL)) {
    pool.sort((a, b) => lengths[a] - lengths[b]);
    plan.push(...cut(pool, batchSize));
  }
  return chance.shuffle(plan);
}

/** Every example once, by length, longest first: a batch that does not fit in memory is met at once. */
export function evaluationPlan(lengths: ArrayLike<number>, batchSize: number): Plan {
  const indices = Array.from({ length: lengths.length }, (_, i) => i);
  return cut(
    indices.sort((a, b) => lengths[b] - lengths[a] || a - b),
    batchSize,
  );
}

/** Batches of one training epoch, made as they are asked for, from batch `start` on. */
export function* trainingBatches(
  encoded: Encoded[],
  options: TrainingOrder & { padId: number; maxLength: number; start?: number },
): Generator<Batch> {
  const plan = trainingPlan(lengthsOf(encoded), options);
  yield* batches(encoded, plan.slice(options.start ?? 0), options);
}

/** Batches of an evaluation, made as they are asked for; `Batch.examples` says which example each row is. `least`: of rows. */
export function* evaluationBatches(
  encoded: Encoded[],
  options: { batchSize: number; padId: number; maxLength: number; least?: 1 | 2 },
): Generator<Batch> {
  yield* batches(encoded, evaluationPlan(lengthsOf(encoded), options.batchSize), options);
}

function* batches(
  encoded: Encoded[],
  plan: Plan,
  { batchSize, padId, maxLength, least }: { batchSize: number; padId: number; maxLength: number; least?: 1 | 2 },
): Generator<Batch> {
  const rows = batchRows(batchSize, encoded.length, least);
  for (const indices of plan) {
    const length = batchLength(encoded, indices, maxLength);
    yield makeBatch(encoded, indices, { rows, length, padId });
  }
}

/**
 * Padded length of a batch: its longest input's, since programs are recorded once for all lengths; 2 at least, for the same reason
 * as `batchRows`.
 */
export function batchLength(encoded: Encoded[], indices: number[], maxLength: number): number {
  return Math.min(Math.max(2, ...indices.map((i) => encoded[i].ids.length)), maxLength);
}

/**
 * Pads the examples `indices` to [rows, length]. Rows without an example have weight 0 and, as an input of no tokens would, keep
 * one unmasked padding token: under a mask without any, attention would be NaN. Throws a `RangeError` where they do not fit.
 */
export function makeBatch(
  encoded: Encoded[],
  indices: number[],
  { rows, length, padId }: { rows: number; length: number; padId: number },
): Batch {
  if (indices.length > rows) throw new RangeError(`${indices.length} examples do not fit in ${rows} rows`);
  const size = rows * length;
  const batch: Batch = {
    rows,
    length,
    ids: new Int32Array(size).fill(padId),
    typeIds: new Int32Array(size),
    attentionMask: new Float32Array(size),
    contentMask: new Float32Array(size),
    examples: new Int32Array(rows).fill(-1),
    weights: new Float32Array(rows),
  };
  indices.forEach((index, row) => {
    batch.examples[row] = index;
    batch.weights[row] = 1;
    fillRow(batch, row, encoded[index]);
  });
  for (let row = 0; row < rows; row++) {
    const at = row * length;
    if (batch.attentionMask[at] === 0) {
      batch.attentionMask[at] = 1;
      batch.contentMask[at] = 1;
    }
  }
  return batch;
}

function fillRow(batch: Batch, row: number, { ids, typeIds, special }: Encoded): void {
  if (ids.length > batch.length) throw new RangeError(`${ids.length} tokens do not fit in ${batch.length}`);
  const at = row * batch.length;
  batch.ids.set(ids, at);
  batch.typeIds.set(typeIds, at);
  batch.attentionMask.fill(1, at, at + ids.length);
  let content = 0;
  for (let i = 0; i < ids.length; i++) {
    if (special[i]) continue;
    batch.contentMask[at + i] = 1;
    content++;
  }
  if (content === 0) batch.contentMask.fill(1, at, at + ids.length);
}

/** Share of a plan's token places that hold padding, filler rows included. */
export function paddingShare(plan: Plan, encoded: Encoded[], { rows, maxLength }: Omit<Padding, 'padId'>): number {
  let places = 0;
  let tokens = 0;
  for (const indices of plan) {
    places += rows * batchLength(encoded, indices, maxLength);
    for (const index of indices) tokens += encoded[index].ids.length;
  }
  return places === 0 ? 0 : 1 - tokens / places;
}

/** Share of inputs that were cut to the maximum length. */
export function truncatedShare(encoded: Encoded[]): number {
  if (encoded.length === 0) return 0;
  return encoded.reduce((sum, { truncated }) => sum + (truncated ? 1 : 0), 0) / encoded.length;
}

/** Tokens of each input. */
export function lengthsOf(encoded: Encoded[]): Int32Array {
  return Int32Array.from(encoded, ({ ids }) => ids.length);
}

function cut(items: number[], size: number): number[][] {
  const parts: number[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
