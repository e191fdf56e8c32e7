/** Tables of the report; the script makes their headers into buttons that sort. */
import type { Cell, Column, Row, Table } from '../comparison/cells.js';
import { escapeHtml, tag } from './markup.js';

export function htmlTable({ columns, rows }: Table, caption: string, withNotes: boolean): string {
  const noted = withNotes && rows.some(({ notes }) => notes.length > 0);
  const heads = [
    head({
      title: 'arm',
      about: 'arm, its tuned layers, and @ the layer that the classifier reads if not the last',
      align: 'left',
    }),
    ...columns.map(head),
    ...(noted ? [head({ title: 'notes', about: 'what is to be known of the row', align: 'left' })] : []),
  ];
  const body = rows.map((row) => bodyRow(row, columns, noted));
  // The box scrolls sideways where the page is narrow; the keyboard has to reach it then.
  return tag(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    tag(
      'table',
      { class: 'sortable' },
      tag('caption', {}, escapeHtml(caption)),
      tag('thead', {}, tag('tr', {}, ...heads)),
      tag('tbody', {}, ...body),
    ),
  );
}

function head({ title, about, align }: Pick<Column, 'title' | 'about' | 'align'>): string {
  return tag('th', { scope: 'col', class: align, title: about }, escapeHtml(title));
}

function bodyRow(row: Row, columns: Column[], noted: boolean): string {
  return tag(
    'tr',
    row.empty ? { class: 'empty' } : {},
    tag('th', { scope: 'row', class: 'left', 'data-sort': row.label }, escapeHtml(row.label)),
    ...row.cells.map((cell, index) => bodyCell(cell, columns[index])),
    ...(noted
      ? [tag('td', { class: 'left note', 'data-sort': row.notes.join('; ') }, escapeHtml(row.notes.join('; ')))]
      : []),
  );
}

function bodyCell({ text, sort, mark }: Cell, { align }: Column): string {
  const content = escapeHtml(text);
  const key = sort === null || (typeof sort === 'number' && !Number.isFinite(sort)) ? '' : String(sort);
  const classes = [align, mark ?? ''].filter(Boolean).join(' ');
  return tag('td', { class: classes, 'data-sort': key }, mark === 'best' ? tag('strong', {}, content) : content);
}
