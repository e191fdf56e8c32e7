/** A comparison as Markdown (GitHub's tables): of each task the scores, then the costs. */
import type { Comparison } from '../../comparison/types.js';
import { type Cell, hasPart, partOf, type Table } from './cells.js';
import { tablesOf } from './tables.js';

export function renderMarkdown(comparison: Comparison): string {
  const blocks = tablesOf(comparison).map((table) =>
    [
      `## ${escapeMarkdown(table.title)}`,
      escapeMarkdown(table.details.join(' · ')),
      markdownTable(partOf(table, 'scores'), true),
      ...(table.legend === '' ? [] : [escapeMarkdown(table.legend)]),
      ...(hasPart(table, 'cost') ? [markdownTable(partOf(table, 'cost'), false)] : []),
    ].join('\n\n'),
  );
  const notes = comparison.notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n');
  return `${[...blocks, notes].filter((block) => block !== '').join('\n\n')}\n`;
}

function markdownTable({ columns, rows }: Table, notes: boolean): string {
  const noted = notes && rows.some((row) => row.notes.length > 0);
  const lines = [
    ['', ...columns.map(({ title }) => escapeMarkdown(title)), ...(noted ? ['notes'] : [])],
    ['---', ...columns.map(({ align }) => (align === 'right' ? '---:' : '---')), ...(noted ? ['---'] : [])],
    ...rows.map((row) => [
      escapeMarkdown(row.label),
      ...row.cells.map(markdownCell),
      ...(noted ? [escapeMarkdown(row.notes.join('; '))] : []),
    ]),
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function markdownCell({ text, mark }: Cell): string {
  const escaped = escapeMarkdown(text);
  return mark === 'best' ? `**${escaped}**` : mark === 'borrowed' ? `_${escaped}_` : escaped;
}

/** One line in which nothing is markup: neither Markdown's characters nor HTML's. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .replace(/[\\`*_~[\]|]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/^(#+|[-+]|\d+[.)])(?=\s|$)/, (opening) => `${opening.slice(0, -1)}\\${opening.slice(-1)}`);
}
