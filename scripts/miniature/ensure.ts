/** Writes the miniature tasks in GLUE's layout: TASK/train.tsv and TASK/dev.tsv, tab-separated under a header row, no quoting. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileWhole } from '../../src/files.js';
import { readCorpus } from './corpus.js';
import { generate } from './generate.js';
import { type MiniatureTask, miniatureTasks, type Row } from './tasks.js';

/**
 * Makes what is missing of the four tasks under `folder`, such as `data/miniature`, in about a second. Returns the names of the tasks
 * that it wrote. Throws a `UserError` where the packages that carry the text are absent or the folder cannot be written.
 */
export function ensureMiniature(folder: string): string[] {
  const missing = miniatureTasks.filter(
    ({ name }) => !['train', 'dev'].every((part) => existsSync(path(folder, name, part))),
  );
  if (missing.length === 0) return [];
  const documents = readCorpus();
  for (const task of missing) {
    for (const [part, rows] of Object.entries(generate(task, documents))) {
      writeFileWhole(path(folder, task.name, part), table(task, rows));
    }
  }
  return missing.map(({ name }) => name);
}

function path(folder: string, name: string, part: string): string {
  return join(folder, name, `${part}.tsv`);
}

function table(task: MiniatureTask, rows: Row[]): string {
  const lines = [[...task.columns, 'label'], ...rows.map(({ texts, label }) => [...texts, label])];
  return lines.map((cells) => `${cells.join('\t')}\n`).join('');
}
