/** Shapes of an encoder's parameters and inputs, from its configuration alone. Nothing here knows tensors. */
import { LAYER_PARTS, type LayerPart } from './families/family.js';
import type { EncoderConfig, ParameterName } from './types.js';

/** The classifier: RoBERTa's (dense, tanh, linear) or one linear layer. */
export type ClassifierKind = 'mlp' | 'linear';

export interface HeadShape {
  /** Outputs: classes, or 1 for regression. */
  classes: number;
  classifier: ClassifierKind;
}

/** The longest input, in tokens, that the position table allows. */
export function maxLength(config: EncoderConfig): number {
  return config.positions - config.positionOffset;
}

/** Canonical names and shapes of the embeddings' parameters. */
export function embeddingShapes(config: EncoderConfig): Map<ParameterName, number[]> {
  const { embedding, hidden } = config;
  const shapes = new Map<ParameterName, number[]>([
    ['embeddings.word', [config.vocabulary, embedding]],
    ['embeddings.position', [config.positions, embedding]],
  ]);
  if (config.tokenTypes > 0) shapes.set('embeddings.type', [config.tokenTypes, embedding]);
  shapes.set('embeddings.norm.weight', [embedding]).set('embeddings.norm.bias', [embedding]);
  if (embedding !== hidden) {
    shapes.set('embeddings.projection.weight', [hidden, embedding]).set('embeddings.projection.bias', [hidden]);
  }
  if (config.relativeBuckets > 0) shapes.set('embeddings.relative', [config.relativeBuckets, config.heads]);
  return shapes;
}

/** Canonical names and shapes of one layer's parameters; `layer` is 1-based. */
export function layerShapes(config: EncoderConfig, layer: number): Map<ParameterName, number[]> {
  const { hidden, intermediate } = config;
  const weight = (part: LayerPart): number[] => {
    if (part === 'attentionNorm' || part === 'outputNorm') return [hidden];
    if (part === 'intermediate') return [intermediate, hidden];
    if (part === 'output') return [hidden, intermediate];
    return [hidden, hidden];
  };
  const shapes = new Map<ParameterName, number[]>();
  for (const part of LAYER_PARTS) {
    const shape = weight(part);
    shapes.set(`layers.${layer}.${part}.weight`, shape);
    shapes.set(`layers.${layer}.${part}.bias`, [shape[0]]);
  }
  return shapes;
}

/** Canonical names and shapes of the classifier's parameters. */
export function headShapes(config: EncoderConfig, head: HeadShape): Map<ParameterName, number[]> {
  const shapes = new Map<ParameterName, number[]>();
  if (head.classifier === 'mlp') {
    shapes.set('classifier.dense.weight', [config.hidden, config.hidden]).set('classifier.dense.bias', [config.hidden]);
  }
  shapes.set('classifier.output.weight', [head.classes, config.hidden]).set('classifier.output.bias', [head.classes]);
  return shapes;
}

/** Embeddings and layers 1…`layers` (all of them unless told). */
export function encoderShapes(config: EncoderConfig, layers = config.layers): Map<ParameterName, number[]> {
  const shapes = embeddingShapes(config);
  for (let layer = 1; layer <= layers; layer++) {
    for (const [name, shape] of layerShapes(config, layer)) shapes.set(name, shape);
  }
  return shapes;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
