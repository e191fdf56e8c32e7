/** AdamW with decay groups and clipping against torch's, on both engines. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Engine } from '../../src/engine/types.js';
import { adamW, DECAY, decayGroup, NO_DECAY } from '../../src/training/adamw.js';
import { createState } from '../../src/training/state.js';
import { assertClose, withEngine } from '../engine/support.js';
import { ENGINES, fixture } from './support.js';

type Values = Record<string, number[]>;

interface Case {
  weightDecay: number;
  clipNorm: number;
  epsilon: number;
  shapes: Values;
  start: Values;
  steps: { learningRate: number; norm: number; gradients: Values }[];
  end: Values;
}

const tensors = ({ start, shapes }: Case) =>
  new Map(Object.entries(start).map(([name, data]) => [name, { shape: shapes[name], data: Float32Array.from(data) }]));

async function run(engine: Engine, example: Case) {
  const { weightDecay, clipNorm, epsilon, steps } = example;
  const state = createState(engine, tensors(example), Object.keys(example.shapes));
  const update = adamW(engine, { beta1: 0.9, beta2: 0.999, epsilon, weightDecay });
  for (const [at, { learningRate, norm, gradients }] of steps.entries()) {
    for (const [name, gradient] of Object.entries(gradients)) state.gradients.write(name, Float32Array.from(gradient));
    const measured = Math.sqrt(await engine.sumOfSquares(state.gradients));
    assert.ok(Math.abs(measured / norm - 1) < 1e-5, `gradient norm of step ${at}`);
    const scale = clipNorm > 0 ? Math.min(1, clipNorm / (measured + 1e-6)) : 1;
    await update(state, at + 1, learningRate, scale);
  }
  return state;
}

for (const name of ENGINES) {
  describe(name, () => {
    for (const example of fixture<Case[]>('adamw')) {
      const { weightDecay, clipNorm, epsilon } = example;
      test(`five steps as torch's, decay ${weightDecay}, clipping at ${clipNorm || 'no'} norm, epsilon ${epsilon}`, async () => {
        await withEngine(name, async (engine) => {
          const { parameters } = await run(engine, example);
          for (const [key, expected] of Object.entries(example.end)) {
            assertClose(await parameters.read(key), expected, 1e-6, key);
            // Else a group that never moved would pass.
            assert.notDeepEqual(Array.from(await parameters.read(key)), example.start[key]);
          }
        });
      });
    }
  });
}

test('biases and LayerNorms never decay', () => {
  const groups = {
    'layers.1.query.weight': DECAY,
    'layers.1.query.bias': NO_DECAY,
    'layers.12.attentionNorm.weight': NO_DECAY,
    'layers.3.outputNorm.bias': NO_DECAY,
    'embeddings.norm.weight': NO_DECAY,
    'embeddings.word': DECAY,
    'embeddings.relative': DECAY,
    'classifier.output.weight': DECAY,
    'classifier.output.bias': NO_DECAY,
  };
  for (const [name, group] of Object.entries(groups)) assert.equal(decayGroup(name), group, name);
});
