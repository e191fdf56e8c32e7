/** Colour, on a terminal that wants it and nowhere else. */

export type Paint = (text: string) => string;

export interface Style {
  bold: Paint;
  dim: Paint;
  red: Paint;
  green: Paint;
  yellow: Paint;
  cyan: Paint;
}

const asIs: Paint = (text) => text;

/** No colour: for files, pipes and tests. */
export const plain: Style = { bold: asIs, dim: asIs, red: asIs, green: asIs, yellow: asIs, cyan: asIs };

const paint =
  (open: number, close: number): Paint =>
  (text) =>
    text === '' ? text : `\x1b[${open}m${text}\x1b[${close}m`;

const coloured: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
};

/** The style for a stream: colour where it is a terminal, unless `NO_COLOR` is set and not empty (no-color.org) or `TERM` is `dumb`. */
export function styleFor(stream: { isTTY?: boolean }, env: Record<string, string | undefined> = process.env): Style {
  return stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? coloured : plain;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what a colour sequence is made of
const ESCAPES = /\x1b\[[0-9;]*m/g;

/** Cells that a text takes on a terminal. Combining marks and wide characters are counted as one cell each. */
export function widthOf(text: string): number {
  return [...text.replace(ESCAPES, '')].length;
}
