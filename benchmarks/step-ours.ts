/** Our side of the training-step benchmark: a BERT of random weights, one step as a run takes it. */
import type { Engine } from '../src/engine/types.js';
import { UserError } from '../src/errors.js';
import { batchLoad, stepFlops } from '../src/model/flops.js';
import { initialiseHead } from '../src/model/initialise.js';
import { encoderInputs, lossInputs } from '../src/model/inputs.js';
import { trainableNames } from '../src/model/parameters.js';
import { encoderShapes, sizeOf } from '../src/model/shapes.js';
import type { EncoderConfig, HostTensor } from '../src/model/types.js';
import { stream } from '../src/random.js';
import type { Triple } from '../src/selection/arms.js';
import { adamW } from '../src/training/adamw.js';
import { gradients, inputShapes } from '../src/training/programs.js';
import { createState, disposeState } from '../src/training/state.js';

/**
 * Steps take these batches in turn, as the peer's do: with one batch alone nearly all rows of the embedding table would stay unused, and
 * AdamW would pass them over. Eight of 2 048 random tokens use 42 % of BERT's table; MRPC's training split uses 38 %.
 */
export const BATCHES = 8;

export interface Shape {
  layers: number;
  width: number;
  batch: number;
  length: number;
  /** Layers that are tuned alone, the classifier at the last of them; all, and the embeddings, without it. */
  span?: [bottom: number, top: number];
}

/** `6x384x16x64` → layers × width, batch × length; `12x768x32x32@6-7`: layers 6 and 7 are tuned. Throws a `UserError` where the text is no shape. */
export function parseShape(text: string): Shape {
  if (!/^\d+x\d+x\d+x\d+(@\d+-\d+)?$/.test(text))
    throw new UserError(`--shapes ${text}: must be layers x width x batch x length, perhaps with @6-7 after it`, {
      hint: 'such as 6x384x16x64,12x768x32x32@6-7',
    });
  const [sizes, span] = text.split('@');
  const [layers, width, batch, length] = sizes.split('x').map(Number);
  const [bottom, top] = span?.split('-').map(Number) ?? [];
  return { layers, width, batch, length, ...(span === undefined ? {} : { span: [bottom, top] }) };
}

export function bertConfig({ layers, width }: Shape, dropout: number): EncoderConfig {
  return {
    family: 'bert',
    layers,
    hidden: width,
    heads: Math.max(1, width / 64),
    intermediate: 4 * width,
    vocabulary: 30522,
    positions: 512,
    positionOffset: 0,
    tokenTypes: 2,
    embedding: width,
    layerNormEpsilon: 1e-12,
    activation: 'gelu',
    hiddenDropout: dropout,
    attentionDropout: dropout,
    classifierDropout: null,
    padId: 0,
    relativeBuckets: 0,
  };
}

const armOf = ({ layers, span: [bottom, top] = [1, layers] }: Shape): Triple => ({ bottom, top, head: top });

/** Multiplications and additions of a step's matrix products. */
export function flopsOf(shape: Shape, pooling: 'first' | 'mean'): number {
  return stepFlops(bertConfig(shape, 0), armOf(shape), batchLoad(shape.batch, shape.length), {
    tuning: 'fine-tune',
    classes: 2,
    classifier: 'mlp',
    headTokens: pooling === 'first' ? 'first' : 'all',
  });
}

/** Builds a step: `full` as users run it (dropout, clipping, AdamW), `bare` forward and backward alone. */
export function buildStep(engine: Engine, shape: Shape, form: 'full' | 'bare', pooling: 'first' | 'mean' = 'first') {
  const config = bertConfig(shape, form === 'full' ? 0.1 : 0);
  const random = stream(1, 'benchmark');
  const parameters = new Map<string, HostTensor<Float32Array>>();
  const arm = armOf(shape);
  const [bottom, top] = [arm.bottom ?? 1, arm.head];
  for (const [name, dims] of encoderShapes({ ...config, layers: top })) {
    const data = new Float32Array(sizeOf(dims));
    if (/[nN]orm\.weight$/.test(name)) data.fill(1);
    else if (!name.endsWith('.bias')) for (let i = 0; i < data.length; i++) data[i] = 0.02 * random.normal();
    parameters.set(name, { shape: dims, data });
  }
  for (const [name, tensor] of initialiseHead(config, { classes: 2, classifier: 'mlp' }, 1))
    parameters.set(name, tensor);
  const trainable = trainableNames(config, arm, { tuning: 'fine-tune', classifier: 'mlp' });
  const state = createState(engine, parameters, trainable);
  const tunes = (n: number) => (n === 0 ? !shape.span : n >= bottom && n <= top);
  const program = engine.program(
    'gradients',
    gradients(
      {
        config,
        head: arm.head,
        pooling,
        classifier: 'mlp',
        kind: 'classification',
        classes: 2,
        rates: (n) => ({
          hidden: tunes(n) ? config.hiddenDropout : 0,
          attention: tunes(n) ? config.attentionDropout : 0,
        }),
        classifierRate: config.hiddenDropout,
      },
      trainable,
    ),
    { shapes: inputShapes(config, 2) },
  );
  const update = adamW(engine, { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0 });
  const { batch: rows, length } = shape;
  const tokens = rows * length;
  const batches = Array.from({ length: BATCHES }, () => ({
    rows,
    length,
    ids: Int32Array.from({ length: tokens }, () => random.integer(config.vocabulary)),
    typeIds: new Int32Array(tokens),
    attentionMask: new Float32Array(tokens).fill(1),
    contentMask: new Float32Array(tokens).fill(1),
    examples: Int32Array.from({ length: rows }, (_, i) => i),
    weights: new Float32Array(rows).fill(1),
  }));
  const labels = Array.from({ length: rows }, (_, i) => i % 2);
  const inputs = batches.map((batch) => ({
    ...encoderInputs(batch, config, { pooling }),
    ...lossInputs(batch, labels, { kind: 'classification', classes: 2 }),
    denominator: { shape: [], data: Float32Array.of(rows) },
  }));
  let step = 0;
  return {
    async run(): Promise<number> {
      step++;
      const { loss } = await program.run({
        inputs: inputs[step % BATCHES],
        sizes: { batch: rows, length },
        banks: [state.parameters, state.frozen],
        into: { bank: state.gradients, add: false },
        ...(form === 'full' ? { chance: [1, 'dropout', step] } : {}),
      });
      if (form === 'full') {
        const norm = Math.sqrt(await engine.sumOfSquares(state.gradients));
        await update(state, step, 2e-5, Math.min(1, 1 / (norm + 1e-6)));
      }
      return loss.data[0];
    },
    dispose: () => disposeState(state),
  };
}
