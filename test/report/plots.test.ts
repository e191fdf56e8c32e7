/** Plots: what stands in them, that they are XML, and that labels keep off each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTick } from '../../src/report/plots/axes.js';
import { plotCost, TRAINED_PARAMETERS, TRAINING_FLOPS } from '../../src/report/plots/cost.js';
import { plotCurves } from '../../src/report/plots/curves.js';
import { overlap, placeLabels } from '../../src/report/plots/labels.js';
import { plotLayers } from '../../src/report/plots/layers.js';
import { lookOf, looksOf } from '../../src/report/plots/marks.js';
import { plotsOf } from '../../src/report/plots/plots.js';
import { linearScale, logScale, niceTicks } from '../../src/report/plots/scales.js';
import { meanCurve, smoothLosses } from '../../src/report/plots/smooth.js';
import { comparisonOf, named, nastyName, selectionOf, tableOf, taskNamed } from './support.js';
import { elementsOf, parseXml, textOf, type XmlElement } from './xml.js';

function drawn(svg: string | undefined): XmlElement {
  assert.ok(svg !== undefined);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  return parseXml(svg);
}

const labels = (svg: XmlElement) => elementsOf(svg, 'text').map(textOf);
const classed = (svg: XmlElement, name: string, kind: string) =>
  elementsOf(svg, name).filter(({ attributes }) => attributes.class === kind);

test('ticks are round, rising, about as many as asked for, and within the range', () => {
  assert.deepEqual(niceTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(niceTicks(4.2, 11.7, 4), [6, 8, 10]);
  assert.deepEqual(niceTicks(3, 3, 4), [3]);
  const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      number,
      fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
      fc.integer({ min: 3, max: 9 }),
      (low, size, count) => {
        fc.pre(low + size > low && size > Math.abs(low) * 1e-6);
        const ticks = niceTicks(low, low + size, count);
        assert.ok(ticks.length >= 1 && ticks.length <= count + 1);
        const dust = (Math.abs(low) + size) * 1e-8;
        assert.ok(ticks.every((tick) => tick >= low - dust && tick <= low + size + dust));
        assert.ok(ticks.every((tick, i) => i === 0 || tick > ticks[i - 1]));
        assert.equal(new Set(ticks.map((tick) => formatTick(tick, ticks))).size, ticks.length, 'no two read the same');
      },
    ),
  );
});

test('a scale keeps its values within its pixels, in their order; a log scale has at least two ticks', () => {
  const positive = fc.array(fc.double({ min: 1e-3, max: 1e18, noNaN: true }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(positive, (values) => {
      for (const scale of [linearScale(values, [300, 20]), logScale(values, [300, 20])]) {
        for (const value of values) assert.ok(scale.at(value) <= 300.01 && scale.at(value) >= 19.99);
        for (const tick of scale.ticks) assert.ok(scale.at(tick) <= 300.01 && scale.at(tick) >= 19.99);
      }
      assert.ok(logScale(values, [0, 1]).ticks.length >= 2);
      const { at } = logScale(values, [0, 1]);
      assert.ok(
        [...values].sort((a, b) => a - b).every((value, i, all) => i === 0 || at(value) >= at(all[i - 1]) - 1e-9),
      );
    }),
  );
});

test('the curve of ν has a point and an interval of each layer, ℓ* and the span', () => {
  const svg = drawn(plotLayers(selectionOf('mrpc', 'encoder')));
  assert.equal(classed(svg, 'circle', 'series-0').length, 6);
  assert.equal(classed(svg, 'line', 'series-0-line').length, 3 * 6);
  const texts = labels(svg);
  for (const text of [
    'ℓ* = 4',
    'selected-2: tunes 3-4',
    'layer',
    '1',
    '6',
    'encoder, 3 668 pairs; bars: 95 % interval',
  ])
    assert.ok(texts.includes(text), text);
  const [shade] = classed(svg, 'rect', 'shade');
  const x = classed(svg, 'circle', 'series-0').map(({ attributes }) => Number(attributes.cx));
  const left = Number(shade.attributes.x);
  const right = left + Number(shade.attributes.width);
  assert.deepEqual(
    x.map((at) => at > left && at < right),
    [false, false, true, true, false, false],
  );
});

test('ν without intervals, with layers that have none, over decades, or nowhere', () => {
  const selection = selectionOf('mrpc', 'encoder');
  const bare = selection.layers.map((layer) => ({ ...layer, low: null, high: null }));
  const svg = drawn(plotLayers({ ...selection, layers: bare }));
  assert.equal(classed(svg, 'line', 'series-0-line').length, 0);
  assert.ok(labels(svg).includes('encoder, 3 668 pairs'));
  const holes = bare.map((layer) => ({ ...layer, nu: layer.layer === 3 ? Number.POSITIVE_INFINITY : layer.nu }));
  const broken = drawn(plotLayers({ ...selection, layers: holes }));
  assert.equal(classed(broken, 'circle', 'series-0').length, 5);
  assert.equal(elementsOf(broken, 'path')[0].attributes.d.match(/M/g)?.length, 2, 'the line is broken');
  const wide = bare.map((layer) => ({ ...layer, nu: 10 ** layer.layer }));
  assert.ok(labels(drawn(plotLayers({ ...selection, layers: wide }))).some((text) => text.includes('log scale')));
  assert.equal(plotLayers({ ...selection, layers: bare.map((layer) => ({ ...layer, nu: null })) }), undefined);
  const alone = drawn(
    plotLayers({ ...selection, layers: bare.slice(0, 1), shape: { layers: 1, hidden: 8 }, selected: 1 }),
  );
  assert.equal(classed(alone, 'circle', 'series-0').length, 1);
});

test('score against cost: a marker and a label of each row that ran, the reference as a line', () => {
  for (const axis of [TRAINING_FLOPS, TRAINED_PARAMETERS]) {
    const svg = drawn(plotCost(tableOf(), axis));
    const shapes = ['circle', 'polygon', 'path', 'rect'].flatMap((name) => elementsOf(svg, name));
    assert.equal(shapes.filter(({ attributes }) => /^series-\d$/.test(attributes.class ?? '')).length, 6);
    const texts = labels(svg);
    for (const label of [
      'full (1-6)',
      'selected-2 (3-4 @ 4)',
      axis.title,
      'task score, points',
      `mrpc: score against ${axis.name}`,
    ])
      assert.equal(texts.filter((text) => text === label).length, 1, label);
    assert.ok(!texts.some((text) => text.startsWith('span') || text.startsWith('above-selected')));
    const dashed = elementsOf(svg, 'line').filter(({ attributes }) => attributes['stroke-dasharray'] !== undefined);
    assert.equal(dashed.length, 1);
  }
  const unknown = tableOf({ change: (row) => ({ ...row, cost: { ...row.cost, trainingFlops: null } }) });
  assert.equal(plotCost(unknown, TRAINING_FLOPS), undefined);
  assert.ok(plotCost(unknown, TRAINED_PARAMETERS) !== undefined);
});

test('labels stay inside, and do not cover each other where there is room', () => {
  const bounds = { left: 0, top: 0, right: 600, bottom: 400 };
  const point = fc.record({
    x: fc.double({ min: 150, max: 450, noNaN: true }),
    y: fc.double({ min: 80, max: 320, noNaN: true }),
    width: fc.integer({ min: 30, max: 120 }),
  });
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 7 }), (points) => {
      const boxes = placeLabels(points, bounds, []);
      for (const [i, box] of boxes.entries()) {
        assert.ok(box.left >= 0 && box.right <= 600 && box.top >= 0 && box.bottom <= 400);
        for (const other of boxes.slice(i + 1)) assert.ok(overlap(box, other) <= 40, 'of some 800 square pixels');
      }
    }),
  );
});

test('learning curves: means over seeds at each evaluation, the loss averaged over windows, a key', () => {
  const svg = drawn(plotCurves(tableOf()));
  const texts = labels(svg);
  for (const label of ['full (1-6)', 'head-only (@ 4)', 'training loss', 'score while training, points'])
    assert.ok(texts.includes(label), label);
  assert.equal(elementsOf(svg, 'path').filter(({ attributes }) => attributes.fill === 'none').length, 6 * 3);
  const table = tableOf();
  const records = table.records.map((record) => ({ ...record, evaluations: [] }));
  assert.equal(plotCurves({ ...table, records }), undefined);
  const quiet = table.records.map((record) => ({ ...record, steps: [] }));
  assert.ok(!labels(drawn(plotCurves({ ...table, records: quiet }))).includes('training loss'));
});

test('curves of several seeds become one', () => {
  assert.deepEqual(
    meanCurve([
      [
        [1, 0.5],
        [2, 0.7],
      ],
      [[1.001, 0.7]],
    ]),
    [
      [1, 0.6],
      [2, 0.7],
    ],
  );
  const losses = Array.from({ length: 1000 }, (_, i): [number, number] => [(i + 1) / 100, 3]);
  const smooth = smoothLosses([losses, losses]);
  assert.equal(smooth.length, 25);
  assert.ok(smooth.every(([x, y], i) => Math.abs(x - (0.2 + i * 0.4)) < 1e-9 && Math.abs(y - 3) < 1e-12));
  assert.deepEqual(smoothLosses([[]]), []);
});

test('the first 42 series differ in colour or shape, and each colour is seen on white', () => {
  const looks = Array.from({ length: 42 }, (_, i) => lookOf(i));
  assert.equal(new Set(looks.map(({ colour, shape }) => colour + shape)).size, 42);
  const contrast = (colour: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
  };
  for (const { colour } of looks) assert.ok(contrast(colour) >= 3, `${colour} on white: ${contrast(colour)}`);
});

test('where methods differ, an arm keeps its colour and a method its shape, and many rows are named in a key', () => {
  const table = tableOf();
  const methods = ['fine-tune', 'ia3', 'lora rank 4'];
  const ran = table.rows.slice(0, 6);
  const rows = methods.flatMap((method) => ran.map((row) => ({ ...row, method, id: `${row.id}, ${method}` })));
  const looks = looksOf(rows);
  assert.equal(new Set(looks.map(({ colour, shape }) => colour + shape)).size, 18);
  for (const [i, look] of looks.entries()) {
    assert.equal(look.colour, looks[i % 6].colour);
    assert.equal(look.shape, looks[i - (i % 6)].shape);
  }
  const svg = drawn(plotCost({ ...table, rows }, TRAINING_FLOPS));
  const named = elementsOf(svg, 'text').filter((each) => / lora rank 4$|, (?:fine-tune|ia3)$/.test(textOf(each)));
  assert.equal(named.length, 18);
  assert.equal(new Set(named.map(({ attributes }) => attributes.x)).size, 1, 'one below the other');
});

test('whatever things are called, plots are well-formed and say it', () => {
  fc.assert(
    fc.property(nastyName, (name) => {
      const table = tableOf({ task: taskNamed(name), change: named(name) });
      const plots = plotsOf(comparisonOf([{ ...table, selection: selectionOf(name, name) }]))[0];
      assert.equal(plots.length, 4);
      for (const plot of plots) {
        assert.match(plot.name, /^[a-z0-9.-]{1,100}$/);
        const svg = drawn(plot.svg);
        assert.deepEqual(elementsOf(svg, 'script'), []);
        assert.equal(svg.attributes['aria-label'], textOf(elementsOf(svg, 'title')[0]));
      }
    }),
    { numRuns: 40 },
  );
});
