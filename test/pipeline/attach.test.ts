/** What is held, trained and dropped out for an arm. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTask } from '../../src/data/tasks.js';
import { attach } from '../../src/pipeline/attach.js';
import { resolveTuning } from '../../src/pipeline/imported.js';
import { openModel } from '../../src/pipeline/model.js';
import type { Triple } from '../../src/selection/arms.js';
import { withEngine } from '../engine/support.js';
import { configOf, quiet, temporary, writeModel, writeTopics } from './support.js';

const folder = temporary();
const model = openModel(writeModel(join(folder, 'model')));
const task = writeTopics(join(folder, 'topics'), { train: 8, dev: 4 });

/** Layers, 0 being the embeddings, of which a bank holds something; -1: the classifier. */
function layersOf(names: readonly string[]): number[] {
  const layer = (name: string) =>
    Number(/^layers\.(\d+)\./.exec(name)?.[1] ?? (name.startsWith('classifier.') ? -1 : 0));
  return [...new Set(names.map(layer))].sort((a, b) => a - b);
}

const ARMS: { arm: Triple; tuned: number[]; frozen: number[]; dropped: number[] }[] = [
  { arm: { bottom: 1, top: 3, head: 3 }, tuned: [-1, 0, 1, 2, 3], frozen: [], dropped: [0, 1, 2, 3] },
  { arm: { bottom: 1, top: 2, head: 3 }, tuned: [-1, 1, 2], frozen: [0, 3], dropped: [1, 2] },
  { arm: { bottom: 2, top: 2, head: 3 }, tuned: [-1, 2], frozen: [0, 1, 3], dropped: [2] },
  { arm: { bottom: 1, top: 2, head: 2 }, tuned: [-1, 1, 2], frozen: [0], dropped: [1, 2] },
  { arm: { bottom: null, top: null, head: 2 }, tuned: [-1], frozen: [0, 1, 2], dropped: [] },
];

for (const { arm, tuned, frozen, dropped } of ARMS) {
  test(`${arm.bottom}-${arm.top} @ ${arm.head}: nothing above the head is held, dropout where it is tuned`, async () => {
    await withEngine('compiled', async (engine) => {
      const { config } = resolveTuning(configOf({ model: model.folder, task }), model.config);
      const { spec, state } = attach(engine, model, openTask(config.task).task, arm, config, quiet);
      assert.deepEqual(layersOf(state.parameters.names), tuned);
      assert.deepEqual(layersOf(state.frozen.names), frozen);
      const rates = [0, 1, 2, 3].map((layer) => spec.rates(layer));
      for (const [layer, { hidden, attention }] of rates.entries()) {
        assert.deepEqual([hidden, attention], dropped.includes(layer) ? [0.1, 0.1] : [0, 0], `layer ${layer}`);
      }
      assert.deepEqual([spec.classes, spec.head, spec.classifierRate], [2, arm.head, 0.1]);
    });
  });
}
