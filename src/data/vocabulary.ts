/** Old model folders without a tokenizer.json: the same thing built in memory from vocab.txt, or vocab.json and merges.txt. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '../errors.js';
import { readJson, readText } from '../files.js';
import type { Json } from './template.js';

/** Files of a tokenizer, as far as they are there. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
];

/** BERT's WordPiece (BERT, ELECTRA, DistilBERT, MPNet) from vocab.txt, else byte-level BPE (RoBERTa); undefined without either. */
export function fromVocabulary(folder: string, config: Json): Json | undefined {
  const wordPiece = join(folder, 'vocab.txt');
  if (existsSync(wordPiece)) return wordPieceTokenizer(wordPiece, config);
  const vocabulary = join(folder, 'vocab.json');
  const merges = join(folder, 'merges.txt');
  if (existsSync(vocabulary) && existsSync(merges)) return byteLevelTokenizer(vocabulary, merges, config);
  return undefined;
}

/** The text of a special token, which configurations write as a string or as an object. */
export function tokenText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}

function wordPieceTokenizer(file: string, config: Json): Json {
  const vocab: Record<string, number> = Object.create(null);
  const lines = readText(file).split('\n');
  if (lines.at(-1) === '') lines.pop();
  lines.forEach((line, id) => {
    vocab[line.endsWith('\r') ? line.slice(0, -1) : line] = id;
  });
  const mpnet = String(config.tokenizer_class).startsWith('MPNet');
  const name = (key: string, bert: string, other: string) => tokenText(config[key]) ?? (mpnet ? other : bert);
  const specials = {
    pad: name('pad_token', '[PAD]', '<pad>'),
    unk: name('unk_token', '[UNK]', '[UNK]'),
    cls: name('cls_token', '[CLS]', '<s>'),
    sep: name('sep_token', '[SEP]', '</s>'),
    mask: name('mask_token', '[MASK]', '<mask>'),
  };
  const id = finder(vocab, file);
  const cls = [specials.cls, id(specials.cls)];
  const sep = [specials.sep, id(specials.sep)];
  id(specials.unk);
  return {
    added_tokens: added(Object.values(specials), vocab, mpnet ? specials.mask : undefined),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: config.strip_accents ?? null,
      lowercase: config.do_lower_case ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: mpnet ? 'RobertaProcessing' : 'BertProcessing', cls, sep },
    model: {
      type: 'WordPiece',
      unk_token: specials.unk,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

function byteLevelTokenizer(file: string, mergesFile: string, config: Json): Json {
  const vocab = readJson(file) as Record<string, number>;
  const merges = readText(mergesFile)
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#version'));
  const cls = tokenText(config.cls_token) ?? '<s>';
  const sep = tokenText(config.sep_token) ?? '</s>';
  const mask = tokenText(config.mask_token) ?? '<mask>';
  const pad = tokenText(config.pad_token) ?? '<pad>';
  const id = finder(vocab, file);
  return {
    added_tokens: added([cls, pad, sep, tokenText(config.unk_token) ?? '<unk>', mask], vocab, mask),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: config.add_prefix_space ?? false, trim_offsets: true },
    post_processor: { type: 'RobertaProcessing', cls: [cls, id(cls)], sep: [sep, id(sep)] },
    model: { type: 'BPE', unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', vocab, merges },
  };
}

function finder(vocab: Record<string, number>, file: string): (token: string) => number {
  return (token) => {
    if (Object.hasOwn(vocab, token)) return vocab[token];
    throw new CheckpointError(`holds no special token "${token}"`, {
      file,
      hint: 'restore the file, or name the special tokens in tokenizer_config.json',
    });
  };
}

/** Special tokens that the vocabulary has; `left` also takes the space before it. */
function added(tokens: string[], vocab: Record<string, number>, left?: string): Json[] {
  return tokens
    .filter((token) => Object.hasOwn(vocab, token))
    .map((token) => ({
      id: vocab[token],
      content: token,
      special: true,
      normalized: false,
      lstrip: token === left,
      rstrip: false,
      single_word: false,
    }));
}
