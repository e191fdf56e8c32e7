/** Trained parameters and dropout of arms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { countParameters, trainableNames } from '../../src/model/parameters.js';
import { classifierRate, layerRates } from '../../src/model/rates.js';
import { FIXTURES, MODELS, robertaLarge } from './support.js';

const options = { tuning: 'fine-tune', classifier: 'mlp', classes: 2 } as const;

test('trained parameters of roberta-large, two classes', () => {
  const trained = (bottom: number | null, top: number | null, head: number) =>
    countParameters(robertaLarge, { bottom, top, head }, options).trainable;
  assert.equal(trained(null, null, 24), 1_051_650);
  assert.equal(trained(24, 24, 24), 13_647_874);
  assert.equal(trained(17, 18, 24), 26_244_098);
  assert.equal(trained(22, 24, 24), 38_840_322);
  assert.equal(trained(1, 24, 24), 355_361_794);
});

test('roberta-large as a whole has 355 361 794 parameters; without its upper layers, 12 596 224 fewer each', () => {
  const total = (head: number) => countParameters(robertaLarge, { bottom: null, top: null, head }, options).total;
  assert.equal(total(24), 355_361_794);
  assert.equal(total(18), 355_361_794 - 6 * 12_596_224);
});

test('a linear classifier has d · classes + classes parameters', () => {
  const arm = { bottom: null, top: null, head: 5 };
  assert.equal(
    countParameters(robertaLarge, arm, { ...options, classifier: 'linear', classes: 3 }).trainable,
    3 * 1025,
  );
});

for (const model of MODELS) {
  test(`${model}: the full arm trains every tensor of the checkpoint`, () => {
    const { config, parameters } = loadEncoder(`${FIXTURES}/${model}`);
    const names = trainableNames(config, { bottom: 1, top: config.layers, head: config.layers }, options);
    assert.deepEqual(
      names.filter((name) => !name.startsWith('classifier.')),
      [...parameters.keys()],
    );
    let elements = 0;
    for (const { data } of parameters.values()) elements += data.length;
    const head = config.hidden * config.hidden + config.hidden + 2 * config.hidden + 2;
    const { trainable, total } = countParameters(
      config,
      { bottom: 1, top: config.layers, head: config.layers },
      options,
    );
    assert.deepEqual([trainable, total], [elements + head, elements + head]);
  });
}

test('any arm: tuned layers and the classifier alone, embeddings exactly for (1, L, L)', () => {
  const layers = 6;
  const config = { ...robertaLarge, layers };
  const triples = fc
    .tuple(
      fc.integer({ min: 1, max: layers }),
      fc.integer({ min: 1, max: layers }),
      fc.integer({ min: 1, max: layers }),
    )
    .map((ends) => ends.sort((a, b) => a - b));
  fc.assert(
    fc.property(triples, ([bottom, top, head]) => {
      const names = trainableNames(config, { bottom, top, head }, options);
      const tuned = new Set(names.map((name) => /^layers\.(\d+)\./.exec(name)?.[1]).filter((n) => n !== undefined));
      assert.deepEqual(
        [...tuned].map(Number),
        Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i),
      );
      const full = bottom === 1 && top === layers && head === layers;
      assert.equal(
        names.some((name) => name.startsWith('embeddings.')),
        full,
      );
      assert.equal(names.filter((name) => name.startsWith('classifier.')).length, 4);
      const rates = layerRates(config, { bottom, top, head }, 'fine-tune');
      for (let n = 0; n <= head; n++) {
        const frozen = n === 0 ? !full : n < bottom || n > top;
        assert.deepEqual(rates(n), frozen ? { hidden: 0, attention: 0 } : { hidden: 0.1, attention: 0.1 });
      }
    }),
  );
});

test('a configuration may set each rate; the classifier falls back on the hidden rate', () => {
  const arm = { bottom: 2, top: 3, head: 4 };
  const rates = layerRates(robertaLarge, arm, 'fine-tune', { hidden: 0.3, attention: 0 });
  assert.deepEqual(rates(2), { hidden: 0.3, attention: 0 });
  assert.deepEqual(rates(4), { hidden: 0, attention: 0 });
  assert.equal(classifierRate(robertaLarge), 0.1);
  assert.equal(classifierRate({ ...robertaLarge, classifierDropout: 0.2 }), 0.2);
  assert.equal(classifierRate({ ...robertaLarge, classifierDropout: 0.2 }, { classifier: 0 }), 0);
});
