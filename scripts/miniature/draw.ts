/** Drawing sentences: document by document in turn, so that no long speech crowds out the others, and no sentence twice. */
import type { Random } from '../../src/random.js';
import type { Document } from './corpus.js';
import { contentKey, isProse, sentencesOf } from './sentences.js';

export interface Sentence {
  text: string;
  /** The document's id. */
  document: string;
}

export interface Bounds {
  /** Fewest words. */
  shortest: number;
  /** Most words. */
  longest: number;
}

/**
 * Hands out one sentence after the other. `used` holds the content of all that any drawer of a task handed out, in train and dev
 * alike. Throws a `RangeError` when the documents are exhausted.
 */
export function drawer(documents: Document[], bounds: Bounds, random: Random, used: Set<string>): () => Sentence {
  const queues = random
    .shuffle([...documents])
    .map(({ id, text }) => ({ id, sentences: random.shuffle(proseOf(text, bounds)) }));
  let turn = 0;
  return () => {
    for (let idle = 0; idle < queues.length; ) {
      const { id, sentences } = queues[turn++ % queues.length];
      const text = sentences.pop();
      if (text === undefined) {
        idle++;
        continue;
      }
      idle = 0;
      const key = contentKey(text);
      if (used.has(key)) continue;
      used.add(key);
      return { text, document: id };
    }
    throw new RangeError('the documents hold no more sentences');
  };
}

function proseOf(text: string, { shortest, longest }: Bounds): string[] {
  return sentencesOf(text).filter((sentence) => isProse(sentence, shortest, longest));
}
