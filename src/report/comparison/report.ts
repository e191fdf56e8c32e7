/** A comparison as a folder: its tables in every format for files, and its plots. */
import { join } from 'node:path';
import type { Comparison } from '../../comparison/types.js';
import { writeFileWhole } from '../../files.js';
import { plotsOf } from '../plots/plots.js';
import { type Format, renderComparison } from './render.js';

const FILES: [extension: string, format: Format][] = [
  ['md', 'markdown'],
  ['csv', 'csv'],
  ['tex', 'latex'],
  ['json', 'json'],
  ['html', 'html'],
];

/**
 * Writes `comparison.md`, `.csv`, `.tex`, `.json` and `.html` and `plots/*.svg`; files of these names are replaced. Returns their
 * paths. Throws a `UserError` where the folder cannot be written to.
 */
export function writeReport(folder: string, comparison: Comparison): string[] {
  const documents = FILES.map(([extension, format]): [string, string] => [
    join(folder, `comparison.${extension}`),
    renderComparison(comparison, format),
  ]);
  const plots = plotsOf(comparison)
    .flat()
    .map(({ name, svg }): [string, string] => [join(folder, 'plots', `${name}.svg`), `${svg}\n`]);
  const files = [...documents, ...plots];
  for (const [path, content] of files) writeFileWhole(path, content);
  return files.map(([path]) => path);
}
