/** A study as files: its tables in every format, and its plots. */
import { join } from 'node:path';
import { writeFileWhole } from '../../files.js';
import { renderStudy, type StudyDocument, type StudyFormat } from './table.js';

const FILES: [extension: string, format: StudyFormat][] = [
  ['txt', 'text'],
  ['md', 'markdown'],
  ['csv', 'csv'],
  ['json', 'json'],
];

/** Writes NAME.txt, .md, .csv and .json and plots/NAME-*.svg; files of these names are replaced. Returns their paths. */
export function writeStudy(folder: string, document: StudyDocument): string[] {
  const files = [
    ...FILES.map(([extension, format]): [string, string] => [
      join(folder, `${document.name}.${extension}`),
      renderStudy(document, format),
    ]),
    ...document.plots.map(({ name, svg }): [string, string] => [join(folder, 'plots', `${name}.svg`), `${svg}\n`]),
  ];
  for (const [path, content] of files) writeFileWhole(path, content);
  return files.map(([path]) => path);
}
