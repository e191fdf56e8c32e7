/** The pair of projections that bottleneck adapters share: down, ReLU, dropout, up. */
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { type Chance, dropout, linear } from '../../engine/ops.js';
import { type Parameters, take } from '../tensors.js';
import type { EncoderConfig, ParameterName } from '../types.js';
import type { AddedParameter, Start } from './adapter.js';

/** `AT.down.weight` [size, hidden], `AT.up.weight` [hidden, size], and their biases, which begin with 0. */
export function downUpParameters(
  at: string,
  { hidden }: EncoderConfig,
  size: number,
  starts: { down: Start; up: Start } = { down: 'normal', up: 'normal' },
): [ParameterName, AddedParameter][] {
  return [
    [`${at}.down.weight`, { shape: [size, hidden], start: starts.down }],
    [`${at}.down.bias`, { shape: [size], start: 'zeros' }],
    [`${at}.up.weight`, { shape: [hidden, size], start: starts.up }],
    [`${at}.up.bias`, { shape: [hidden], start: 'zeros' }],
  ];
}

/** x [n, hidden] → [n, hidden], without residual. */
export function downUp(
  at: string,
  x: Tensor,
  parameters: Parameters,
  { rate = 0, chance }: { rate?: number; chance?: Chance } = {},
): Tensor {
  const project = (part: string, input: Tensor) =>
    linear(input, take(parameters, `${at}.${part}.weight`), take(parameters, `${at}.${part}.bias`));
  return project('up', dropout(tf.relu(project('down', x)), rate, at, chance));
}

/** Width of a bottleneck that is `factor` times narrower than the layer, rounded down as AdapterHub does; at least 1. */
export function reduced({ hidden }: EncoderConfig, factor: number): number {
  return Math.max(1, Math.floor(hidden / factor));
}
