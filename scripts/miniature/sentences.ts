/** From running text to sentences, by rule: the same on every machine, whatever its version of the Unicode tables. */

/** A full stop after one of these ends no sentence. */
const abbreviation =
  /(?:\b(?:Mr|Mrs|Ms|Messrs|Dr|St|Gen|Col|Capt|Lieut|Lt|Maj|Sec|Hon|Rev|Gov|Sen|Rep|No|Nos|Art|Vol|Jr|Sr|Co|vs|viz|etc|cf|ch|chap|p|pp)|\b[A-Z])\.$/;
const boundary = /(?<=[.!?]["'”’)]?)\s+(?=["'“‘(]?[A-Z])/;

/** The sentences of a text, with white space collapsed, in order. A paragraph's end always ends a sentence. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  for (const paragraph of text.split(/\n\s*\n/)) {
    let open = '';
    for (const piece of paragraph.replace(/\s+/g, ' ').trim().split(boundary)) {
      open = open ? `${open} ${piece}` : piece;
      if (abbreviation.test(open)) continue;
      if (open) sentences.push(open);
      open = '';
    }
    if (open) sentences.push(open);
  }
  return sentences;
}

export function wordsOf(sentence: string): string[] {
  return sentence.split(' ').filter(Boolean);
}

/** What two sentences share when they are duplicates: their letters and digits. */
export function contentKey(sentence: string): string {
  return sentence
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Whole sentences of plain prose within bounds (words, both inclusive): no headings, tables, or torn quotations. */
export function isProse(sentence: string, shortest: number, longest: number): boolean {
  const count = wordsOf(sentence).length;
  if (count < shortest || count > longest) return false;
  if (!/^[A-Z]/.test(sentence) || !/[.!?]$/.test(sentence)) return false;
  return !/["“”*_[\]{}<>$|\t]|\d{3,}|\.\.|--|[.!?][A-Za-z]/.test(sentence);
}
