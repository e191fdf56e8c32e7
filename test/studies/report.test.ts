/** Studies as text, Markdown, CSV, JSON and SVG. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { gatherRuns } from '../../src/comparison/gather.js';
import { plotDots } from '../../src/report/plots/dots.js';
import { plotSeries } from '../../src/report/plots/series.js';
import { depthDocument } from '../../src/report/studies/depth.js';
import { regretDocument } from '../../src/report/studies/regret.js';
import { robustnessDocument } from '../../src/report/studies/robustness.js';
import { left, renderStudy, right, type StudyDocument } from '../../src/report/studies/table.js';
import { writeStudy } from '../../src/report/studies/write.js';
import { depthReport } from '../../src/studies/depth.js';
import { regretReport } from '../../src/studies/regret.js';
import { robustnessReport } from '../../src/studies/robustness.js';
import { elementsOf, parseXml, textOf } from '../report/xml.js';
import { headRuns, selectionWith, withFolder } from './support.js';

const OPTIONS = { halvings: 5, resamples: 20, seed: 1 };

function documents(folder: string): StudyDocument[] {
  headRuns(folder, 2, [0.6, 0.7, 0.9, 0.7, 0.6], [1, 2, 3, 4], { task: 'mrpc' });
  headRuns(folder, 2, [0.6, 0.6, 0.6, 0.9, 0.6], [1, 2, 3, 4], { task: 'rte' });
  const { records } = gatherRuns([folder]);
  const selectionOf = (task: string) => selectionWith({ logme: [1, 2, 3, 4, 5, 6], fisher: [1, 1, 1, 2, 2, 1] }, task);
  const levels = [
    {
      level: 1,
      nu: [
        [1, 2, 3, 4, 5, 6],
        [2, 1, 3, 4, 5, 6],
      ],
    },
    {
      level: 50,
      nu: [
        [1, 2, 3, 4, 5, Number.POSITIVE_INFINITY],
        [2, 3, 1, 4, 5, 6],
      ],
    },
  ];
  const renamed = records.map((record) =>
    record.arm.head === 6 ? { ...record, arm: { ...record.arm, name: 'top-2' } } : record,
  );
  const result = { selection: selectionWith({}), classSizes: [9, 9], seconds: 1, warnings: [] };
  return [
    regretDocument(regretReport({ records, selectionOf }, OPTIONS)),
    depthDocument(depthReport(renamed, [], { resamples: 100, seed: 1, margin: 0.01 })),
    robustnessDocument(robustnessReport([{ ...result, imbalance: { size: 12, levels }, scarcity: { levels } }])),
  ];
}

test('every form is whole: aligned text, one line a row in CSV with figures in full, JSON, Markdown tables, SVG', () => {
  withFolder((folder) => {
    for (const document of documents(folder)) {
      const text = renderStudy(document, 'text');
      assert.doesNotMatch(text, /undefined|NaN|Infinity|\[object/);
      assert.ok(
        text.split('\n').every((line) => line.length <= 120),
        document.name,
      );
      const rows = document.tables.flatMap((table) => table.rows);
      const csv: Record<string, string>[] = parse(renderStudy(document, 'csv'), { columns: true });
      assert.equal(csv.length, rows.length);
      for (const table of document.tables) {
        for (const { cells } of table.rows) assert.equal(cells.length, table.columns.length, table.title);
      }
      assert.deepEqual(JSON.parse(renderStudy(document, 'json')).study, document.name);
      const tables = renderStudy(document, 'markdown').match(/^\| -{3}/gm) ?? [];
      assert.equal(tables.length, document.tables.length);
      for (const { svg, name } of document.plots) {
        assert.doesNotMatch(svg, /NaN|undefined|Infinity/, name);
        assert.ok(elementsOf(parseXml(svg), 'text').length > 3);
      }
      assert.equal(new Set(document.plots.map(({ name }) => name)).size, document.plots.length);
      const files = writeStudy(join(folder, 'out'), document);
      assert.equal(files.length, 4 + document.plots.length);
    }
    assert.deepEqual(readdirSync(join(folder, 'out', 'plots')).sort(), [
      'depth-mrpc.svg',
      'depth-rte.svg',
      'regret-mrpc-positions.svg',
      'regret-mrpc.svg',
      'regret-overall.svg',
      'regret-rte-positions.svg',
      'regret-rte.svg',
      'robustness-mrpc-imbalance.svg',
      'robustness-mrpc-scarcity.svg',
    ]);
    const csv: Record<string, string>[] = parse(readFileSync(join(folder, 'out', 'regret.csv'), 'utf8'), {
      columns: true,
    });
    const json = JSON.parse(readFileSync(join(folder, 'out', 'regret.json'), 'utf8'));
    const line = csv.find(({ table, task, rule }) => table === 'regret' && task === 'rte' && rule === 'nu');
    const rule = json.studies[1].rules.find((each: { rule: string }) => each.rule === 'nu');
    assert.equal(Number(line?.regret), rule.regret.value);
    assert.equal(Number(line?.head), 6);
    assert.match(readFileSync(join(folder, 'out', 'regret.txt'), 'utf8'), /Fisher: what it chooses did not run/);
  });
});

test('dots and lines stand where their values are; without any there is no plot', () => {
  const dots = [
    { label: 'ν', value: 0.01, low: 0, high: 0.02 },
    { label: 'random', value: 0.03, low: 0.02, high: 0.04, other: true },
  ];
  const base = { title: 't', subtitle: 's', xTitle: 'x', unit: 100, least: 0.02 };
  const svg = parseXml(plotDots({ ...base, dots, mark: { value: 0.03, label: 'noise floor' } }) ?? '');
  const [first, second] = [elementsOf(svg, 'circle')[0], elementsOf(svg, 'rect').at(-1)];
  const mark = elementsOf(svg, 'line').find(({ attributes }) => attributes['stroke-dasharray'] !== undefined);
  const middle = Number(second?.attributes.x) + Number(second?.attributes.width) / 2;
  assert.ok(Number(first.attributes.cx) < middle);
  assert.ok(Math.abs(Number(mark?.attributes.x1) - middle) < 0.05);
  assert.ok(elementsOf(svg, 'text').map(textOf).includes('noise floor'));
  assert.equal(plotDots({ ...base, dots: [] }), undefined);

  const plot = { ...base, places: ['1', '2', '3'], yTitle: 'y' };
  const points = [{ value: 0.5, low: 0.4, high: 0.6 }, null, { value: 0.7 }];
  const lines = parseXml(plotSeries({ ...plot, series: [{ label: 'a', points }] }) ?? '');
  const marks = elementsOf(lines, 'circle').filter(({ attributes }) => attributes.class === 'series-0');
  // Two points, and the key's.
  assert.equal(marks.length, 3);
  assert.ok(Number(marks[1].attributes.cy) < Number(marks[0].attributes.cy), 'higher is further up');
  assert.equal(plotSeries({ ...plot, series: [{ label: 'a', points: [null, null, null] }] }), undefined);
});

test('a table that is too wide for a terminal goes on below, with its first column', () => {
  const columns = [left('inputs'), ...Array.from({ length: 24 }, (_, at) => right(String(at + 1)))];
  const rows = [{ cells: ['all', ...Array.from({ length: 24 }, (_, at) => `0.123 ± ${at}`)], values: { level: 1 } }];
  const table = { kind: 't', title: 'wide', columns, rows, legend: '' };
  const text = renderStudy({ name: 't', tables: [table], notes: [], plots: [], data: {} }, 'text');
  const lines = text.split('\n');
  assert.ok(lines.every((line) => line.length <= 120));
  assert.equal(lines.filter((line) => line.startsWith('inputs')).length, 3);
  for (let at = 0; at < 24; at++) assert.equal(text.split(`0.123 ± ${at}`).length > 1, true, String(at));
});
