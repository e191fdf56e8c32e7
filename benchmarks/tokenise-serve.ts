/** Our side of `tokenise.ts`: answers lines `go N` with the times of N rounds over all texts. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadTokenizer } from '../src/data/tokenizer.js';
import { serve } from './side.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: '' },
    texts: { type: 'string', default: '' },
    'max-length': { type: 'string', default: '128' },
  },
});
const tokenizer = loadTokenizer(values.model);
const texts: string[] = JSON.parse(readFileSync(values.texts, 'utf8'));
const encodeAll = () =>
  texts.reduce((sum, text) => sum + tokenizer.encode(text, undefined, Number(values['max-length'])).ids.length, 0);
await serve({ tokens: encodeAll() }, encodeAll);
