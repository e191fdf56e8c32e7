/** What a method is called in tables. */
import { basename } from 'node:path';
import { parse } from 'yaml';
import { readText } from '../files.js';
import type { Tuning } from '../model/tuning.js';
import { defaultsFile } from './load.js';

let defaults: Record<string, Record<string, unknown>> | undefined;

/** `fine-tune`, or the adapter's method with the options that are not its defaults, such as `lora rank 4 targets query+key`. */
export function methodLabel(tuning: Tuning): string {
  if (tuning === 'fine-tune') return tuning;
  defaults ??= (parse(readText(defaultsFile())) as { adapters: Record<string, Record<string, unknown>> }).adapters;
  const { method, ...options } = tuning;
  const usual = defaults[method] ?? {};
  const changed = Object.entries(options).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual[key]),
  );
  const shown = (key: string, value: unknown) => (key === 'from' ? basename(String(value)) : [value].flat().join('+'));
  return [method, ...changed.map(([key, value]) => `${key} ${shown(key, value)}`)].join(' ');
}
