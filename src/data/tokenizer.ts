/**
 * Text → token ids, as the Rust `tokenizers` library gives them with longest-first truncation on the right. The JavaScript library
 * splits the text; truncation, special tokens, token types and the special-token mask are done here, since it has none of the
 * first, cannot pair with an empty text, and gives RoBERTa's second text another type.
 *
 * Padding and truncation that a tokenizer.json states are ignored: the run's configuration decides. Not reproduced: a
 * SentencePiece `Precompiled` character map (the library approximates it by NFKC), `single_word` added tokens, and characters
 * younger than the Rust library's Unicode tables (see unicode.ts).
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as TextSplitter } from '@huggingface/tokenizers';
import { CheckpointError, UserError } from '../errors.js';
import { readJson } from '../files.js';
import { addedTokens, type Json, type Part, readTemplate } from './template.js';
import type { Encoded } from './types.js';
import { mend } from './unicode.js';
import { fromVocabulary, TOKENIZER_FILES, tokenText } from './vocabulary.js';

export interface Tokenizer {
  /**
   * Encodes one text, or two where `pair` is given (an empty second text stays a pair), in at most `maxLength` tokens. Throws a
   * `UserError` where `maxLength` leaves no room beside the special tokens.
   */
  encode(text: string, pair: string | undefined, maxLength: number): Encoded;
  padId: number;
  /** One more than the largest id. */
  vocabularySize: number;
  /** Longest input that the folder states, where it states one. */
  modelMaxLength?: number;
  /** SHA-256 over the tokenizer's files. */
  hash: string;
}

/** Loads a Hugging Face folder's tokenizer. Throws a `CheckpointError` where its files are missing, broken or of unknown kinds. */
export function loadTokenizer(folder: string): Tokenizer {
  const config = optional(folder, 'tokenizer_config.json');
  const file = join(folder, 'tokenizer.json');
  const definition = existsSync(file) ? object(readJson(file), file) : fromVocabulary(folder, config);
  if (!definition) {
    throw new CheckpointError('holds no tokenizer', {
      file: folder,
      hint: 'a model folder needs tokenizer.json, or vocab.txt, or vocab.json with merges.txt',
    });
  }
  const { splitter, single, pair } = build(definition, config, file);
  const split = (text: string): number[] => splitter.encode(text, { add_special_tokens: false }).ids;

  const limit = config.model_max_length;
  return {
    encode(text, second, maxLength) {
      const parts = second === undefined ? single : pair;
      const room = maxLength - addedTokens(parts);
      if (!(room >= 1)) {
        throw new UserError(`a maximum length of ${maxLength} leaves no room for text`, {
          hint: `choose at least ${addedTokens(parts) + 1}`,
        });
      }
      const first = split(text);
      const other = second === undefined ? [] : split(second);
      const [keepFirst, keepOther] =
        second === undefined ? [Math.min(first.length, room), 0] : longestFirst(first.length, other.length, room);
      const truncated = keepFirst < first.length || keepOther < other.length;
      return fill(parts, first.slice(0, keepFirst), other.slice(0, keepOther), truncated);
    },
    padId: padId(folder, config, splitter),
    vocabularySize: 1 + Math.max(...splitter.get_vocab().values()),
    // Some folders state a huge number where there is no limit.
    ...(typeof limit === 'number' && limit < 1e6 ? { modelMaxLength: limit } : {}),
    hash: hashOf(folder),
  };
}

/**
 * Lengths to keep of two texts in `room` tokens: the longer one is cut first; where both are longer than half, the second gets the
 * odd token, unless the first is the longer one. As `truncate_encodings` of the Rust library.
 */
export function longestFirst(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second];
  let shorter = Math.min(first, second);
  let longer = shorter > room ? shorter : Math.max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = Math.floor(room / 2);
    longer = shorter + (room % 2);
  }
  return first > second ? [longer, shorter] : [shorter, longer];
}

/** Lays tokens into a template. */
function fill(parts: Part[], first: number[], second: number[], truncated: boolean): Encoded {
  const length = addedTokens(parts) + first.length + second.length;
  const ids = new Int32Array(length);
  const typeIds = new Uint8Array(length);
  const special = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    const tokens = 'ids' in part ? part.ids : part.text === 'first' ? first : second;
    ids.set(tokens, at);
    typeIds.fill(part.type, at, at + tokens.length);
    if ('ids' in part) special.fill(1, at, at + tokens.length);
    at += tokens.length;
  }
  return { ids, typeIds, special, truncated };
}

function build(definition: Json, config: Json, file: string): { splitter: TextSplitter; single: Part[]; pair: Part[] } {
  const parts = {
    added_tokens: definition.added_tokens ?? [],
    normalizer: definition.normalizer ?? null,
    pre_tokenizer: definition.pre_tokenizer ?? null,
    post_processor: null,
    decoder: null,
    model: definition.model,
  };
  try {
    // Other keys of the configuration would make the library change the text in ways that the Rust library does not.
    const splitter = new TextSplitter(parts, { eos_token: tokenText(config.eos_token) });
    mend(splitter, parts);
    return { splitter, ...readTemplate((definition.post_processor ?? null) as Json | null, file) };
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`is no tokenizer that can be used: ${cause instanceof Error ? cause.message : cause}`, {
      file,
      hint: 'save it again with a current `transformers`, or restore it',
      cause,
    });
  }
}

/** The padding token's id; 0 where the folder names none (padding is masked everywhere). */
function padId(folder: string, config: Json, splitter: TextSplitter): number {
  const named = tokenText(config.pad_token) ?? tokenText(optional(folder, 'special_tokens_map.json').pad_token);
  for (const token of named === undefined ? ['[PAD]', '<pad>'] : [named]) {
    const id = splitter.token_to_id(token);
    if (id !== undefined) return id;
  }
  return 0;
}

function optional(folder: string, name: string): Json {
  const file = join(folder, name);
  return existsSync(file) ? object(readJson(file), file) : {};
}

function object(value: unknown, file: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new CheckpointError('holds no JSON object', { file, hint: 'restore the file' });
}

function hashOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of TOKENIZER_FILES) {
    const file = join(folder, name);
    if (!existsSync(file)) continue;
    const bytes = readFileSync(file);
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}
