/** Operations by arithmetic: against what torch counts while it runs, and as they must relate to each other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addLoad,
  batchLoad,
  type FlopOptions,
  inferenceFlops,
  NO_LOAD,
  prefixFlops,
  selectionFlops,
  stepFlops,
  trainingFlops,
} from '../../src/model/flops.js';
import type { Tuning } from '../../src/model/tuning.js';
import type { EncoderConfig } from '../../src/model/types.js';
import type { Triple } from '../../src/selection/arms.js';
import { FIXTURES } from './support.js';

interface Counted {
  arm: Triple;
  tuning: Tuning;
  single: boolean;
  family: 'bert' | 'electra';
  forward: number;
  both: number;
}

const { shape, rows, length, classes, cases } = JSON.parse(readFileSync(join(FIXTURES, 'flops.json'), 'utf8'));

function configOf(values: Partial<EncoderConfig> = {}): EncoderConfig {
  const { layers, hidden, heads, intermediate, vocabulary } = shape;
  return {
    family: 'bert',
    ...{ layers, hidden, heads, intermediate, vocabulary, embedding: hidden },
    ...{ positions: 24, positionOffset: 0, tokenTypes: 2, layerNormEpsilon: 1e-12, activation: 'gelu' },
    ...{ hiddenDropout: 0, attentionDropout: 0, classifierDropout: null, padId: 0, relativeBuckets: 0 },
    ...values,
  };
}

const optionsOf = (values: Partial<FlopOptions> = {}): FlopOptions => ({
  tuning: 'fine-tune',
  classifier: 'mlp',
  classes,
  headTokens: 'all',
  ...values,
});

describe('the count of torch’s FlopCounterMode', () => {
  for (const { arm, tuning, single, family, forward, both } of cases as Counted[]) {
    const method = typeof tuning === 'string' ? tuning : JSON.stringify(tuning);
    const { bottom, top, head } = arm;
    test(`${family} ${bottom}-${top} @ ${head}, ${method}${single ? ', first token alone' : ''}`, () => {
      const config = configOf(family === 'electra' ? { family, embedding: shape.electraEmbedding } : {});
      const options = optionsOf({ tuning, headTokens: single ? 'first' : 'all' });
      const load = batchLoad(rows, length);
      assert.equal(inferenceFlops(config, arm, load, options), forward);
      assert.equal(stepFlops(config, arm, load, options), both);
    });
  }
});

test('a layer’s products by hand: prefixes, the parallel and Pfeiffer’s adapter', () => {
  const config = configOf();
  const load = batchLoad(rows, length);
  const arm = { bottom: 2, top: 2, head: 3 };
  const plain = inferenceFlops(config, arm, load, optionsOf());
  const more = (tuning: Tuning) => inferenceFlops(config, arm, load, optionsOf({ tuning })) - plain;
  const tokens = rows * length;
  assert.equal(more({ method: 'prefix', length: 6, layerNorms: false }), 2 * 2 * tokens * 6 * 32);
  assert.equal(more({ method: 'parallel', reductionFactor: 2, scale: 4, layerNorms: false }), 2 * 2 * tokens * 32 * 16);
  assert.equal(more({ method: 'pfeiffer', reductionFactor: 4, layerNorms: false }), 2 * 2 * tokens * 32 * 8);
  // A prefix attends for all tokens, in the classifier's layer too.
  const top = { bottom: 3, top: 3, head: 3 };
  const tuning = { method: 'prefix', length: 6, layerNorms: false } as const;
  const all = inferenceFlops(config, top, load, optionsOf({ tuning }));
  assert.equal(inferenceFlops(config, top, load, optionsOf({ tuning, headTokens: 'first' })), all);
});

test('roberta-large comes to two operations a weight and token, and attention', () => {
  const config = configOf({ layers: 24, hidden: 1024, heads: 16, intermediate: 4096, embedding: 1024 });
  const full = { bottom: 1, top: 24, head: 24 };
  const load = batchLoad(1, 128);
  const perLayer = 2 * (4 * 1024 ** 2 + 2 * 1024 * 4096) * 128 + 4 * 128 ** 2 * 1024;
  assert.equal(selectionFlops(config, load), 24 * perLayer);
  assert.equal(
    inferenceFlops(config, full, load, optionsOf({ classes: 2 })),
    24 * perLayer + 2 * 1024 ** 2 + 2 * 1024 * 2,
  );
});

const SHAPES = fc
  .record({ layers: fc.integer({ min: 2, max: 8 }), width: fc.integer({ min: 1, max: 16 }), wide: fc.nat({ max: 64 }) })
  .map(({ layers, width, wide }) =>
    configOf({ layers, hidden: 4 * width, embedding: 4 * width, intermediate: 4 + wide }),
  );
const LOADS = fc
  .array(fc.tuple(fc.integer({ min: 2, max: 32 }), fc.integer({ min: 2, max: 24 })), { minLength: 1, maxLength: 4 })
  .map((batches) =>
    batches.map(([rows, length]) => batchLoad(rows, length)).reduce((sum, load) => addLoad(sum, load), NO_LOAD),
  );
const TUNINGS = fc.constantFrom<Tuning>(
  'fine-tune',
  { method: 'bottleneck', size: 4, dropout: 0, layerNorms: true },
  { method: 'pfeiffer', reductionFactor: 2, layerNorms: false },
  { method: 'parallel', reductionFactor: 2, scale: 1, layerNorms: false },
  { method: 'lora', rank: 2, alpha: 2, dropout: 0, targets: ['key', 'intermediate'], layerNorms: false },
  { method: 'ia3', layerNorms: false },
  { method: 'bitfit', layerNorms: false },
  { method: 'prefix', length: 3, layerNorms: false },
);
const TOKENS = fc.constantFrom<FlopOptions['headTokens']>('first', 'all');

test('the more layers are tuned, the more it takes: head only, top-1, …, full', () => {
  fc.assert(
    fc.property(SHAPES, LOADS, TUNINGS, TOKENS, fc.boolean(), (config, training, tuning, headTokens, cached) => {
      const L = config.layers;
      const work = { ...optionsOf({ tuning, headTokens }), training, evaluating: training, filling: training, cached };
      const arms = Array.from({ length: L }, (_, k): Triple => ({ bottom: L - k, top: L, head: L }));
      const spent = [{ bottom: null, top: null, head: L }, ...arms].map((arm) => trainingFlops(config, arm, work));
      // With a cache, filling costs the head's layer for all tokens where nothing is tuned.
      const from = cached && headTokens === 'first' ? 1 : 0;
      for (let i = from + 1; i < spent.length; i++) assert.ok(spent[i] > spent[i - 1], `${i}: ${spent}`);
    }),
  );
});

test('tuned layers take three times their forward pass at most, and adapters less than fine-tuning’s share', () => {
  fc.assert(
    fc.property(SHAPES, LOADS, TUNINGS, TOKENS, (config, load, tuning, headTokens) => {
      const full = { bottom: 1, top: config.layers, head: config.layers };
      const options = optionsOf({ tuning, headTokens });
      const once = inferenceFlops(config, full, load, options);
      const step = stepFlops(config, full, load, options);
      if (tuning === 'fine-tune') assert.equal(step, 3 * once);
      else assert.ok(step > once && step < 3 * once, `${step} ${once}`);
    }),
  );
});

test('a cache saves exactly the prefix, every epoch but the first', () => {
  fc.assert(
    fc.property(
      SHAPES,
      LOADS,
      TUNINGS,
      TOKENS,
      fc.integer({ min: 1, max: 5 }),
      (config, epoch, tuning, tokens, epochs) => {
        const arm = { bottom: 2, top: config.layers, head: config.layers };
        const training = addLoad(NO_LOAD, epoch, epochs);
        const work = { ...optionsOf({ tuning, headTokens: tokens }), training, evaluating: NO_LOAD };
        const cached = trainingFlops(config, arm, { ...work, cached: true, filling: epoch });
        const plain = trainingFlops(config, arm, { ...work, cached: false, filling: epoch });
        assert.equal(plain - cached, (epochs - 1) * prefixFlops(config, arm, epoch));
      },
    ),
  );
});

test('loads add up: two batches take what each takes', () => {
  fc.assert(
    fc.property(SHAPES, LOADS, LOADS, TUNINGS, TOKENS, (config, a, b, tuning, headTokens) => {
      const arm = { bottom: 1, top: 1, head: 2 };
      const of = (load: typeof a) => stepFlops(config, arm, load, optionsOf({ tuning, headTokens }));
      assert.equal(of(addLoad(a, b)), of(a) + of(b));
    }),
  );
});
