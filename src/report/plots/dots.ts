/** One line a rule: its value as a dot, its interval as a bar, a dashed line where all should be held against. */
import { formatTick, heading } from './axes.js';
import { lookOf, marker } from './marks.js';
import { linearScale } from './scales.js';
import { clip, drawing, element, LONGEST_LABEL, line, text, textWidth } from './svg.js';

export interface Dot {
  label: string;
  value: number;
  low: number;
  high: number;
  /** Drawn in the second colour: what the others are held against. */
  other?: boolean;
}

export interface DotPlot {
  title: string;
  subtitle: string;
  xTitle: string;
  /** What a value of 1 is on the axis. */
  unit: number;
  least: number;
  dots: Dot[];
  /** Dashed, with its name above. */
  mark?: { value: number; label: string };
}

const [ROW, SIDE, TOP] = [24, 400, 76];

/** Undefined where there is no dot. */
export function plotDots({ title, subtitle, xTitle, unit, least, dots, mark }: DotPlot): string | undefined {
  if (dots.length === 0) return undefined;
  const labels = dots.map(({ label }) => clip(label, LONGEST_LABEL));
  const from = 30 + Math.max(...labels.map((label) => textWidth(label)));
  const to = from + SIDE;
  const bottom = TOP + dots.length * ROW + 6;
  const values = [0, ...(mark ? [mark.value] : []), ...dots.flatMap(({ value, low, high }) => [value, low, high])];
  const x = linearScale(values.filter(Number.isFinite), [from, to], { least });
  const shown = x.ticks.map((tick) => tick * unit);
  const rows = dots.map(({ value, low, high, other }, index) => {
    const look = lookOf(other ? 1 : 0);
    const y = TOP + ROW * (index + 0.5) + 3;
    const stroke = { class: `${look.name}-line`, stroke: look.colour, 'stroke-width': 1.6 };
    return element(
      'g',
      {},
      line(from, y, to, y, { tone: 'grid' }),
      text(from - 10, y + 4, labels[index], { anchor: 'end' }),
      element('line', { ...stroke, x1: x.at(low), y1: y, x2: x.at(high), y2: y }),
      marker(x.at(value), y, look),
    );
  });
  const ticks = x.ticks.map((tick) => {
    const at = x.at(tick);
    const label = text(at, bottom + 17, formatTick(tick * unit, shown), { anchor: 'middle', tone: 'soft' });
    return line(at, bottom, at, bottom + 4) + label;
  });
  return drawing(
    to + 24,
    bottom + 52,
    title,
    `${xTitle} of ${labels.join(', ')}`,
    heading(22, title, subtitle),
    line(from, bottom, to, bottom),
    ...ticks,
    line(x.at(0), TOP, x.at(0), bottom),
    ...(mark
      ? [
          line(x.at(mark.value), TOP - 4, x.at(mark.value), bottom, { tone: 'ink', dash: '3 3' }),
          text(x.at(mark.value), TOP - 9, mark.label, { anchor: 'middle', tone: 'soft' }),
        ]
      : []),
    ...rows,
    text((from + to) / 2, bottom + 36, xTitle, { anchor: 'middle', tone: 'soft' }),
  );
}
