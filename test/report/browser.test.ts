/** The report in a real browser, opened from its file. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { renderHtml } from '../../src/report/html/page.js';
import { findChromium, type Page, withPage } from './chromium.js';
import { comparisonOf, named, tableOf, taskNamed } from './support.js';

const browser = findChromium();
const folder = mkdtempSync(join(tmpdir(), 'spantune-html-'));
after(() => rmSync(folder, { recursive: true }));

const options = { skip: browser ? false : 'no Chromium on this machine (CHROMIUM names one)', timeout: 60_000 };

function open<T>(html: string, use: (page: Page) => Promise<T>): Promise<T> {
  const file = join(folder, 'comparison.html');
  writeFileSync(file, html);
  return withPage(browser ?? '', pathToFileURL(file).href, use);
}

/** The second table: of mrpc's scores. */
const TABLE = "document.querySelectorAll('table.sortable')[1]";
const labels = (page: Page) =>
  page.evaluate<string[]>(`[...${TABLE}.tBodies[0].rows].map((row) => row.cells[0].textContent.split(' ')[0])`);
const sorts = (page: Page) =>
  page.evaluate<string[]>(`[...${TABLE}.tHead.rows[0].cells].map((head) => head.getAttribute('aria-sort'))`);
const WRITTEN = [
  'full',
  'top-2',
  'selected-2',
  'selected-2-top',
  'up-to-selected',
  'head-only',
  'span',
  'above-selected',
];

async function press(page: Page, key: string, code: number): Promise<void> {
  const text = key === 'Enter' ? { text: '\r' } : {};
  for (const type of ['keyDown', 'keyUp'])
    await page.send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: code, ...text });
}

test(
  'the report renders, sorts by mouse and keyboard, asks for nothing and complains of nothing',
  options,
  async () => {
    await open(renderHtml(comparisonOf()), async (page) => {
      assert.equal(await page.evaluate('document.title'), 'mrpc, rte: arms compared');
      const boxes = await page.evaluate<number[][]>(
        "[...document.querySelectorAll('svg, table.sortable')].map((each) => { const { width, height } = each.getBoundingClientRect(); return [width, height]; })",
      );
      assert.equal(boxes.length, 5 + 8);
      assert.ok(
        boxes.every(([width, height]) => width > 200 && height > 100),
        JSON.stringify(boxes),
      );
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      assert.ok((await page.evaluate<number>(overflow)) <= 0, 'the page itself does not scroll sideways');

      assert.deepEqual(await labels(page), WRITTEN);
      await page.evaluate(`${TABLE}.tHead.rows[0].cells[1].querySelector('button').click()`);
      const byScore = [
        'up-to-selected',
        'full',
        'selected-2',
        'span',
        'selected-2-top',
        'top-2',
        'head-only',
        'above-selected',
      ];
      assert.deepEqual(await labels(page), byScore);
      assert.equal((await sorts(page))[1], 'descending');
      await page.evaluate(`${TABLE}.tHead.rows[0].cells[1].querySelector('button').click()`);
      assert.deepEqual(await labels(page), [
        'head-only',
        'top-2',
        'selected-2-top',
        'selected-2',
        'span',
        'full',
        'up-to-selected',
        'above-selected',
      ]);

      // By keyboard: from the first header on, Enter sorts by name, Tab leads to the next one.
      await page.evaluate(`${TABLE}.tHead.rows[0].cells[0].querySelector('button').focus()`);
      await press(page, 'Enter', 13);
      assert.deepEqual(await labels(page), [...WRITTEN].sort());
      assert.deepEqual((await sorts(page)).slice(0, 2), ['ascending', 'none']);
      await press(page, 'Tab', 9);
      assert.equal(await page.evaluate('document.activeElement.textContent'), 'score');

      const dark =
        "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('svg .ink')).fill";
      const light = await page.evaluate<string>(dark);
      await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
      assert.equal(light, 'rgb(255, 255, 255)rgb(31, 35, 40)');
      assert.equal(await page.evaluate(dark), 'rgb(22, 24, 27)rgb(230, 232, 234)');

      assert.deepEqual(page.complaints, []);
      assert.deepEqual(
        page.requests.filter((address) => !/^(file|data):/.test(address)),
        [],
      );
      assert.equal(page.requests.filter((address) => address.startsWith('file:')).length, 1);
    });
  },
);

test('names that are code stay names', options, async () => {
  const name = '"><img src=x onerror="window.hit = 1"><script>window.hit = 1</script></style>';
  const table = tableOf({ task: taskNamed(name), change: named(name) });
  await open(renderHtml(comparisonOf([table])), async (page) => {
    assert.equal(await page.evaluate('typeof window.hit'), 'undefined');
    assert.equal(await page.evaluate("document.querySelector('tbody th').textContent"), `${name}full (1-6)`);
    assert.equal(await page.evaluate("document.querySelectorAll('img').length"), 0);
    assert.deepEqual(page.complaints, []);
  });
});

test('a page that is tampered with may still load nothing, and this test would see it', options, async () => {
  const html = renderHtml(comparisonOf([tableOf()]));
  const tampered = html.replace(
    '</body>',
    '<img src="https://example.org/x.png"><script>window.hit = 1</script></body>',
  );
  await open(tampered, async (page) => {
    assert.equal(await page.evaluate('typeof window.hit'), 'undefined');
    assert.ok(page.complaints.some((told) => told.includes('example.org')));
    assert.ok(page.complaints.some((told) => /script/i.test(told)));
  });
});
