/** A comparison as LaTeX tables, to be put into a paper with `\input`; the document needs `\usepackage{booktabs}` and nothing else. */
import type { Comparison } from '../../comparison/types.js';
import { type Cell, hasPart, partOf, pick, type Row, type Table } from './cells.js';
import { escapeLatex, latexComment } from './latex-text.js';
import { tablesOf } from './tables.js';

/** Characters that a page's full width holds at this size, titles and gaps included. */
const WIDTH = 100;

export function renderLatex(comparison: Comparison): string {
  const blocks = tablesOf(comparison).flatMap((table) => [
    ...latexTables(partOf(table, 'scores'), [table.legend, ...notesOf(table, comparison)].filter(Boolean)),
    ...(hasPart(table, 'cost') ? latexTables({ ...partOf(table, 'cost'), title: `${table.title}, cost` }, []) : []),
  ]);
  return `${['% needs \\usepackage{booktabs}', ...blocks].join('\n\n')}\n`;
}

/** Notes about other tasks are theirs: a paper may take one table without the rest. */
function notesOf({ kind, title }: Table, { notes, tables }: Comparison): string[] {
  if (kind === 'overall') return notes;
  const others = tables.map(({ task }) => task.name).filter((name) => !title.startsWith(`${name},`));
  return notes.filter((note) => !others.some((name) => note.startsWith(`${name}: `)));
}

/** As many tables as the columns need. */
function latexTables(table: Table, notes: string[]): string[] {
  const label = Math.max(0, ...table.rows.map((row) => row.label.length));
  const blocks: number[][] = [];
  let room = 0;
  for (const [index, { title }] of table.columns.entries()) {
    const width = 2 + Math.max(title.length, ...table.rows.map(({ cells }) => cells[index].text.length));
    if (blocks.length === 0 || width > room) {
      blocks.push([]);
      room = WIDTH - label;
    }
    room -= width;
    blocks[blocks.length - 1].push(index);
  }
  return blocks.map((columns, number) => {
    const part = blocks.length > 1 ? ` (${number + 1} of ${blocks.length})` : '';
    return latexTable({ ...pick(table, columns), title: `${table.title}${part}` }, number === 0 ? notes : []);
  });
}

function latexTable(table: Table, notes: string[]): string {
  const { title, details, columns, rows } = table;
  const footnotes = [...new Set(rows.map(noteOf).filter((note) => note !== ''))];
  const mark = (row: Row) => {
    const index = footnotes.indexOf(noteOf(row));
    return index < 0 ? '' : `\\textsuperscript{${letters(index)}}`;
  };
  const line = (cells: string[]) => `    ${cells.join(' & ')} \\\\`;
  return [
    latexComment([title, ...details].join(', ')),
    '\\begin{table*}[tp]',
    '  \\centering\\footnotesize\\setlength{\\tabcolsep}{4pt}',
    `  \\caption{${escapeLatex(`${title}: ${details.join(', ')}`)}.}`,
    `  \\begin{tabular}{l${columns.map(({ align }) => (align === 'right' ? 'r' : 'l')).join('')}}`,
    '    \\toprule',
    line(['', ...columns.map(({ title: long }) => escapeLatex(long))]),
    '    \\midrule',
    ...rows.map((row) => line([`${escapeLatex(row.label)}${mark(row)}`, ...row.cells.map(latexCell)])),
    '    \\bottomrule',
    '  \\end{tabular}',
    ...footnotes.map((note, index) => paragraph(`\\textsuperscript{${letters(index)}} ${escapeLatex(note)}`)),
    ...notes.map((note) => paragraph(escapeLatex(note))),
    '\\end{table*}',
  ].join('\n');
}

function paragraph(text: string): string {
  return `  \\par\\smallskip{\\footnotesize ${text}\\par}`;
}

function noteOf({ notes }: Row): string {
  return notes.join('; ');
}

function latexCell({ text, mark }: Cell): string {
  const escaped = escapeLatex(text);
  if (mark === 'best') return `\\textbf{${escaped}}`;
  return mark === 'borrowed' ? `\\textit{${escaped}}` : escaped;
}

/** a, b, … z, aa, ab, … */
function letters(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest > 0 ? letters(rest - 1) : '') + String.fromCharCode(97 + (index % 26));
}
