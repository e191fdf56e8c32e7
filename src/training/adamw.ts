/**
 * AdamW (Loshchilov and Hutter 2019) as one element-wise program over flat banks. Bias corrections are computed in float64 on the
 * host and enter as scalars, as do the learning rate and the factor of clipping, so that one recording serves all steps.
 */
import * as tf from '@tensorflow/tfjs';
import type { Bank, Elementwise, Engine } from '../engine/types.js';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled decay of the entries of group `decay`. */
  weightDecay: number;
}

/** Groups of a bank's entries. Biases, LayerNorms and the factors of (IA)³ never decay. */
export const DECAY = 'decay';
export const NO_DECAY = 'no-decay';

/** The group of a parameter by its canonical name. */
export function decayGroup(name: string): string {
  return /\.bias$|[nN]orm\.weight$|\.ia3\./.test(name) ? NO_DECAY : DECAY;
}

export interface AdamWState {
  parameters: Bank;
  gradients: Bank;
  /** First and second moments: 0 at first, and written by nothing else. */
  first: Bank;
  second: Bank;
}

/**
 * `step` is 1-based. With m, v the moments of the scaled gradient g: p ← (1 − lr · decay) p − lr / c₁ · m / (√(v / c₂) + ε), where
 * cᵢ = 1 − βᵢ^step. `scale` multiplies the gradient (clipping).
 */
export function adamW(engine: Engine, options: AdamWOptions) {
  const { beta1, beta2, epsilon, weightDecay } = options;
  const scalars = ['beta1', 'beta2', 'firstShare', 'secondShare', 'epsilon', 'rate', 'keep'] as const;
  const program = (decays: boolean): Elementwise =>
    engine.elementwise(
      decays ? 'AdamW with decay' : 'AdamW',
      ([parameter, gradient, first, second], s) => {
        const m = tf.add(tf.mul(first, s.beta1), tf.mul(gradient, s.firstShare));
        const v = tf.add(tf.mul(second, s.beta2), tf.mul(tf.mul(gradient, gradient), s.secondShare));
        const change = tf.mul(tf.div(m, tf.add(tf.sqrt(v), s.epsilon)), s.rate);
        return [tf.sub(decays ? tf.mul(parameter, s.keep) : parameter, change), m, v];
      },
      scalars.filter((name) => decays || name !== 'keep'),
    );
  const plain = program(false);
  const decaying = weightDecay > 0 ? program(true) : plain;

  return async (
    { parameters, gradients, first, second }: AdamWState,
    step: number,
    learningRate: number,
    scale: number,
  ) => {
    const root = Math.sqrt(1 - beta2 ** step);
    const values = {
      beta1,
      beta2,
      firstShare: (1 - beta1) * scale,
      secondShare: (1 - beta2) * scale * scale,
      // √(v / c₂) + ε = (√v + ε √c₂) / √c₂: one operation less per element.
      epsilon: epsilon * root,
      rate: (learningRate * root) / (1 - beta1 ** step),
      keep: 1 - learningRate * weightDecay,
    };
    const call = {
      reads: [parameters, gradients, first, second],
      writes: [parameters, first, second],
      scalars: values,
    };
    // Where a gradient has always been 0, so are the moments: without decay nothing moves.
    const still = { ...call, idle: gradients };
    await decaying.run({ ...(decaying === plain ? still : call), group: DECAY });
    await plain.run({ ...still, group: NO_DECAY });
  };
}
