/** Scores by number of tuned layers. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gatherRuns } from '../../src/comparison/gather.js';
import { depthReport } from '../../src/studies/depth.js';
import { writeRun } from '../comparison/support.js';
import { withFolder } from './support.js';

const OPTIONS = { resamples: 500, seed: 1, margin: 0.01 };
const SEEDS = [1, 2];

test('each k has both arms, and what lies between them on the seeds that both have', () => {
  withFolder((folder) => {
    const arm = (name: string, bottom: number, top: number, quality: number, seeds = SEEDS) => {
      for (const seed of seeds) {
        const triple = { bottom, top, head: top };
        writeRun(join(folder, `${name}-${seed}`), { task: 'rte', arm: name, triple, seed, quality, examples: 200 });
      }
    };
    arm('top-1', 6, 6, 0.6);
    arm('selected-1', 3, 3, 0.9, [1]);
    arm('top-2', 5, 6, 0.7);
    arm('full', 1, 6, 0.9);
    const { records } = gatherRuns([folder]);
    const [study] = depthReport(records, [], OPTIONS).studies;
    assert.deepEqual(
      study.rows.map(({ k }) => k),
      [1, 2, 6],
    );
    const [one, two, six] = study.rows;
    assert.deepEqual(one.selected?.triple, { bottom: 3, top: 3, head: 3 });
    const scores = one.top?.scores ?? [];
    assert.equal(one.difference?.difference, (one.selected?.mean ?? 0) - scores[0], 'seed 1 alone');
    assert.equal(one.difference?.verdict, 'better');
    assert.ok(one.difference && one.difference.low > 0.15 && one.difference.high < 0.45);
    assert.equal(two.selected, null);
    assert.equal(two.difference, null);
    assert.equal(six.top?.mean, six.selected?.mean);
    assert.deepEqual([six.same, six.difference], [true, null]);
  });
});

test('an arm that came to the layers of another has its scores', () => {
  withFolder((folder) => {
    for (const seed of SEEDS) {
      writeRun(join(folder, `top-${seed}`), { arm: 'top-2', triple: { bottom: 5, top: 6, head: 6 }, seed });
    }
    const { records } = gatherRuns([folder]);
    const remark = {
      ...{ task: 'mrpc', model: 'en-12x192', arm: 'selected-2', method: 'fine-tune' },
      triple: { bottom: 5, top: 6, head: 6 },
    };
    const [row] = depthReport(records, [remark], OPTIONS).studies[0].rows;
    assert.equal(row.same, true);
    assert.equal(row.selected?.mean, row.top?.mean);
    assert.throws(() => depthReport([], [], OPTIONS), /top-k or selected-k/);
  });
});
