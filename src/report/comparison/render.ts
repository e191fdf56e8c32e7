/** A comparison in any format; each stands in its own file, all over the same tables. */
import type { Comparison } from '../../comparison/types.js';
import { renderHtml } from '../html/page.js';
import { plain, type Style } from '../style.js';
import { renderCsv } from './csv.js';
import { renderJson } from './json.js';
import { renderLatex } from './latex.js';
import { renderMarkdown } from './markdown.js';
import { renderText } from './text.js';

export const FORMATS = ['text', 'markdown', 'csv', 'latex', 'json', 'html'] as const;
export type Format = (typeof FORMATS)[number];

const RENDERERS: Record<Format, (comparison: Comparison, style: Style) => string> = {
  text: (comparison, style) => `${renderText(comparison, style)}\n`,
  markdown: renderMarkdown,
  csv: renderCsv,
  latex: renderLatex,
  json: renderJson,
  html: renderHtml,
};

/** The whole document, with its last line's end; `style` colours the terminal's form alone. */
export function renderComparison(comparison: Comparison, format: Format, style: Style = plain): string {
  return RENDERERS[format](comparison, style);
}
