/** A plot's frame: grid, ticks, the names of both axes, its title. */

import { formatCount } from '../format.js';
import type { Scale } from './scales.js';
import { clip, element, line, text } from './svg.js';

/** The rectangle that data is drawn in, pixels. */
export interface Panel {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Axis {
  scale: Scale;
  /** Name and unit. */
  title: string;
  format(value: number): string;
}

/** Ticks of equal steps, with as many digits as tell them apart. */
export function formatTick(value: number, ticks: number[]): string {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : Math.abs(value) || 1;
  const text = value.toFixed(Math.max(0, Math.min(12, -Math.floor(Math.log10(step) + 1e-9))));
  return /^-0\.?0*$/.test(text) ? text.slice(1) : text.replace('-', '−');
}

/** A number with its unit, without a digit that says nothing: `30 T`, `1 P`. */
export function formatCountTick(value: number): string {
  return formatCount(value).replace('.0 ', ' ');
}

export function axes(panel: Panel, x: Axis, y: Axis): string {
  const { left, top, right, bottom } = panel;
  const columns = x.scale.ticks.map((tick) => {
    const at = x.scale.at(tick);
    return line(at, bottom, at, bottom + 4) + text(at, bottom + 17, x.format(tick), { anchor: 'middle', tone: 'soft' });
  });
  const rows = y.scale.ticks.map((tick) => {
    const at = y.scale.at(tick);
    return (
      line(left, at, right, at, { tone: 'grid' }) +
      text(left - 7, at + 4, y.format(tick), { anchor: 'end', tone: 'soft' })
    );
  });
  return element(
    'g',
    { class: 'axes' },
    ...rows,
    line(left, bottom, right, bottom, { tone: 'soft' }),
    ...columns,
    text((left + right) / 2, bottom + 36, x.title, { anchor: 'middle', tone: 'soft' }),
    text(left - 44, (top + bottom) / 2, y.title, { anchor: 'middle', tone: 'soft', rotate: -90 }),
  );
}

/** Title and, below it in grey, what is shown. */
export function heading(left: number, title: string, subtitle: string): string {
  return (
    text(left, 22, clip(title, 66), { size: 14, bold: true }) + text(left, 39, clip(subtitle, 92), { tone: 'soft' })
  );
}
