/** From examples to tokens. */
import type { Tokenizer } from '../data/tokenizer.js';
import type { Encoded, Example } from '../data/types.js';
import { maxLength } from '../model/shapes.js';
import type { EncoderConfig } from '../model/types.js';
import type { Reporter } from './types.js';

/** The longest input in tokens: what the run asks for, or what the model has positions for. */
export function limitLength(config: EncoderConfig, asked: number): number {
  return Math.min(asked, maxLength(config));
}

const REPORT_EVERY = 2000;

export function encodeExamples(
  examples: readonly Example[],
  tokenizer: Tokenizer,
  length: number,
  { phase, reporter }: { phase: string; reporter: Reporter },
): Encoded[] {
  return examples.map(({ text, pair }, i) => {
    if (i % REPORT_EVERY === 0 && examples.length > REPORT_EVERY) {
      reporter.progress({ phase, subject: 'tokens', done: i, total: examples.length });
    }
    return tokenizer.encode(text, pair, length);
  });
}
