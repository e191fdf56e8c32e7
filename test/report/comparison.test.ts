/** A comparison in the formats of terminals, papers and machines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { probability, rate, ratio, signedPoints } from '../../src/report/comparison/figures.js';
import { FORMATS, renderComparison } from '../../src/report/comparison/render.js';
import { writeReport } from '../../src/report/comparison/report.js';
import { renderText } from '../../src/report/comparison/text.js';
import { styleFor, widthOf } from '../../src/report/style.js';
import { comparisonOf, named, nastyName, tableOf, taskNamed } from './support.js';

const comparison = comparisonOf();

test('figures', () => {
  assert.deepEqual([0.012, -0.046, 0, -0.0001].map(signedPoints), ['+1.2', '−4.6', '0.0', '0.0']);
  assert.deepEqual([0.0004, 0.001, 0.61, 1].map(probability), ['<0.001', '0.001', '0.610', '1.000']);
  assert.deepEqual([1, 0.274, 0.0213, 24.4, 0].map(ratio), ['1.00 ×', '0.27 ×', '0.021 ×', '24 ×', '0.00 ×']);
  assert.deepEqual([3e-5, 2.5e-4, 1, 0.00012345].map(rate), ['3e-5', '2.5e-4', '1', '1.23e-4']);
});

test('the terminal has scores, verdicts and costs in one table', () => {
  const [heading, ...lines] = renderText(comparisonOf([tableOf()])).split('\n');
  assert.equal(heading, 'mrpc, dev · 3 seeds · 408 examples · all-MiniLM-L6-v2 (6 layers)');
  assert.deepEqual(lines.slice(0, 11), [
    '                               score  against full            difference       p   tuned  training    time  memory',
    'full (1-6)                86.6 ± 0.6                                              22.6 M    1.00 ×  18 min  1.9 GB',
    'top-2 (5-6)               82.0 ± 0.6  worse            −4.6 [−6.5, −2.7]  <0.001   3.7 M    0.27 ×   205 s  722 MB',
    'selected-2 (3-4 @ 4)      86.1 ± 0.6  undecided        −0.5 [−2.1, +1.1]   0.610   3.7 M    0.23 ×   145 s  722 MB',
    'selected-2-top (3-4)      85.9 ± 0.6  matches          −0.3 [−0.9, +0.3]   0.610   3.7 M    0.32 ×   228 s  722 MB',
    'up-to-selected (1-4 @ 4)  87.1 ± 0.6  better           +1.2 [+0.2, +2.2]   0.032  19.0 M    0.68 ×   774 s  1.6 GB',
    'head-only (@ 4)           68.4 ± 0.6  worse         −18.2 [−21.2, −15.2]  <0.001   150 k   0.022 ×    44 s  509 MB',
    'span (3-4 @ 4)            86.1 ± 0.6                                               3.7 M    0.23 ×   145 s  722 MB',
    'above-selected            no such arm: there are no layers above ℓ* = 6',
    'top-2: collapsed: seed 2',
    'span: same as selected-2',
  ]);
});

test('the overall table comes first, the notes last', () => {
  const text = renderText(comparison);
  assert.match(text, /^2 tasks, dev · all-MiniLM-L6-v2\n +mrpc +rte +mean +against full\n/);
  assert.match(text, /^top-2 +82\.0 +62\.0 +72\.0 {2}0 \/ 0 \/ 2 \/ 0$/m);
  assert.match(text, /“matches” within 1 point\.$/);
  assert.doesNotMatch(renderText(comparisonOf([tableOf()])), /tasks, dev/);
});

test('the best mean alone is bold, and not that of a row that repeats another', () => {
  const text = renderText(comparisonOf([tableOf()]), styleFor({ isTTY: true }, {}));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour sequences
  assert.deepEqual(text.match(/\x1b\[1m.*?\x1b\[22m/g), ['\x1b[1mmrpc, dev\x1b[22m', '\x1b[1m87.1 ± 0.6\x1b[22m']);
  const worst = comparisonOf([tableOf({ change: (row) => (row.id === 'selected-2' ? { ...row, mean: 0.9 } : row) })]);
  assert.equal(renderComparison(worst, 'markdown').match(/\*\*[^*]+\*\*/g)?.length, 1);
});

