/** Opens a task: one of GLUE's from its folder, or a user's own from its files and columns. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DataError, UserError } from '../errors.js';
import { nearest } from '../nearest.js';
import { DIAGNOSTIC_FOLDERS, GLUE, type GlueEntry, glueEntry, splitName } from './glue.js';
import { openOwnTask } from './own-task.js';
import { readGlueSplit } from './splits.js';
import type { OpenTask, Split, TaskSpec } from './types.js';

const EXTENSIONS = ['.tsv', '.csv', '.jsonl', '.json'];

/**
 * Opens a task. Nothing is read before `split` is called, but for the training split of a user's own task that does not state its
 * classes. Throws a `UserError` where the specification names neither a task of GLUE's nor files.
 */
export function openTask(spec: TaskSpec): OpenTask {
  const entry = spec.text === undefined ? glueEntry(spec.name) : undefined;
  const stated: Record<string, string | undefined> = { train: spec.train, dev: spec.dev, test: spec.test };
  if (entry) return openGlueTask(entry, spec, stated);
  if (spec.data !== undefined) {
    for (const name of ['train', 'dev', 'test']) {
      const bases = name === 'dev' ? ['dev', 'validation'] : [name];
      stated[name] ??= findFile(foldersOf(spec.data, [spec.name]), bases);
    }
  }
  const files = Object.fromEntries(Object.entries(stated).filter((pair): pair is [string, string] => !!pair[1]));
  if (Object.keys(files).length === 0) throw unknownTask(spec);
  return openOwnTask(spec, files);
}

function openGlueTask(entry: GlueEntry, spec: TaskSpec, stated: Record<string, string | undefined>): OpenTask {
  const { task, splits } = entry;
  const locate = (name: string): string | undefined => {
    if (stated[name] !== undefined) return stated[name];
    if (spec.data === undefined) return undefined;
    const diagnostic = name === 'ax' || task.name === 'ax';
    const folders = foldersOf(spec.data, diagnostic ? DIAGNOSTIC_FOLDERS : [entry.folder, task.name]);
    const found = findFile(folders, splits[name].files);
    // Hugging Face's AX has one split, called test; elsewhere that name means another task's.
    return found ?? (diagnostic ? findFile(foldersNamed(spec.data, ['ax']), ['test']) : undefined);
  };
  const cache = new Map<string, Split>();
  return {
    task,
    splits: Object.keys(splits).filter((name) => {
      const file = locate(name);
      return file !== undefined && existsSync(file);
    }),
    split(wanted) {
      const name = splitName(wanted, Object.keys(splits));
      const layout = Object.hasOwn(splits, name) ? splits[name] : undefined;
      if (!layout) {
        throw new UserError(`${task.name} has no split "${wanted}"`, {
          hint: `its splits are ${Object.keys(splits).join(', ')}`,
        });
      }
      const cached = cache.get(name);
      if (cached) return cached;
      const file = locate(name);
      if (file === undefined) throw missingFile(entry, name, spec.data);
      const split = readGlueSplit(entry, name, file);
      cache.set(name, split);
      return split;
    },
  };
}

/** Folders in which a task's files may lie: subfolders by any of its names, whatever their case, then the folder itself. */
function foldersOf(data: string, names: string[]): string[] {
  return [...foldersNamed(data, names), data];
}

function foldersNamed(data: string, names: string[]): string[] {
  if (!existsSync(data)) {
    throw new DataError('there is no such folder', { file: data, hint: 'check task.data, or --data' });
  }
  if (!statSync(data).isDirectory()) {
    throw new DataError('is not a folder', { file: data, hint: 'task.data names the folder that holds the tasks' });
  }
  const wanted = names.map((name) => name.toLowerCase());
  const present = readdirSync(data, { withFileTypes: true }).filter((item) => !item.isFile());
  const found = present.filter((item) => wanted.includes(item.name.toLowerCase())).map((item) => item.name);
  found.sort((a, b) => wanted.indexOf(a.toLowerCase()) - wanted.indexOf(b.toLowerCase()));
  return found.map((name) => join(data, name));
}

function findFile(folders: string[], bases: string[]): string | undefined {
  for (const folder of folders) {
    for (const base of bases) {
      for (const extension of EXTENSIONS) {
        const file = join(folder, base + extension);
        if (existsSync(file)) return file;
      }
    }
  }
  return undefined;
}

function missingFile(entry: GlueEntry, name: string, data: string | undefined): UserError {
  const [first] = entry.splits[name].files;
  if (data === undefined) {
    return new UserError(`no file is named for the ${name} split of ${entry.task.name}`, {
      hint: `set task.data to the folder that holds ${entry.folder}/${first}.tsv`,
    });
  }
  const folder = name === 'ax' || entry.task.name === 'ax' ? 'diagnostic' : entry.folder;
  const file = basename(data).toLowerCase() === folder.toLowerCase() ? `${first}.tsv` : `${folder}/${first}.tsv`;
  return new DataError('there is no such file', {
    file: join(data, file),
    hint: `${entry.task.name} needs it for its ${name} split; task.data, or --data, is the folder that holds ${folder}`,
  });
}

function unknownTask(spec: TaskSpec): UserError {
  const known = GLUE.map((entry) => entry.task.name).join(', ');
  const place = spec.data === undefined ? '' : ` and ${spec.data} holds no files of it`;
  const near = nearest(
    spec.name,
    GLUE.map((entry) => entry.task.name),
  );
  return new UserError(`task "${spec.name}" is none of GLUE's${place}`, {
    hint: `${near ? `did you mean "${near}"? ` : ''}GLUE's are ${known}; a task of your own names its files: task.train, task.dev, task.text, task.label`,
  });
}
