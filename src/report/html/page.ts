/** A comparison as one HTML file that needs nothing else: it opens offline, and its own policy forbids it to ask for anything. */
import { createHash } from 'node:crypto';
import type { Comparison } from '../../comparison/types.js';
import { hasPart, partOf, type Table } from '../comparison/cells.js';
import { tablesOf } from '../comparison/tables.js';
import { type Plot, plotsOf } from '../plots/plots.js';
import { escapeHtml, tag } from './markup.js';
import { runsSection } from './runs.js';
import { SORTING } from './sorting.js';
import { htmlTable } from './tables.js';
import { THEME } from './theme.js';

export function renderHtml(comparison: Comparison): string {
  const tables = tablesOf(comparison);
  const plots = plotsOf(comparison);
  const tasks = tables.filter(({ kind }) => kind === 'task');
  const overall = tables.filter(({ kind }) => kind === 'overall');
  const names = [...new Set(comparison.tables.map(({ task }) => task.name))].join(', ');
  const models = [...new Set(comparison.tables.map(({ model }) => model))].join(', ');
  const runs = comparison.tables.reduce((sum, { records }) => sum + records.length, 0);
  const sections = [
    ...overall.map((table) => section(table, 'overall', [])),
    ...tasks.map((table, index) => section(table, `table-${index + 1}`, plots[index])),
  ];
  const links = [
    ...overall.map(({ title }) => link('overall', title)),
    ...tasks.map(({ title, details }, index) =>
      link(
        `table-${index + 1}`,
        tasks.some((other) => other.title === title && other.details !== details)
          ? `${title}, ${comparison.tables[index].model}`
          : title,
      ),
    ),
    ...(comparison.notes.length > 0 ? [link('notes', 'Notes')] : []),
    ...(runs > 0 ? [link('runs', 'Runs')] : []),
  ];
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<link rel="icon" href="data:,">',
    `<title>${escapeHtml(`${names === '' ? '' : `${names}: `}arms compared`)}</title>`,
    `<style>${THEME}</style>`,
    '</head>',
    '<body>',
    tag(
      'header',
      {},
      tag('h1', {}, escapeHtml(`Arms compared${names === '' ? '' : ` on ${names}`}`)),
      tag(
        'p',
        { class: 'lead' },
        escapeHtml([models, `${runs} run${runs === 1 ? '' : 's'}`].filter(Boolean).join(' · ')),
      ),
      tag('nav', { 'aria-label': 'Contents' }, tag('ul', {}, ...links)),
    ),
    '<main>',
    ...sections,
    notes(comparison.notes),
    runsSection(comparison.tables),
    '</main>',
    `<script>${SORTING}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Nothing may be loaded, and no script may run but the one whose hash stands here. */
const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  `script-src 'sha256-${createHash('sha256').update(SORTING).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function section(table: Table, id: string, plots: Plot[]): string {
  return tag(
    'section',
    { 'aria-labelledby': id },
    tag('h2', { id }, escapeHtml(table.title)),
    tag('p', { class: 'details' }, escapeHtml(table.details.join(' · '))),
    htmlTable(
      partOf(table, 'scores'),
      ['Scores in points', table.legend.replace(/\.$/, '')].filter(Boolean).join('; '),
      true,
    ),
    hasPart(table, 'cost')
      ? htmlTable(partOf(table, 'cost'), 'Cost: means over seeds; memory is the largest', false)
      : '',
    plots.length > 0 ? tag('div', { class: 'plots' }, ...plots.map((plot) => figure(plot, plots))) : '',
  );
}

/** The two plots of cost stand side by side where both are there; all others have a line of their own. */
function figure({ kind, svg }: Plot, plots: Plot[]): string {
  const paired = ['flops', 'parameters'].every((cost) => plots.some((plot) => plot.kind === cost));
  const wide = !paired || kind === 'nu' || kind === 'curves';
  return tag('figure', wide ? { class: 'wide' } : {}, svg);
}

function notes(lines: string[]): string {
  if (lines.length === 0) return '';
  return (
    tag('h2', { id: 'notes' }, 'Notes') +
    tag('ul', { class: 'notes' }, ...lines.map((note) => tag('li', {}, escapeHtml(note))))
  );
}

function link(id: string, title: string): string {
  return tag('li', {}, tag('a', { href: `#${id}` }, escapeHtml(title)));
}
