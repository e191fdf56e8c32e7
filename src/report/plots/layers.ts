/** ν of each layer with its interval, ℓ*, and the layers that the proposal tunes. */
import { basename } from 'node:path';
import type { SelectResult } from '../../pipeline/types.js';
import { isFigure } from '../comparison/figures.js';
import { formatInteger, formatNumber, formatRange } from '../format.js';
import { axes, formatTick, heading, type Panel } from './axes.js';
import { lookOf, marker, polyline } from './marks.js';
import { linearScale, logScale, niceTicks } from './scales.js';
import { clip, drawing, element, LONGEST_LABEL, line, text, textWidth } from './svg.js';

const [WIDTH, HEIGHT] = [600, 360];
const PANEL: Panel = { left: 66, top: 76, right: WIDTH - 24, bottom: HEIGHT - 52 };
/** From here on a linear axis would press the low values, which are those that count, into one line. */
const WIDE = 25;

/** Undefined where no layer has a finite ν. */
export function plotLayers(selection: SelectResult): string | undefined {
  const finite = selection.layers.flatMap(({ nu, ...layer }) => (isFigure(nu) ? [{ ...layer, nu }] : []));
  if (finite.length === 0) return undefined;
  const values = finite.flatMap(({ nu, low, high }) => [nu, low ?? nu, high ?? nu]).filter(Number.isFinite);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const vertical: [number, number] = [PANEL.bottom, PANEL.top];
  const isLog = least > 0 && most / least > WIDE;
  const y = isLog ? logScale(values, vertical) : linearScale(values, vertical);
  const depth = selection.shape.layers;
  const scale = linearScale([0.5, depth + 0.5], [PANEL.left, PANEL.right], { pad: 0 });
  const ticks = niceTicks(1, depth, depth > 16 ? 8 : depth - 1 || 1).filter(Number.isInteger);
  const x = { ...scale, ticks: ticks.includes(1) ? ticks : [1, ...ticks] };

  const look = lookOf(0);
  const points = selection.layers.map(({ layer, nu }): [number, number] | null =>
    isFigure(nu) ? [x.at(layer), y.at(nu)] : null,
  );
  const intervals = finite.flatMap(({ layer, low, high }) =>
    !isFigure(low) || !isFigure(high) ? [] : [interval(x.at(layer), y.at(low), y.at(high))],
  );
  const title = `${selection.task}: variability of hidden states by layer`;
  const inputs = `${formatInteger(selection.samples)} ${selection.pair ? 'pairs' : 'texts'}`;
  const shown = intervals.length > 0 ? '; bars: 95 % interval' : '';
  return drawing(
    WIDTH,
    HEIGHT,
    title,
    `ν of layers 1 to ${depth}; ℓ* is layer ${selection.selected}`,
    heading(PANEL.left - 44, title, `${basename(selection.model)}, ${inputs}${shown}`),
    span(selection, x.at),
    axes(
      PANEL,
      { scale: x, title: 'layer', format: String },
      {
        scale: y,
        title: `ν (lower: classes better separated)${isLog ? ', log scale' : ''}`,
        format: isLog ? formatLogTick : (value) => formatTick(value, y.ticks),
      },
    ),
    chosen(selection, x.at(selection.selected)),
    ...intervals,
    polyline(points, look),
    ...points.flatMap((point) => (point === null ? [] : [marker(...point, look)])),
  );
}

function interval(x: number, low: number, high: number): string {
  const attributes = { class: 'series-0-line', stroke: lookOf(0).colour, 'stroke-width': 1.4 };
  return [
    element('line', { ...attributes, x1: x, y1: low, x2: x, y2: high }),
    ...[low, high].map((y) => element('line', { ...attributes, x1: x - 4, y1: y, x2: x + 4, y2: y })),
  ].join('');
}

/** The layers that the proposal tunes, shaded; above the panel their name. */
function span({ arm }: SelectResult, at: (layer: number) => number): string {
  if (arm.bottom === null || arm.top === null) return '';
  const [left, right] = [at(arm.bottom - 0.5), at(arm.top + 0.5)];
  const label = `${clip(arm.name, LONGEST_LABEL)}: tunes ${formatRange(arm.bottom, arm.top)}`;
  const width = textWidth(label);
  const middle = Math.max(PANEL.left + width / 2, Math.min(PANEL.right - width / 2, (left + right) / 2));
  return (
    element('rect', {
      class: 'shade',
      x: left,
      y: PANEL.top,
      width: right - left,
      height: PANEL.bottom - PANEL.top,
      fill: '#0072b2',
      'fill-opacity': 0.1,
    }) + text(middle, PANEL.top - 6, label, { anchor: 'middle', tone: 'soft' })
  );
}

function chosen({ selected, score, scores }: SelectResult, x: number): string {
  const by = score === 'nu' ? '' : ` by ${scores.find(({ name }) => name === score)?.title ?? score}`;
  const label = `ℓ* = ${selected}${by}`;
  const fits = x + 6 + textWidth(label) <= PANEL.right;
  return (
    line(x, PANEL.top, x, PANEL.bottom, { tone: 'ink', dash: '3 3' }) +
    text(fits ? x + 6 : x - 6, PANEL.top + 12, label, { bold: true, anchor: fits ? 'start' : 'end' })
  );
}

function formatLogTick(value: number): string {
  return formatNumber(value)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}
