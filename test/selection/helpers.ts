/** Pooled states for the tests of ν, made or read. */
import { readFileSync } from 'node:fs';
import { stream } from '../../src/random.js';
import { createVariability, type VariabilityOptions, type VariabilityResult } from '../../src/selection/variability.js';

export interface Fixture {
  name: string;
  layers: number;
  width: number;
  classes: string[];
  leftOut: string[];
  labels: number[];
  /** ν of each layer by numpy. */
  nu: number[];
  /** [layers, inputs, width]. */
  states: Float32Array;
}

export function readFixtures(): Fixture[] {
  const file = new URL('../fixtures/selection/variability.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as (Omit<Fixture, 'states'> & { states: string })[]).map((fixture) => {
    const bytes = Buffer.from(fixture.states, 'base64');
    return { ...fixture, states: new Float32Array(Uint8Array.from(bytes).buffer) };
  });
}

export interface Made {
  layers: number;
  width: number;
  classes: string[];
  labels: Int32Array;
  states: Float32Array;
}

/** Normal states; class y is shifted by `shift` (times the layer's number) along direction y. */
export function makeStates(sizes: number[], width: number, layers: number, seed: number, shift = 0.7): Made {
  const random = stream(seed, 'test-states');
  const labels = random.shuffle(Int32Array.from(sizes.flatMap((size, y) => new Array<number>(size).fill(y))));
  const states = new Float32Array(layers * labels.length * width);
  for (let layer = 0, at = 0; layer < layers; layer++) {
    for (const label of labels) {
      for (let j = 0; j < width; j++)
        states[at++] = random.normal() + (j % sizes.length === label ? shift * (layer + 1) : 0);
    }
  }
  return { layers, width, classes: sizes.map((_, y) => `class-${y}`), labels, states };
}

/** Rows `inputs` of [layers, rows, width] states. */
export function pick(
  { states, layers, width, labels }: Omit<Made, 'classes'>,
  inputs: ArrayLike<number>,
): Float32Array {
  const picked = new Float32Array(layers * inputs.length * width);
  for (let layer = 0; layer < layers; layer++) {
    for (let i = 0; i < inputs.length; i++) {
      const from = (layer * labels.length + inputs[i]) * width;
      picked.set(states.subarray(from, from + width), (layer * inputs.length + i) * width);
    }
  }
  return picked;
}

/** Feeds the states in blocks of `block` rows, in `order`, and finishes. */
export function measure(
  made: Omit<Made, 'labels'> & { labels: ArrayLike<number> },
  options: Partial<VariabilityOptions> = {},
  block = 17,
  order = Array.from(made.labels, (_, i) => i),
): Promise<VariabilityResult> {
  const { layers, width, classes } = made;
  const labels = Int32Array.from(made.labels);
  const accumulator = createVariability({ layers, width, labels, classes, seed: 1, halfSamples: 0, ...options });
  for (let from = 0; from < order.length; from += block) {
    const inputs = order.slice(from, from + block);
    accumulator.add(pick({ ...made, labels }, inputs), inputs);
  }
  return accumulator.finish();
}
