/** Text for LaTeX, whatever stands in it: letters that plain LaTeX has, symbols as commands, `?` for the rest. */

const SYMBOLS: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  '&': '\\&',
  '%': '\\%',
  $: '\\$',
  '#': '\\#',
  _: '\\_',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '$<$',
  '>': '$>$',
  '|': '$|$',
  '"': '\\textquotedblright{}',
  '[': '{[}',
  ']': '{]}',
  '`': '\\textquoteleft{}',
  "'": '\\textquoteright{}',
  '?': '?{}',
  '!': '!{}',
  ',': ',{}',
  '*': '{*}',
  '±': '$\\pm$',
  '−': '$-$',
  '×': '$\\times$',
  '·': '$\\cdot$',
  '≤': '$\\leq$',
  '≥': '$\\geq$',
  '≈': '$\\approx$',
  '→': '$\\rightarrow$',
  '√': '$\\surd$',
  ℓ: '$\\ell$',
  ν: '$\\nu$',
  α: '$\\alpha$',
  β: '$\\beta$',
  δ: '$\\delta$',
  ε: '$\\epsilon$',
  λ: '$\\lambda$',
  μ: '$\\mu$',
  σ: '$\\sigma$',
  Σ: '$\\Sigma$',
  Δ: '$\\Delta$',
  '–': '\\textendash{}',
  '—': '\\textemdash{}',
  '…': '\\ldots{}',
  '‘': '\\textquoteleft{}',
  '’': '\\textquoteright{}',
  '“': '\\textquotedblleft{}',
  '”': '\\textquotedblright{}',
  '§': '\\S{}',
  ß: '\\ss{}',
  ø: '\\o{}',
  Ø: '\\O{}',
  æ: '\\ae{}',
  Æ: '\\AE{}',
  œ: '\\oe{}',
  Œ: '\\OE{}',
  ł: '\\l{}',
  Ł: '\\L{}',
  ı: '\\i{}',
};

/** Combining marks and the accent that LaTeX writes for them. */
const ACCENTS: Record<string, string> = {
  '\u0300': '`',
  '\u0301': "'",
  '\u0302': '^',
  '\u0303': '~',
  '\u0304': '=',
  '\u0306': 'u',
  '\u0307': '.',
  '\u0308': '"',
  '\u030a': 'r',
  '\u030b': 'H',
  '\u030c': 'v',
  '\u0327': 'c',
};

export function escapeLatex(text: string): string {
  let escaped = '';
  for (const character of text
    .normalize('NFC')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()) {
    escaped += SYMBOLS[character] ?? (isAscii(character) ? character : accented(character));
  }
  // Two hyphens in a row would become a dash.
  return escaped.replace(/-(?=-)/g, '-{}');
}

function accented(character: string): string {
  const [letter, mark, ...more] = character.normalize('NFD');
  const accent = mark === undefined ? undefined : ACCENTS[mark];
  if (accent === undefined || more.length > 0 || !/^[A-Za-z]$/.test(letter)) return '?';
  // i and j lose their dot below an accent.
  const base = letter === 'i' || letter === 'j' ? `\\${letter}` : letter;
  return accent === 'c' && 'ij'.includes(letter) ? '?' : `\\${accent}{${base}}`;
}

function isAscii(character: string): boolean {
  return character >= ' ' && character <= '~';
}

/** A comment of one line, with the names as they are. */
export function latexComment(text: string): string {
  return `% ${text.replace(/[\s\p{Cc}]+/gu, ' ').trim()}`;
}
