/**
 * The four tasks: what their classes are and how an input is made. Three ask about one sentence, one about a pair. Each is there
 * since a small encoder can learn it from 1 600 examples, and since the layers differ in how well they separate its classes.
 */
import type { Random } from '../../src/random.js';
import type { Document } from './corpus.js';
import { type Bounds, drawer } from './draw.js';
import { wordsOf } from './sentences.js';

/** One input. */
export interface Row {
  /** One text, or two for a pair task. */
  texts: string[];
  label: string;
  /** Ids of the documents that the texts come from. */
  documents: string[];
}

export interface MiniatureTask {
  name: string;
  /** Column names of the texts. */
  columns: string[];
  labels: string[];
  /**
   * A maker of inputs of one class from the documents of one part. The makers of a task share `used`, so that no sentence comes
   * twice.
   */
  maker(label: string, documents: Document[], random: Random, used: Set<string>): () => Row;
}

const usual: Bounds = { shortest: 8, longest: 20 };
/** For what can be told from few words, and so that a pair costs little more than a sentence. */
const brief: Bounds = { shortest: 5, longest: 16 };
const swaps = 3;

const isAddress = (document: Document) => document.source === 'address';
const before1860 = (document: Document) => isAddress(document) && document.year < 1860;
const before1900 = (document: Document) => isAddress(document) && document.year < 1900;
const after1960 = (document: Document) => isAddress(document) && document.year > 1960;

/** Has the sentence been scrambled? Three pairs of neighbouring words are swapped, or none; lower case, final mark cut. */
const wordOrder: MiniatureTask = {
  name: 'word-order',
  columns: ['sentence'],
  labels: ['intact', 'scrambled'],
  maker(label, documents, random, used) {
    const draw = drawer(documents, usual, random, used);
    return () => {
      for (;;) {
        const { text, document } = draw();
        const words = wordsOf(plain(text));
        const chosen = label === 'scrambled' ? scrambled(words, random) : words;
        if (chosen) return { texts: [chosen.join(' ')], label, documents: [document] };
      }
    };
  },
};

/** Where does the sentence come from: the novel, an old address, or a recent one? */
const source = bySentence('source', brief, {
  novel: (document) => document.source === 'novel',
  'before-1900': before1900,
  'after-1960': after1960,
});

/** When was the sentence spoken? */
const period = bySentence('period', usual, { 'before-1860': before1860, 'after-1960': after1960 });

/** Which of the two sentences is the older one? One is from before 1900, the other from after 1960. */
const older: MiniatureTask = {
  name: 'older',
  columns: ['sentence1', 'sentence2'],
  labels: ['first', 'second'],
  maker(label, documents, random, used) {
    const drawOld = drawer(documents.filter(before1900), brief, random, used);
    const drawNew = drawer(documents.filter(after1960), brief, random, used);
    return () => {
      const pair = [drawOld(), drawNew()];
      if (label === 'second') pair.reverse();
      return { texts: pair.map(({ text }) => text), label, documents: pair.map(({ document }) => document) };
    };
  },
};

export const miniatureTasks: MiniatureTask[] = [wordOrder, source, period, older];

/** A task about one sentence whose label is a property of its document. */
function bySentence(
  name: string,
  bounds: Bounds,
  classes: Record<string, (document: Document) => boolean>,
): MiniatureTask {
  return {
    name,
    columns: ['sentence'],
    labels: Object.keys(classes),
    maker(label, documents, random, used) {
      const draw = drawer(documents.filter(classes[label]), bounds, random, used);
      return () => {
        const { text, document } = draw();
        return { texts: [text], label, documents: [document] };
      };
    },
  };
}

/** Lower case, without the final mark, which would tell the two ends of a sentence apart. */
function plain(sentence: string): string {
  return sentence.toLowerCase().replace(/[.!?]+$/, '');
}

/** The words with three disjoint pairs of neighbours swapped; undefined where there are no three whose words differ. */
function scrambled(words: string[], random: Random): string[] | undefined {
  const result = [...words];
  const touched = new Set<number>();
  let done = 0;
  for (const at of random.shuffle(words.slice(1).map((_, index) => index))) {
    if (touched.has(at) || touched.has(at + 1) || words[at] === words[at + 1]) continue;
    [result[at], result[at + 1]] = [words[at + 1], words[at]];
    touched.add(at).add(at + 1);
    if (++done === swaps) return result;
  }
  return undefined;
}
