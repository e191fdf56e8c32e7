/** From documents to the rows of a task's train and dev split: balanced, without duplicates, no document in both. */
import { stream } from '../../src/random.js';
import type { Document } from './corpus.js';
import { type Part, splitDocuments } from './split.js';
import type { MiniatureTask, Row } from './tasks.js';

export const miniatureSizes: Record<Part, number> = { train: 1600, dev: 500 };
const seed = 1;

/** The rows of both parts, in random order; the same on every machine. Classes differ in size by one row at most. */
export function generate(task: MiniatureTask, documents: Document[]): Record<Part, Row[]> {
  const parts = splitDocuments(documents, seed);
  const used = new Set<string>();
  const make = (part: Part): Row[] => {
    const rows = task.labels.flatMap((label, index) => {
      const random = stream(seed, 'miniature', task.name, part, label);
      const next = task.maker(label, parts[part], random, used);
      const count = Math.floor((miniatureSizes[part] + task.labels.length - 1 - index) / task.labels.length);
      return Array.from({ length: count }, next);
    });
    return stream(seed, 'miniature', task.name, part).shuffle(rows);
  };
  return { train: make('train'), dev: make('dev') };
}