test('a single run has no deviation, and a table without reference no comparison', () => {
  const table = tableOf({
    change: ({ versus: _, ...row }) => ({ ...row, seeds: [1], scores: [row.mean], deviation: null }),
  });
  const text = renderText(comparisonOf([{ ...table, reference: undefined }]));
  assert.match(text, /· 1 seed ·/);
  assert.match(text, /^full \(1-6\) +86\.6 +\S.*1\.9 P/m);
  assert.doesNotMatch(text, /relative to|undecided|86\.6 ±|NaN|undefined/);
});

test('seeds that differ in number have a column', () => {
  const table = tableOf({ change: (row) => (row.id === 'full' ? row : { ...row, seeds: [1], scores: [row.mean] }) });
  assert.match(renderText(comparisonOf([table])), /· 1-3 seeds ·[^\n]*\n +score +n +against full/);
});

test('no line on the terminal is wider than 120, whatever things are called', () => {
  fc.assert(
    fc.property(nastyName, nastyName, fc.integer({ min: 1, max: 14 }), (arm, task, tasks) => {
      const tables = Array.from({ length: tasks }, (_, i) =>
        tableOf({ task: taskNamed(`${task}${i}`), change: named(arm) }),
      );
      const lines = renderText(comparisonOf(tables)).split('\n');
      assert.deepEqual(
        lines.filter((line) => widthOf(line) > 120),
        [],
      );
      assert.doesNotMatch(lines.join(''), /\p{Cc}/u);
    }),
    { numRuns: 40 },
  );
});

test('CSV reads back: a record of each row, figures in full', () => {
  const text = renderComparison(comparison, 'csv');
  const records: Record<string, string>[] = parse(text, { columns: true });
  assert.equal(records.length, 6 + 8 + 8);
  const [row] = records.filter(({ table, task, row: id }) => table === 'task' && task === 'rte' && id === 'top-2');
  const source = comparison.tables[1].rows[1];
  assert.equal(Number(row.score_mean), source.mean);
  assert.equal(Number(row.difference_low), source.versus?.low);
  assert.equal(Number(row.training_flops), source.cost.trainingFlops);
  assert.equal(row.seconds_read, '0.8');
  assert.equal(row.collapsed_seeds, '2');
  assert.deepEqual(row.scores.split(' ').map(Number), source.scores);
  const [twin] = records.filter(({ row: id }) => id === 'span');
  assert.deepEqual([twin.same_as, twin.score_mean, twin.training_flops], ['selected-2', '', ''], 'nothing twice');
  assert.ok(records.every((record) => !Object.values(record).some((value) => /NaN|undefined|Infinity/.test(value))));
  fc.assert(
    fc.property(nastyName, (name) => {
      const [first] = parse(renderComparison(comparisonOf([tableOf({ change: named(name) })]), 'csv'), {
        columns: true,
      });
      assert.equal((first as Record<string, string>).arm, `${name}full`);
    }),
    { numRuns: 60 },
  );
});

test('Markdown has as many cells in every line of a table, whatever things are called', () => {
  fc.assert(
    fc.property(nastyName, (name) => {
      const text = renderComparison(comparisonOf([tableOf({ change: named(name) })]), 'markdown');
      const blocks = text.split('\n\n').filter((block) => block.startsWith('|'));
      assert.equal(blocks.length, 2);
      for (const block of blocks) {
        const counts = block.split('\n').map((line) => line.replace(/\\[\\|]/g, '').split('|').length);
        assert.equal(new Set(counts).size, 1, block);
        assert.equal(block.split('\n').length, 2 + 8);
        assert.doesNotMatch(block, /<(?!0)/);
      }
    }),
    { numRuns: 60 },
  );
});

