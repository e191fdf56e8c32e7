/** What a run will take, from shapes alone: work relative to other runs, memory, disk. Rough, for planning. */
import type { RunConfig } from '../config/schema.js';
import { embeddingShapes, layerShapes, sizeOf } from '../model/shapes.js';
import type { EncoderConfig } from '../model/types.js';
import type { Triple } from '../selection/arms.js';
import { spanOf } from './arms.js';

/** Node, the libraries, the tokenizer and the data of a small task. */
const BASE = 250e6;

export interface Size {
  layer: number;
  embeddings: number;
}

export function sizeOfModel(config: EncoderConfig): Size {
  const sum = (shapes: Map<string, number[]>) =>
    [...shapes.values()].reduce((total, shape) => total + sizeOf(shape), 0);
  return { layer: sum(layerShapes(config, 1)), embeddings: sum(embeddingShapes(config)) };
}

/** Parameters of the tuned layers (of an adapter: as if they were all tuned; the bound that matters for memory). */
function tuned({ bottom, top, head }: Triple, config: EncoderConfig, fineTune: boolean): number {
  if (bottom === null || top === null) return 0;
  const { layer, embeddings } = sizeOfModel(config);
  const all = spanOf({ bottom, top, head }, config.layers) === 'full' && fineTune ? embeddings : 0;
  return (top - bottom + 1) * layer * (fineTune ? 1 : 0.1) + all;
}

/** Bytes of the process of a run: weights, gradients and moments, states kept for the backward pass. */
export function memoryOf(triple: Triple, encoder: EncoderConfig, { training, tuning, cache }: RunConfig): number {
  const { layer, embeddings } = sizeOfModel(encoder);
  const { bottom, head } = triple;
  const built = head * layer + embeddings;
  const changing = tuned(triple, encoder, tuning === 'fine-tune');
  const tokens = training.batchSize * Math.min(training.maxLength, encoder.positions - encoder.positionOffset);
  const passes = bottom === null ? 0 : head - bottom + 1;
  // A layer keeps about ten states of the width, three of the feed-forward part, three of the attention's weights.
  const kept = tokens * (10 * encoder.hidden + 3 * encoder.intermediate + 3 * encoder.heads * training.maxLength);
  return BASE + 4 * built + 5 * 4 * changing + 4 * kept * passes + (cache.prefix ? cache.memoryBytes : 0);
}

/** Bytes of the largest run that there may be: everything tuned. */
export function largestMemory(encoder: EncoderConfig, config: RunConfig): number {
  return memoryOf({ bottom: 1, top: encoder.layers, head: encoder.layers }, encoder, config);
}

/** Bytes of a run's folder: what was tuned, and a little beside it. */
export function diskOf(trainable: number): number {
  return 4 * trainable + 500e3;
}

/** Bytes of the states below a span, or of the pooled ones that a classifier alone reads, of so many inputs. */
export function cachedBytes(
  { bottom }: Triple,
  encoder: EncoderConfig,
  { cache }: RunConfig,
  { rows, tokens }: { rows: number; tokens: number },
): number {
  if (!cache.prefix || bottom === 1) return 0;
  return rows * (bottom === null ? 1 : tokens) * encoder.hidden * (cache.precision === 'float16' ? 2 : 4);
}

/** Layer passes over all epochs, times rows and the size of a layer: comparable between runs of a grid. */
export function workOf(
  { bottom, top, head }: Triple,
  encoder: EncoderConfig,
  { training, tuning }: RunConfig,
  rows: number,
): number {
  const { epochs } = training;
  const passes =
    bottom === null || top === null
      ? head
      : bottom - 1 + epochs * ((tuning === 'fine-tune' ? 3 : 2) * (top - bottom + 1) + 2 * (head - top));
  return (passes + 0.3 * head) * rows * sizeOfModel(encoder).layer;
}

/** Likewise for measuring the layers: a pass, and the resampling. */
export function selectionWork(encoder: EncoderConfig, rows: number): number {
  return 1.3 * encoder.layers * rows * sizeOfModel(encoder).layer;
}
