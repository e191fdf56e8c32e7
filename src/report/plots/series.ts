/** Lines over a few named places: scores by head position or by k, shares by ratio. */
import { axes, formatTick, heading, type Panel } from './axes.js';
import { type Look, lookOf, marker, polyline } from './marks.js';
import { linearScale } from './scales.js';
import { clip, drawing, element, LONGEST_LABEL, text, textWidth } from './svg.js';

export interface SeriesPoint {
  value: number;
  low?: number;
  high?: number;
}

export interface SeriesPlot {
  title: string;
  subtitle: string;
  /** Names of the places, from left to right, and of what they are. */
  places: string[];
  xTitle: string;
  yTitle: string;
  /** What a value of 1 is on the axis: 100 for points and per cent. */
  unit: number;
  /** The axis spans this at least, in values. */
  least: number;
  series: { label: string; points: (SeriesPoint | null)[] }[];
}

const [HEIGHT, SIDE] = [360, 420];

/** Undefined where no series has a point. */
export function plotSeries(plot: SeriesPlot): string | undefined {
  const { title, places, series, unit } = plot;
  const all = series.flatMap(({ points }) => points.flatMap((point) => (point === null ? [] : [point])));
  const values = all.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]).filter(Number.isFinite);
  if (values.length === 0) return undefined;
  const height = Math.max(HEIGHT, 76 + series.length * 18 + 30);
  const panel: Panel = { left: 66, top: 76, right: 66 + SIDE, bottom: height - 52 };
  const y = linearScale(values, [panel.bottom, panel.top], { least: plot.least });
  const x = linearScale([-0.5, places.length - 0.5], [panel.left, panel.right], { pad: 0 });
  const labels = series.map(({ label }) => clip(label, LONGEST_LABEL));
  const legend = Math.max(...labels.map((label) => textWidth(label))) + 60;
  const shown = y.ticks.map((tick) => tick * unit);
  // Bars of several series at one place stand side by side.
  const beside = (index: number) => (index - (series.length - 1) / 2) * Math.min(7, 40 / series.length);
  const drawn = series.map(({ points }, index) => {
    const look = lookOf(index);
    const placed = points.map((point, at) => {
      if (point === null || !Number.isFinite(point.value)) return null;
      return { at: [x.at(at) + beside(index), y.at(point.value)] as [number, number], point };
    });
    return element(
      'g',
      {},
      polyline(
        placed.map((place) => place?.at ?? null),
        look,
      ),
      ...placed.flatMap((place) => (place === null ? [] : [bar(place.at[0], place.point, y.at, look)])),
      ...placed.flatMap((place) => (place === null ? [] : [marker(...place.at, look, 3.6)])),
    );
  });
  return drawing(
    panel.right + legend,
    height,
    title,
    `${plot.yTitle} by ${plot.xTitle} of ${labels.join(', ')}`,
    heading(22, title, plot.subtitle),
    axes(
      panel,
      { scale: { ...x, ticks: places.map((_, at) => at) }, title: plot.xTitle, format: (at) => places[at] },
      { scale: y, title: plot.yTitle, format: (value) => formatTick(value * unit, shown) },
    ),
    ...drawn,
    ...labels.map((label, index) => key(panel.right + 22, panel.top + 8 + index * 18, label, lookOf(index))),
  );
}

function bar(x: number, { low, high }: SeriesPoint, at: (value: number) => number, { name, colour }: Look): string {
  if (low === undefined || high === undefined || !Number.isFinite(low) || !Number.isFinite(high)) return '';
  const attributes = { class: `${name}-line`, stroke: colour, 'stroke-width': 1.2 };
  return element('line', { ...attributes, x1: x, y1: at(low), x2: x, y2: at(high) });
}

function key(x: number, y: number, label: string, look: Look): string {
  const ends: [number, number][] = [
    [x, y],
    [x + 22, y],
  ];
  return element('g', { class: 'key' }, polyline(ends, look), marker(x + 11, y, look, 3.6), text(x + 29, y + 4, label));
}
