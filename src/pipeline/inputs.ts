/** From examples to tokens. */
import type { Encoded, Example, Split } from '../data/types.js';
import { CheckpointError, UserError } from '../errors.js';
import { maxLength } from '../model/shapes.js';
import type { EncoderConfig } from '../model/types.js';
import type { OpenModel } from './model.js';
import type { Reporter } from './types.js';

/** The longest input in tokens: what the run asks for, or what the model has positions for. */
export function limitLength(config: EncoderConfig, asked: number): number {
  return Math.min(asked, maxLength(config));
}

const REPORT_EVERY = 2000;

/** Throws a `CheckpointError` where the tokenizer gives an id that the model's table does not have. */
export function encodeExamples(
  examples: readonly Example[],
  { tokenizer, config, folder }: Pick<OpenModel, 'tokenizer' | 'config' | 'folder'>,
  length: number,
  { phase, reporter }: { phase: string; reporter: Reporter },
): Encoded[] {
  return examples.map(({ text, pair }, i) => {
    if (i % REPORT_EVERY === 0) {
      reporter.progress({ phase, subject: 'tokens', done: i, total: examples.length });
    }
    const encoded = tokenizer.encode(text, pair, length);
    const stranger = encoded.ids.find((id) => id >= config.vocabulary);
    if (stranger === undefined) return encoded;
    throw new CheckpointError(
      `token id ${stranger} lies outside the model's table of ${config.vocabulary} rows; the tokenizer has ${tokenizer.vocabularySize}`,
      { file: folder, hint: 'take config.json, tokenizer and weights from the same model' },
    );
  });
}

/** Throws a `UserError` with the line of the first row that has no label. */
export function requireLabels({ file, examples }: Split, split: string, hint: string): void {
  const unlabelled = examples.find(({ label }) => label === undefined);
  if (!unlabelled) return;
  throw new UserError(`the ${split} split has no labels to score against`, { file, line: unlabelled.line, hint });
}
