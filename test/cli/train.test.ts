/** `spantune train` from outside: the folder of a run that did not finish, and keys that only the data can judge. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { spantune } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'spantune-cli-train-'));
after(() => rmSync(folder, { recursive: true }));

test('what an unfinished run leaves may be written over; a mistake in the sample’s size leaves it as it was', async () => {
  const file = join(folder, 'few.tsv');
  writeFileSync(file, `sentence\tlabel\n${['a\tx', 'b\ty', 'c\tx', 'd\ty'].join('\n')}\n`);
  const config = join(folder, 'run.yaml');
  const model = join(process.cwd(), 'models/en-12x192');
  writeFileSync(config, `model: ${model}\ntask: { name: few, train: ${file}, dev: ${file} }\n`);
  const run = mkdtempSync(join(folder, 'run-'));
  const left = [
    'config.yaml',
    'metrics.jsonl',
    'predictions.tsv',
    'predictions_mismatched.tsv',
    'tuned.safetensors.part',
  ];
  for (const name of left) writeFileSync(join(run, name), '');
  const { code, stdout, stderr } = await spantune(['train', config, '--output', run, '--set', 'task.trainSamples=5']);
  assert.match(stderr, /few\.tsv: task\.trainSamples asks for 5 rows, but there are 4\n/);
  assert.match(stderr, /hint .*4 or less, or to all/);
  assert.deepEqual([code, stdout], [2, '']);
  assert.deepEqual(readdirSync(run).sort(), left.sort());
});
