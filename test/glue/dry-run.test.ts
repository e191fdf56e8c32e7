/** Planning without running: counts, parameters, what is assumed; the Slurm script; the grids that come along. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setOverride } from '../../src/config/load.js';
import { cellAt, cellName, countCells } from '../../src/glue/cells.js';
import { dryRun } from '../../src/glue/dry-run.js';
import { renderDryRun } from '../../src/glue/dry-run-table.js';
import { loadGrid } from '../../src/glue/grid.js';
import { prepare } from '../../src/glue/prepare.js';
import { slurmScript } from '../../src/glue/slurm.js';
import { runEstimate } from '../../src/pipeline/estimate.js';
import { spantune } from '../cli/support.js';
import { quiet } from '../pipeline/support.js';
import { root } from '../project/root.js';
import { bench } from './support.js';

const { folder, prepared, write } = bench();
const division = { jobs: 2, threads: 1 };
const shipped = (name: string) => join(root, 'configs/glue', name);

test('the paper’s design is planned from a configuration alone', async () => {
  const grid = loadGrid(shipped('paper.yaml'), {
    checkPaths: false,
    overrides: [setOverride(`data=${join(folder, 'no-data')}`)],
  });
  const paper = prepare(grid, { absent: true });
  const estimate = async (options: Parameters<typeof runEstimate>[0]) => {
    // The speed of this machine is not of interest.
    const [smallest] = options.arms.map((arm) => ({ ...arm, encoder: { ...arm.encoder, hidden: 8, intermediate: 8 } }));
    const { speed } = await runEstimate({ ...options, arms: [smallest] }, quiet);
    const { arms } = await runEstimate({ ...options, arms: [smallest, ...options.arms.slice(0, 24)] }, quiet);
    const rest = options.arms.slice(24).map(() => arms[1]);
    return { arms: [...arms.slice(1), ...rest], speed, warnings: [] };
  };
  const dry = await dryRun(paper, { division, estimate });
  assert.equal(dry.selections, 9);
  assert.equal(dry.runs, 9 * 3 * (12 + 10));
  // Trainable parameters as in the paper's set-up: bottleneck 256 with LayerNorms and classifier; whole layers and classifier.
  const tuned = (id: string) => dry.arms.find((arm) => arm.task === 'cola' && arm.id === id)?.trainable;
  assert.equal(tuned('head-only, bottleneck'), 1_051_650);
  assert.equal(tuned('top-1, bottleneck'), 2_106_882);
  assert.equal(tuned('selected-2, bottleneck'), 3_162_114);
  assert.equal(tuned('selected-3, bottleneck'), 4_217_346);
  assert.equal(tuned('full, bottleneck'), 26_377_218);
  assert.equal(tuned('top-1, fine-tune'), 13_647_874);
  assert.equal(tuned('full, fine-tune'), 355_361_794);
  const text = renderDryRun(dry);
  assert.match(text, /no weights here: roberta-large/);
  assert.match(text, /no files here: cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte, wnli/);
  assert.match(text, /ℓ\* is not measured yet/);
});

test('a dry run counts trials, says what is assumed, and writes nothing', async () => {
  const file = write({ learningRate: { search: {} }, seeds: [1, 2, 3] });
  const before = readdirSync(folder);
  const { code, stdout, stderr } = await spantune([
    'glue',
    file,
    '--dry-run',
    '--json',
    '--output',
    join(folder, 'out'),
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(folder), before);
  const dry = JSON.parse(stdout);
  assert.deepEqual([dry.runs, dry.trials, dry.selections], [6, 8, 1]);
  assert.ok(dry.flops > 0 && dry.seconds > 0 && dry.memory > 0 && dry.disk > 0);
});

test('cached states count once for arms that share them, and within the bounds of the cache', async () => {
  const cacheOf = async (values: object) =>
    JSON.parse((await spantune(['glue', write(values), '--dry-run', '--json'])).stdout).cache;
  const upper = { bottom: 3, top: 3, head: 3 };
  assert.equal(await cacheOf({ arms: ['full'] }), 0);
  const one = await cacheOf({ arms: ['full', 'top-1'] });
  // 64 inputs of some tokens, width 32, float32.
  assert.ok(one > 64 * 3 * 32 * 4 && one < 64 * 64 * 32 * 4, `${one} bytes`);
  assert.equal(await cacheOf({ arms: ['full', 'top-1', { name: 'same', ...upper }], seeds: [1, 2] }), one);
  const pooled = await cacheOf({ arms: ['full', 'top-1', 'head-only-top'] });
  assert.equal(pooled - one, 64 * 32 * 4);
  assert.equal(await cacheOf({ arms: ['full', 'top-1'], run: { cache: { diskBytes: 1000 } } }), 1000);
});

test('cells are numbered from 1, seeds next to each other', () => {
  const plan = prepared({ seeds: [4, 5, 6], methods: ['fine-tune', 'lora'] });
  assert.equal(countCells(plan), 12);
  const names = Array.from({ length: 12 }, (_, i) => cellName(plan, cellAt(plan, i + 1)));
  assert.deepEqual(names.slice(0, 4), [
    'topics full, fine-tune seed 4',
    'topics full, fine-tune seed 5',
    'topics full, fine-tune seed 6',
    'topics selected-2, fine-tune seed 4',
  ]);
  assert.equal(names[11], 'topics selected-2, lora seed 6');
  assert.equal(new Set(names).size, 12);
  assert.throws(() => cellAt(plan, 13), /there is no such cell/);
});

test('the Slurm script submits stages in order and is one that bash reads', () => {
  const plan = prepared({ seeds: [1, 2], learningRate: { search: {} } });
  const options = {
    command: 'node spantune',
    grid: '/g.yaml',
    output: '/out',
    words: [],
    threads: 2,
    memory: 1e9,
    logs: '/out/logs',
  };
  const script = slurmScript(plan, { ...options, jobs: 3 });
  assert.match(script, /^#SBATCH --array=1-4%3$/m);
  assert.deepEqual(script.match(/^ {2}submit .*$/gm), [
    '  submit select --array=0',
    '  submit search --array=1-4:2%3',
    '  submit run --array=1-4%3',
    '  submit compare --array=0',
  ]);
  const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const fixed = slurmScript(prepared({ arms: ['top-1'], reference: 'top-1' }), options);
  assert.deepEqual(fixed.match(/^ {2}submit .*$/gm), ['  submit run --array=1-1', '  submit compare --array=0']);
});

for (const name of ['minilm.yaml', 'mpnet.yaml', 'miniature.yaml']) {
  test(`${name} can be planned`, () => {
    const tiny = setOverride(`models=[${join(root, 'models/en-12x192')}]`);
    const known = setOverride('tasks=[mrpc, rte]');
    const overrides = [tiny, known, setOverride('data=nowhere')];
    const plan = prepare(loadGrid(shipped(name), { overrides, checkPaths: false }), { absent: true });
    assert.ok(countCells(plan) > 0);
  });
}
