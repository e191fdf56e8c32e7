/** Aligned columns of text. */
import { widthOf } from './style.js';

export interface Column {
  title?: string;
  align?: 'left' | 'right';
}

/** Rows under their titles (if any has one), columns `gap` blanks apart, each line indented, without blanks at its end. */
export function renderTable(columns: Column[], rows: string[][], { gap = 3, indent = 0 } = {}): string {
  const titles = columns.map(({ title }) => title ?? '');
  const lines = titles.some((title) => title !== '') ? [titles, ...rows] : rows;
  const widths = columns.map((_, column) => Math.max(0, ...lines.map((line) => widthOf(line[column] ?? ''))));
  const cell = (text: string, column: number) => {
    const blanks = ' '.repeat(widths[column] - widthOf(text));
    return columns[column].align === 'right' ? blanks + text : text + blanks;
  };
  return lines
    .map(
      (line) => ' '.repeat(indent) + columns.map((_, column) => cell(line[column] ?? '', column)).join(' '.repeat(gap)),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}
