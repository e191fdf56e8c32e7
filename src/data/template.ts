/** Special tokens around one text or two: a tokenizer.json's post-processor as a flat list. */
import { CheckpointError } from '../errors.js';

export type Part = { ids: number[]; type: number } | { text: 'first' | 'second'; type: number };

export interface Template {
  single: Part[];
  pair: Part[];
}

/** What stands in a tokenizer.json; checked where it is used. */
export type Json = { [key: string]: unknown };

const FIRST: Part = { text: 'first', type: 0 };

/**
 * Reads `post_processor` (TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, a Sequence of them, or null). Their
 * `trim_offsets` and `add_prefix_space` concern character offsets alone and change no id. Throws a `CheckpointError` for others.
 */
export function readTemplate(processor: Json | null, file: string): Template {
  const wrapped = (cls: number, sep: number, pair: Part[]): Template => ({
    single: [special(cls, 0), FIRST, special(sep, 0)],
    pair: [special(cls, 0), FIRST, special(sep, 0), ...pair],
  });
  const bare: Template = { single: [FIRST], pair: [FIRST, { text: 'second', type: 1 }] };
  switch (processor?.type) {
    case undefined:
    case 'ByteLevel':
      return bare;
    case 'TemplateProcessing': {
      const specials = processor.special_tokens as Record<string, { ids: number[] }>;
      const parts = (items: unknown) => (items as Json[]).map((item) => templatePart(item, specials));
      return { single: parts(processor.single), pair: parts(processor.pair) };
    }
    case 'BertProcessing': {
      const [cls, sep] = ends(processor);
      return wrapped(cls, sep, [{ text: 'second', type: 1 }, special(sep, 1)]);
    }
    case 'RobertaProcessing': {
      const [cls, sep] = ends(processor);
      return wrapped(cls, sep, [special(sep, 0), { text: 'second', type: 0 }, special(sep, 0)]);
    }
    case 'Sequence': {
      const steps = (processor.processors as Json[]).filter((step) => step.type !== 'ByteLevel');
      if (steps.length < 2) return readTemplate(steps[0] ?? null, file);
    }
  }
  throw new CheckpointError(`asks for post-processor "${String(processor?.type)}", which is not known here`, {
    file,
    hint: 'known are TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, and a Sequence with one of them',
  });
}

/** Tokens that a template adds. */
export function addedTokens(parts: Part[]): number {
  return parts.reduce((sum, part) => sum + ('ids' in part ? part.ids.length : 0), 0);
}

const special = (id: number, type: number): Part => ({ ids: [id], type });

function ends(processor: Json): [number, number] {
  const { cls, sep } = processor as { cls: [string, number]; sep: [string, number] };
  return [cls[1], sep[1]];
}

function templatePart(item: Json, specials: Record<string, { ids: number[] }>): Part {
  const token = item.SpecialToken as { id: string; type_id: number } | undefined;
  if (token) return { ids: specials[token.id].ids, type: token.type_id };
  const sequence = item.Sequence as { id: string; type_id: number };
  return { text: sequence.id === 'A' ? 'first' : 'second', type: sequence.type_id };
}
