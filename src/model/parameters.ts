/** Which parameters an arm trains and holds, and how many they are: from shapes alone. */
import type { Triple } from '../selection/arms.js';
import { addedParameters, tunedNames } from './adapters/registry.js';
import { type ClassifierKind, embeddingShapes, encoderShapes, type HeadShape, headShapes, sizeOf } from './shapes.js';
import type { Tuning } from './tuning.js';
import type { EncoderConfig, ParameterName } from './types.js';

export interface ArmOptions {
  tuning: Tuning;
  classifier: ClassifierKind;
}

/** Embeddings are tuned exactly when fine-tuning (1, L, L), however that triple was written. */
export function tunesEmbeddings(config: EncoderConfig, triple: Triple, tuning: Tuning): boolean {
  const { bottom, top, head } = triple;
  return tuning === 'fine-tune' && bottom === 1 && top === config.layers && head === config.layers;
}

/** True for the layers bottom…top (1-based). */
export function tunesLayer(triple: Triple, layer: number): boolean {
  const { bottom, top } = triple;
  return bottom !== null && top !== null && bottom <= layer && layer <= top;
}

/**
 * Canonical names of the parameters that an arm trains, in a fixed order: embeddings where they are tuned, tuned layers (or what an
 * adapter trains in them) from the bottom up, the classifier.
 */
export function trainableNames(config: EncoderConfig, triple: Triple, options: ArmOptions): ParameterName[] {
  const names: ParameterName[] = [];
  if (tunesEmbeddings(config, triple, options.tuning)) names.push(...embeddingShapes(config).keys());
  for (let layer = 1; layer <= triple.head; layer++) {
    if (tunesLayer(triple, layer)) names.push(...tunedNames(config, layer, options.tuning));
  }
  names.push(...headShapes(config, { classes: 1, classifier: options.classifier }).keys());
  return names;
}

/** Canonical names and shapes of everything an arm holds: embeddings, layers 1…head, adapters, the classifier. */
export function modelShapes(
  config: EncoderConfig,
  triple: Triple,
  options: HeadShape & { tuning: Tuning },
): Map<ParameterName, number[]> {
  const added = [...addedParameters(config, triple, options.tuning)].map(([name, { shape }]) => [name, shape] as const);
  return new Map([...encoderShapes(config, triple.head), ...added, ...headShapes(config, options)]);
}

export interface ParameterCounts {
  trainable: number;
  /** Of the model as the arm builds it: nothing above the head. */
  total: number;
}

/** How many numbers an arm trains and holds. */
export function countParameters(
  config: EncoderConfig,
  triple: Triple,
  options: ArmOptions & { classes: number },
): ParameterCounts {
  const shapes = modelShapes(config, triple, options);
  let total = 0;
  for (const shape of shapes.values()) total += sizeOf(shape);
  let trainable = 0;
  for (const name of trainableNames(config, triple, options)) trainable += sizeOf(shapes.get(name) ?? []);
  return { trainable, total };
}
