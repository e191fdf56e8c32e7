/**
 * Where the JavaScript tokenizer's treatment of text differs from the Rust library's, and can be mended. What is left: characters
 * that Unicode assigned after the Rust library's tables (version 8 or so) may count as accents, letters or punctuation here.
 */
import type { Tokenizer } from '@huggingface/tokenizers';

interface BertNormalizerConfig {
  type: string;
  clean_text?: boolean;
  handle_chinese_chars?: boolean;
  strip_accents?: boolean | null;
  lowercase?: boolean;
}

/** A stage of a tokenizer.json, as far as it matters here. */
interface Stage extends BertNormalizerConfig {
  normalizers?: Stage[];
  pretokenizers?: Stage[];
}

/** Replaces the parts of a tokenizer that differ, in place; `definition` is the tokenizer.json that it was built from. */
export function mend(tokenizer: Tokenizer, definition: { normalizer: unknown; pre_tokenizer: unknown }): void {
  mendNormalizer(tokenizer.normalizer, definition.normalizer as Stage | null);
  mendPreTokenizer(tokenizer.pre_tokenizer, definition.pre_tokenizer as Stage | null);
}

function mendNormalizer(normalizer: object | null, stage: Stage | null): void {
  if (!normalizer || !stage) return;
  const { normalizers = [] } = normalizer as { normalizers?: object[] };
  normalizers.forEach((inner, i) => {
    mendNormalizer(inner, stage.normalizers?.[i] ?? null);
  });
  if (stage.type === 'BertNormalizer') {
    Object.assign(normalizer, { normalize: (text: string) => normalizeBert(text, stage) });
  }
  if (stage.type === 'Lowercase') Object.assign(normalizer, { normalize: lowercase });
}

/** JavaScript's `\s` has U+FEFF and lacks U+0085, and its `\w` is ASCII; Rust's are Unicode properties. */
function mendPreTokenizer(preTokenizer: object | null, stage: Stage | null): void {
  if (!preTokenizer || !stage) return;
  const { tokenizers = [], pattern } = preTokenizer as { tokenizers?: object[]; pattern?: RegExp };
  tokenizers.forEach((inner, i) => {
    mendPreTokenizer(inner, stage.pretokenizers?.[i] ?? null);
  });
  const splitBy = (parts: RegExp) => {
    Object.assign(preTokenizer, { pre_tokenize_text: (text: string) => text.match(parts) ?? [] });
  };
  if (stage.type === 'WhitespaceSplit') splitBy(/\P{White_Space}+/gu);
  if (stage.type === 'Whitespace') splitBy(WORDS_OR_SIGNS);
  if (pattern && (stage.type === 'BertPreTokenizer' || stage.type === 'ByteLevel')) {
    const source = pattern.source.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}');
    Object.assign(preTokenizer, { pattern: new RegExp(source, pattern.flags) });
  }
}

const WORDS_OR_SIGNS =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;
const ASCII_ONLY = /^[\x20-\x7e]*$/;
const WHITE_SPACE = /\p{White_Space}/gu;
const CONTROL = /[\p{Cc}\p{Cf}\p{Co}\ufffd]/gu;
const HAN =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/** BERT's normaliser in the Rust library's order: clean, set Han characters apart, strip accents, lower-case. */
function normalizeBert(text: string, config: BertNormalizerConfig): string {
  if (ASCII_ONLY.test(text)) return config.lowercase ? text.toLowerCase() : text;
  let result = text;
  if (config.clean_text) {
    result = result
      .replace(CONTROL, (character) => ('\t\n\r'.includes(character) ? ' ' : ''))
      .replace(WHITE_SPACE, ' ');
  }
  if (config.handle_chinese_chars) result = result.replace(HAN, ' $& ');
  if (config.strip_accents ?? config.lowercase) result = result.normalize('NFD').replace(/\p{Mn}/gu, '');
  return config.lowercase ? lowercase(result) : result;
}

/** Character by character: JavaScript's own turns a Σ that ends a word into ς, Rust's does not. */
function lowercase(text: string): string {
  return text.includes('Σ') ? text.replaceAll('Σ', 'σ').toLowerCase() : text.toLowerCase();
}