test('LaTeX is ASCII outside its comments, its lines have the columns that the table states, and its braces match', () => {
  fc.assert(
    fc.property(nastyName, (name) => {
      const code = renderComparison(comparisonOf([tableOf({ change: named(name) })]), 'latex').replace(/^%.*$/gm, '');
      assert.match(code, /^[\n\x20-\x7e]*$/);
      const tables = code.split('\\begin{tabular}').slice(1);
      assert.ok(tables.length >= 2);
      for (const table of tables) {
        const columns = /^\{(l[lr]+)\}/.exec(table)?.[1].length;
        const lines = table
          .slice(0, table.indexOf('\\end{tabular}'))
          .split('\n')
          .filter((line) => line.endsWith(' \\\\'));
        assert.equal(lines.length, 1 + 8);
        for (const line of lines) assert.equal(line.replaceAll('\\&', '').split('&').length, columns, line);
      }
      const bare = code.replace(/\\[\\{}]/g, '');
      assert.equal(bare.split('{').length, bare.split('}').length);
      assert.doesNotMatch(bare.replace(/\\[&%$#_^~]/g, ''), /[%#_~^](?!\{)/);
    }),
    { numRuns: 60 },
  );
  const code = renderComparison(comparisonOf([tableOf({ change: named('Zoë_5% ') })]), 'latex');
  assert.match(code, /Zo\\"\{e\}\\_5\\% full \(1-6\) & 86\.6 \$\\pm\$ 0\.6/);
});

const hasLatex = spawnSync('pdflatex', ['--version']).status === 0;

test('LaTeX compiles with booktabs alone', { skip: hasLatex ? false : 'no pdflatex on this machine' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-latex-'));
  try {
    const names = fc.sample(nastyName, { numRuns: 30, seed: 1 });
    const tables = [tableOf(), ...names.map((name) => tableOf({ task: taskNamed(name), change: named(name) }))];
    writeFileSync(join(folder, 'comparison.tex'), renderComparison(comparisonOf(tables), 'latex'));
    const pages = String.raw`\usepackage{booktabs}\begin{document}\input{comparison}\clearpage\end{document}`;
    writeFileSync(join(folder, 'paper.tex'), `\\documentclass{article}\\extrafloats{200}\\maxdeadcycles=1000 ${pages}`);
    const run = spawnSync('pdflatex', ['-interaction=nonstopmode', '-halt-on-error', 'paper.tex'], { cwd: folder });
    assert.equal(run.status, 0, /^!.*(?:\n.*){0,6}/m.exec(String(run.stdout))?.[0]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('JSON gives the same tables again, without predictions and steps', () => {
  const text = renderComparison(comparison, 'json');
  const read = JSON.parse(text);
  assert.equal(renderText(read), renderText(comparison));
  assert.equal(renderComparison(read, 'csv'), renderComparison(comparison, 'csv'));
  assert.deepEqual(read.tables[0].records[0].splits, [{ split: 'dev', examples: 3 }]);
  assert.ok(!('steps' in read.tables[0].records[0]));
  assert.equal(read.tables[0].records[0].config.seed, 1);
});

test('every format ends its last line and shows no slip of a figure; an empty comparison is no error', () => {
  for (const format of FORMATS) {
    for (const each of [comparison, comparisonOf([])]) {
      const text = renderComparison(each, format);
      assert.match(text, /[^\n]\n$/);
      assert.doesNotMatch(text.replace(/<script>.*<\/script>/s, ''), /NaN|undefined|\[object|Infinity/, format);
    }
  }
});

test('a report is its five documents and a plot of each kind and table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-report-'));
  try {
    const tables = [tableOf(), tableOf({ task: taskNamed('../Ünder/rte') }), tableOf({ task: taskNamed('Under rte') })];
    const written = writeReport(folder, comparisonOf(tables));
    assert.deepEqual(readdirSync(folder).sort(), [
      ...['csv', 'html', 'json', 'md', 'tex'].map((extension) => `comparison.${extension}`),
      'plots',
    ]);
    const kinds = ['curves', 'flops', 'nu', 'parameters'];
    assert.deepEqual(
      readdirSync(join(folder, 'plots')).sort(),
      ['mrpc', 'u-nder-rte', 'under-rte'].flatMap((task) => kinds.map((kind) => `${task}-${kind}.svg`)),
    );
    assert.equal(written.length, 5 + 12);
    assert.equal(readFileSync(join(folder, 'comparison.csv'), 'utf8'), renderComparison(comparisonOf(tables), 'csv'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
