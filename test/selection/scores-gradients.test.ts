/** The programs behind the gradient scores and the token cosine against torch (see make_gradients.py), on both engines. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { makeBatch } from '../../src/data/batches.js';
import type { Encoded } from '../../src/data/types.js';
import { openEngine } from '../../src/engine/open.js';
import { createLayerGradients, createPooledStates } from '../../src/training/inference.js';
import { FIXTURES } from '../model/support.js';

interface Case {
  labels: number[];
  /** Squared norms by layer: of each row's gradient, and of the batch's. */
  inputs: number[][];
  batch: number[];
}

interface Fixture {
  ids: number[];
  types: number[];
  lengths: number[];
  weight: number[];
  bias: number[];
  classification: Case;
  regression: Case;
  cosines: number[][];
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/selection/gradients.json', import.meta.url), 'utf8'),
) as Fixture;
const length = Math.max(...fixture.lengths);
const encoded = fixture.lengths.map((count, row): Encoded => {
  const special = new Uint8Array(count);
  special[0] = 1;
  special[count - 1] = 1;
  const part = (values: number[]) => values.slice(row * length, row * length + count);
  return {
    ids: Int32Array.from(part(fixture.ids)),
    typeIds: Uint8Array.from(part(fixture.types)),
    special,
    truncated: false,
  };
});

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number) {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i] - expected[i]) <= relative * Math.abs(expected[i]),
      `${actual[i]} is not ${expected[i]}`,
    );
  }
}

for (const name of ['compiled', 'cpu'] as const) {
  describe(`on the ${name} engine`, () => {
    it('gradients by layer, and cosines of the first token, are those of torch', async () => {
      const engine = await openEngine(name, { threads: 1 });
      try {
        const { config, parameters } = loadEncoder(join(FIXTURES, 'bert'));
        const bank = engine.bank([...parameters].map(([of, { shape }]) => ({ name: of, shape })));
        for (const [of, { data }] of parameters) bank.write(of, data);
        for (const kind of ['classification', 'regression'] as const) {
          const { labels, inputs, batch } = fixture[kind];
          const classes = kind === 'regression' ? 1 : 3;
          const head = engine.bank([
            { name: 'classifier.output.weight', shape: [classes, config.hidden] },
            { name: 'classifier.output.bias', shape: [classes] },
          ]);
          head.write('classifier.output.weight', Float32Array.from(fixture.weight.slice(0, classes * config.hidden)));
          head.write('classifier.output.bias', Float32Array.from(fixture.bias.slice(0, classes)));
          const run = createLayerGradients(engine, config, { kind, classes }, [bank, head]);
          // A filler row beside the examples changes nothing.
          const make = (indices: number[], rows: number) => makeBatch(encoded, indices, { rows, length, padId: 0 });
          assertClose(await run(make([0, 1, 2], 4), labels), batch, 1e-4);
          for (const row of [0, 1, 2]) assertClose(await run(make([row], 2), labels), inputs[row], 1e-4);
        }
        const cosines: number[][] = [];
        const states = createPooledStates(engine, config, [bank], (values, { rows }) => {
          for (let layer = 0; layer < config.layers; layer++) {
            cosines.push([...values.subarray(layer * rows, layer * rows + 3)]);
          }
        });
        await states(makeBatch(encoded, [0, 1, 2], { rows: 4, length, padId: 0 }));
        cosines.forEach((values, layer) => {
          assertClose(values, fixture.cosines[layer], 1e-4);
        });
        assert.equal(cosines.length, 3);
      } finally {
        await engine.close();
      }
    });
  });
}
