/** The report as text: one file, nothing from outside, everything escaped. What a browser makes of it is browser.test.ts. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderHtml } from '../../src/report/html/page.js';
import { comparisonOf, named, nastyName, selectionOf, tableOf, taskNamed } from './support.js';
import { elementsOf, parseXml, textOf } from './xml.js';

const html = renderHtml(comparisonOf());

/** The page's body as XML: what stands between the head and the script. */
function bodyOf(page: string) {
  const from = page.indexOf('<body>');
  const to = page.lastIndexOf('<script>');
  assert.ok(from > 0 && to > from);
  return parseXml(`${page.slice(from, to)}</body>`);
}

test('tables, plots, notes and runs stand in the page', () => {
  const body = bodyOf(html);
  const tables = elementsOf(body, 'table').filter(({ attributes }) => attributes.class === 'sortable');
  assert.deepEqual(
    tables.map((table) => elementsOf(elementsOf(table, 'tbody')[0], 'tr').length),
    [6, 8, 8, 8, 8],
  );
  for (const table of tables) {
    const columns = elementsOf(elementsOf(table, 'thead')[0], 'th').length;
    for (const row of elementsOf(elementsOf(table, 'tbody')[0], 'tr')) assert.equal(row.children.length, columns);
  }
  assert.equal(elementsOf(body, 'svg').length, 8);
  assert.equal(elementsOf(body, 'strong').length, 3 + 1 + 1);
  assert.match(textOf(body), /p after Holm over 10 comparisons/);
  const targets = elementsOf(body, 'a').map(({ attributes }) => attributes.href);
  assert.deepEqual(targets, ['#overall', '#table-1', '#table-2', '#notes', '#runs']);
  for (const target of targets) assert.match(html, new RegExp(` id="${target.slice(1)}"`));
});

test('of each run its own keys stand below those that all share', () => {
  const [shared, mrpc] = elementsOf(bodyOf(html), 'details');
  assert.match(textOf(shared), /what all 36 runs share.*training\.epochs.*cpuA processor/s);
  assert.doesNotMatch(textOf(shared), /task\.name|"seed"/);
  assert.match(textOf(mrpc), /^mrpc, all-MiniLM-L6-v2: 18 runs/);
  const [, first] = elementsOf(mrpc, 'details');
  assert.match(textOf(first), /^full \(1-6\), fine-tune, seed 1 rate 3e-5, score 86\.0.*armfull.*seed1/s);
});

test('nothing comes from outside, and the policy lets the one script run and no other', () => {
  assert.doesNotMatch(html.replaceAll('http://www.w3.org/2000/svg', ''), /https?:|url\(|@import|src=/);
  const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)];
  assert.equal(scripts.length, 1);
  const hash = createHash('sha256').update(scripts[0][1]).digest('base64');
  assert.ok(html.includes(`script-src 'sha256-${hash}'`));
  assert.doesNotMatch(html, / on[a-z]+="| style="/);
});

test('whatever things are called, the page is well-formed, says it, and has no element of it', () => {
  fc.assert(
    fc.property(nastyName, (name) => {
      const table = tableOf({ task: taskNamed(name), model: name, change: named(name) });
      const record = { ...table.records[0], folder: name, warnings: [name], environment: { [`k${name}`]: name } };
      const page = renderHtml({
        ...comparisonOf([{ ...table, records: [record], selection: selectionOf(name, name) }]),
        notes: [name],
      });
      const body = bodyOf(page);
      assert.equal(page.split('<script').length, 2);
      assert.deepEqual([...elementsOf(body, 'img'), ...elementsOf(body, 'script'), ...elementsOf(body, 'style')], []);
      const [, first] = elementsOf(body, 'tr');
      const shown = elementsOf(first, 'th').map(textOf).join('');
      // XML does not hold every character that a name can have.
      const allowed = `${name}full`.replace(
        /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu,
        '\ufffd',
      );
      assert.ok(shown.startsWith(allowed));
    }),
    { numRuns: 40 },
  );
});
