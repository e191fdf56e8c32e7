/** The grids of the studies, and which scores a study has yet to measure. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gatherRuns } from '../../src/comparison/gather.js';
import { loadGrid } from '../../src/glue/grid.js';
import { needsSelection, resolveArm } from '../../src/selection/arms.js';
import { headPosition } from '../../src/studies/positions.js';
import { lackingScores } from '../../src/studies/selections.js';
import { root } from '../project/root.js';
import { headRuns, selectionWith, withFolder } from './support.js';

const gridOf = (name: string) => loadGrid(join(root, 'configs/glue', name), { checkPaths: false });

/** The arms' layers; an arm that ν places goes where it would with the lowest ν on top. */
function triplesOf(name: string, layers: number) {
  const nu = Array.from({ length: layers }, (_, index) => layers - index);
  return gridOf(name).arms.map((arm) => {
    const { bottom, top, head } = resolveArm(arm, { layers, nu, range: 'fit' });
    return { triple: { bottom, top, head }, selected: needsSelection(arm) };
  });
}

test('the grids of the regret study have every head position, and measure the layers', () => {
  for (const [name, layers, k] of [
    ['regret-minilm.yaml', 6, 2],
    ['regret-minilm-sample.yaml', 6, 2],
    ['regret-miniature.yaml', 12, 8],
  ] as const) {
    const arms = triplesOf(name, layers);
    assert.ok(arms.some(({ selected }) => selected));
    const stated = arms.filter(({ selected }) => !selected).map(({ triple }) => triple);
    assert.deepEqual(
      stated,
      Array.from({ length: layers - k + 1 }, (_, at) => headPosition(k + at, k)),
    );
    assert.equal(gridOf(name).values.seeds.length, 4);
  }
  const spans = triplesOf('regret-minilm-spans.yaml', 6).map(({ triple }) => triple);
  assert.deepEqual(
    spans,
    [1, 2, 3, 4, 5].map((bottom) => ({ bottom, top: bottom + 1, head: 6 })),
  );
});

test('the samples of the regret study are tuned as the table of arms is, so that the two may be read together', () => {
  const regret = gridOf('regret-minilm-sample.yaml').values;
  const arms = gridOf('minilm-fixed.yaml').values;
  const names = (tasks: typeof arms.tasks) => tasks.map((task) => (typeof task === 'object' ? task.name : task));
  assert.deepEqual(names(regret.tasks), names(arms.tasks));
  assert.deepEqual(regret.run?.training, arms.run?.training);
  assert.equal(regret.learningRate, (arms.learningRate as Record<string, unknown>)['fine-tune']);
});

test('the grids of the depth study have both arms at every k', () => {
  for (const [name, depths] of [
    ['depth-minilm.yaml', [1, 2, 3, 4, 5]],
    ['depth-miniature.yaml', [1, 2, 4, 6, 8, 10]],
  ] as const) {
    const names = gridOf(name).arms.map((arm) => arm.name);
    const wanted = ['top', 'selected'].flatMap((arm) => depths.map((k) => `${arm}-${k}`));
    assert.deepEqual(names, ['full', ...wanted]);
  }
});

test('scores are measured where they are asked for, choose something, work on the task, and are not there yet', () => {
  withFolder((folder) => {
    headRuns(folder, 5, [0.6, 0.7], [1, 2], { task: 'mrpc' });
    headRuns(folder, 5, [0.6, 0.7], [1, 2], { task: 'stsb' });
    const { records } = gatherRuns([folder]);
    const known = (task: string) => (task === 'mrpc' ? selectionWith({ logme: [1, 2, 3, 4, 5, 6] }) : undefined);
    const asked = lackingScores(records, ['nu', 'logme', 'knn', 'h-score', 'cka', 'random'], known);
    assert.deepEqual(
      asked.map(({ record, names }) => [record.task.name, names]),
      [
        ['mrpc', ['logme', 'nu', 'knn', 'h-score']],
        ['stsb', ['nu', 'logme', 'knn']],
      ],
    );
    assert.deepEqual(
      lackingScores(
        records.filter(({ task }) => task.name === 'mrpc'),
        ['logme', 'cka'],
        known,
      ),
      [],
    );
  });
});
