/** A comparison on the terminal: within 120 columns, the best mean in bold. */
import type { Comparison } from '../../comparison/types.js';
import { plain, type Style, widthOf } from '../style.js';
import { renderTable } from '../table.js';
import type { Cell, Column, Row, Table } from './cells.js';
import { tablesOf } from './tables.js';

const WIDTH = 120;
const GAP = 2;
const LABEL = 44;
const TITLE = 28;
/** Several lines, without the last line's end. */
export function renderText(comparison: Comparison, style: Style = plain): string {
  const tables = tablesOf(comparison);
  const blocks = tables.map((table) => textTable(table, style));
  const legend = [...new Set([...tables.map((table) => table.legend), shortTitles(comparison, tables)])].filter(
    Boolean,
  );
  const notes = [...legend, ...comparison.notes].flatMap((note) => wrap(note, WIDTH)).map(style.dim);
  return [...blocks, notes.join('\n')].filter((block) => block !== '').join('\n\n');
}

/** What titles and figures that are short for the terminal's sake mean. */
function shortTitles(comparison: Comparison, tables: Table[]): string {
  const { tables: sources, options } = comparison;
  const has = (title: string) => tables.some(({ columns }) => columns.some((column) => column.title === title));
  const relative = sources.some(({ reference }) => reference !== undefined) ? ` relative to ${options.reference}` : '';
  const kinds = ['training', 'inference'].filter((kind) => has(`${kind} FLOPs`));
  return [
    has('difference') ? 'difference: with its 95 % interval.' : '',
    kinds.length > 0 ? `${kinds.join(', ')}: FLOPs${relative}.` : '',
    has('time') ? 'time: all phases, and what a grid tells of searches and killed attempts, mean over seeds.' : '',
    has('memory') ? 'memory: largest of the seeds.' : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function textTable(table: Table, style: Style): string {
  const heading = clip([table.title, ...table.details].map(oneLine).join(' · '), WIDTH);
  const painted = heading.startsWith(table.title)
    ? style.bold(table.title) + heading.slice(table.title.length)
    : heading;
  const labels = table.rows.map(({ label }) => clip(oneLine(label), LABEL));
  const blocks = fit(table, labels);
  const shownBlocks = blocks.map((columns) => layOut(table, labels, columns, style));
  return [painted, ...shownBlocks, ...longNotes(table, labels, blocks, style), ...leftOut(table, blocks, style)].join(
    '\n',
  );
}

/** Columns that would stand there if they had room; those that never do are in the other formats. */
function leftOut({ columns }: Table, blocks: number[][], style: Style): string[] {
  const missing = columns.filter(({ terminal }, index) => terminal !== undefined && !blocks.flat().includes(index));
  if (missing.length === 0) return [];
  return wrap(`no room for ${missing.map(titleOf).join(', ')}: see another format`, WIDTH).map(style.dim);
}

/**
 * Indices of the columns that stand on the terminal, in blocks one below the other. Columns that matter least are left out first;
 * where those that must stand are too wide together, they are broken into several blocks.
 */
function fit(table: Table, labels: string[]): number[][] {
  const label = Math.max(0, ...labels.map(widthOf));
  const widths = table.columns.map((column, index) =>
    Math.max(widthOf(titleOf(column)), ...table.rows.map(({ cells }) => widthOf(shown(cells[index])))),
  );
  const width = (columns: number[]) => columns.reduce((sum, index) => sum + GAP + widths[index], label);
  let kept = table.columns.flatMap(({ terminal }, index) => (terminal === undefined ? [] : [index]));
  while (width(kept) > WIDTH) {
    const place = (index: number) => table.columns[index].terminal ?? 0;
    const last = Math.max(...kept.map(place));
    if (last === 0) break;
    const dropped = kept.findLast((index) => place(index) === last);
    kept = kept.filter((index) => index !== dropped);
  }
  const blocks: number[][] = [[]];
  for (const index of kept) {
    const block = blocks[blocks.length - 1];
    if (block.length > 0 && width([...block, index]) > WIDTH) blocks.push([index]);
    else block.push(index);
  }
  return blocks;
}

function layOut(table: Table, labels: string[], columns: number[], style: Style): string {
  const heads = columns.map((index) => {
    const column = table.columns[index];
    return { title: style.dim(titleOf(column)), align: column.align };
  });
  const lines = table.rows.map((row, line) => [
    labels[line],
    ...columns.map((index) => (row.empty ? '' : paint(row.cells[index], style))),
  ]);
  const rendered = renderTable([{}, ...heads], lines, { gap: GAP }).split('\n');
  const label = Math.max(0, ...labels.map(widthOf));
  return rendered
    .map((line, index) => {
      // The first line holds the titles.
      const row = table.rows[index - 1];
      if (row === undefined) return line;
      if (row.empty) {
        const note = row.notes.join('; ') || 'no runs';
        return `${line.padEnd(label)}  ${style.dim(clip(oneLine(note), WIDTH - label - GAP))}`;
      }
      const note = ownNote(row);
      return note !== '' && widthOf(line) + GAP + widthOf(note) <= WIDTH ? `${line}  ${style.yellow(note)}` : line;
    })
    .join('\n');
}

/** Notes that found no room at their row's end. */
function longNotes(table: Table, labels: string[], blocks: number[][], style: Style): string[] {
  const room = blocks.map((columns) => layOut(table, labels, columns, plain)).join('\n');
  return table.rows.flatMap((row) => {
    const note = row.empty ? oneLine(row.notes.join('; ')) : ownNote(row);
    return note === '' || room.includes(`  ${note}`)
      ? []
      : wrap(`${oneLine(row.id)}: ${note}`, WIDTH).map(style.yellow);
  });
}

function titleOf({ short, title }: Column): string {
  return clip(oneLine(short ?? title), TITLE);
}

function ownNote({ notes }: Row): string {
  return oneLine(notes.join('; '));
}

function shown({ short, text }: Cell): string {
  return oneLine(short ?? text);
}

function paint(cell: Cell, style: Style): string {
  const text = shown(cell);
  switch (cell.mark) {
    case 'best':
      return style.bold(text);
    case 'better':
      return style.green(text);
    case 'matches':
      return style.cyan(text);
    case 'worse':
      return style.red(text);
    case 'undecided':
    case 'borrowed':
      return style.dim(text);
    default:
      return text;
  }
}

/** Names come from users: no line ends, tabs or control characters. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function clip(text: string, width: number): string {
  const characters = [...text];
  return characters.length > width ? `${characters.slice(0, Math.max(0, width - 1)).join('')}…` : text;
}

/** Lines of at most `width` characters, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of oneLine(text).split(' ')) {
    const piece = clip(word, width);
    if (line !== '' && widthOf(line) + 1 + widthOf(piece) > width) {
      lines.push(line);
      line = piece;
    } else line = line === '' ? piece : `${line} ${piece}`;
  }
  return line === '' ? lines : [...lines, line];
}
