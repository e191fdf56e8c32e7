/**
 * SVG as strings. Colours are presentation attributes, so that a file stands alone; the classes beside them let the report's style
 * sheet put others in their place.
 */

export type Attributes = Record<string, string | number | undefined>;

/** An element; children are SVG already. Numbers are rounded to a hundredth. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeXml(typeof value === 'number' ? short(value) : String(value))}"`)
    .join('');
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`;
}

/** Text and attribute values, whatever stands in them; what XML cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(UNWRITABLE, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

/** All but the characters of XML 1.0. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

export interface TextOptions {
  size?: number;
  anchor?: 'start' | 'middle' | 'end';
  /** `ink` for what is read first, `soft` for the rest. */
  tone?: 'ink' | 'soft';
  bold?: boolean;
  rotate?: number;
}

export function text(x: number, y: number, content: string, options: TextOptions = {}): string {
  const { size = FONT, anchor = 'start', tone = 'ink', bold = false, rotate } = options;
  return element(
    'text',
    {
      x,
      y,
      class: tone,
      fill: tone === 'ink' ? INK : SOFT,
      'font-size': size,
      'text-anchor': anchor === 'start' ? undefined : anchor,
      'font-weight': bold ? 600 : undefined,
      transform: rotate === undefined ? undefined : `rotate(${rotate} ${short(x)} ${short(y)})`,
    },
    escapeXml(content),
  );
}

export interface LineOptions {
  tone?: 'ink' | 'soft' | 'grid';
  width?: number;
  dash?: string;
}

export function line(x1: number, y1: number, x2: number, y2: number, options: LineOptions = {}): string {
  const { tone = 'soft', width = 1, dash } = options;
  return element('line', {
    x1,
    y1,
    x2,
    y2,
    class: `${tone}-line`,
    stroke: { ink: INK, soft: SOFT, grid: GRID }[tone],
    'stroke-width': width,
    'stroke-dasharray': dash,
  });
}

/** A whole file. `title` is what assistive technology reads; `about` says what is seen. */
export function drawing(width: number, height: number, title: string, about: string, ...children: string[]): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'plot',
      viewBox: `0 0 ${short(width)} ${short(height)}`,
      width,
      height,
      role: 'img',
      'aria-label': title,
      'font-family': 'Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif',
    },
    element('title', {}, escapeXml(title)),
    element('desc', {}, escapeXml(about)),
    element('rect', { class: 'paper', width, height, fill: PAPER }),
    ...children,
  );
}

export const FONT = 11;
export const INK = '#1f2328';
export const SOFT = '#5c636b';
export const GRID = '#e4e7ea';
export const PAPER = '#ffffff';

/** Characters that a label of a series has at most. */
export const LONGEST_LABEL = 44;

/** The text, cut to so many characters. */
export function clip(content: string, longest: number): string {
  const characters = [...content];
  return characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : content;
}

/** Width of a text in pixels: a guess from the size of its letters, on the safe side. */
export function textWidth(content: string, size = FONT): number {
  let width = 0;
  for (const character of content) {
    width += /[iIjl.,:;'|! ()[\]-]/.test(character) ? 0.34 : /[mwMW@%]|[^\x20-\u05ff]/.test(character) ? 0.95 : 0.58;
  }
  return width * size;
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}
