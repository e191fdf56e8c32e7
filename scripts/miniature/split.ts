/** Which documents are for training and which for evaluation: the same cut for all tasks, a quarter of each kind of document. */
import { stream } from '../../src/random.js';
import type { Document } from './corpus.js';

export type Part = 'train' | 'dev';

const devShare = 0.25;
/** Addresses are cut within these spans of years, since language changes over two centuries. */
const spanYears = 20;

/** Every document is in exactly one part. */
export function splitDocuments(documents: Document[], seed: number): Record<Part, Document[]> {
  const kinds = new Map<string, Document[]>();
  for (const document of documents) {
    const kind = `${document.source} ${Math.floor(document.year / spanYears)}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), document]);
  }
  const parts: Record<Part, Document[]> = { train: [], dev: [] };
  for (const [kind, members] of kinds) {
    stream(seed, 'documents', kind).shuffle(members);
    const held = Math.round(members.length * devShare);
    parts.dev.push(...members.slice(0, held));
    parts.train.push(...members.slice(held));
  }
  return parts;
}
