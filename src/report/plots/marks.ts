/**
 * Colours and shapes that tell series apart: Okabe and Ito's palette for all kinds of colour vision (yellow and sky blue, which
 * vanish on white, darkened), and seven shapes for prints without colour.
 */
import { element } from './svg.js';

export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#b0578d', '#b8860b', '#3a9bc8', '#4d4d4d'] as const;
const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'down', 'plus'] as const;
const DASHES = [undefined, '6 3', '2 2', '8 3 2 3'] as const;

export interface Look {
  /** Class of the report's style sheet: `series-0` … `series-6`. */
  name: string;
  colour: string;
  shape: (typeof SHAPES)[number];
  dash?: string;
}

/** The look of the series with this number; the first 42 differ in colour or shape. */
export function lookOf(index: number): Look {
  return look(index, index, Math.floor(index / COLOURS.length));
}

/** Looks of a table's rows: where methods differ, an arm keeps its colour and a method its shape and dashes. */
export function looksOf(rows: { arm: { name: string }; method: string }[]): Look[] {
  const arms = [...new Set(rows.map(({ arm }) => arm.name))];
  const methods = [...new Set(rows.map(({ method }) => method))];
  if (methods.length === 1) return rows.map((_, index) => lookOf(index));
  return rows.map(({ arm, method }) => {
    const colour = arms.indexOf(arm.name);
    const shape = methods.indexOf(method) + Math.floor(colour / COLOURS.length) * methods.length;
    return look(colour, shape, shape);
  });
}

function look(colour: number, shape: number, dashes: number): Look {
  const series = colour % COLOURS.length;
  const dash = DASHES[dashes % DASHES.length];
  return {
    name: `series-${series}`,
    colour: COLOURS[series],
    shape: SHAPES[shape % SHAPES.length],
    ...(dash === undefined ? {} : { dash }),
  };
}

/** A shape around (x, y). */
export function marker(x: number, y: number, { name, colour, shape }: Look, radius = 4.5): string {
  const common = { class: name, fill: colour };
  const r = radius;
  switch (shape) {
    case 'circle':
      return element('circle', { ...common, cx: x, cy: y, r });
    case 'square':
      return element('rect', { ...common, x: x - r * 0.9, y: y - r * 0.9, width: r * 1.8, height: r * 1.8 });
    case 'triangle':
      return polygon(common, [x, y - r * 1.2], [x + r * 1.1, y + r * 0.8], [x - r * 1.1, y + r * 0.8]);
    case 'down':
      return polygon(common, [x, y + r * 1.2], [x + r * 1.1, y - r * 0.8], [x - r * 1.1, y - r * 0.8]);
    case 'diamond':
      return polygon(common, [x, y - r * 1.25], [x + r * 1.25, y], [x, y + r * 1.25], [x - r * 1.25, y]);
    case 'plus': {
      const arm = r * 0.4;
      const d = `M${x - arm} ${y - r}h${2 * arm}v${r - arm}h${r - arm}v${2 * arm}h${arm - r}v${r - arm}h${-2 * arm}v${arm - r}h${arm - r}v${-2 * arm}h${r - arm}z`;
      return element('path', { ...common, d: round(d) });
    }
  }
}

/** A line through points; where one is missing (null) the line is broken. */
export function polyline(points: ([number, number] | null)[], look: Look, width = 1.8): string {
  let d = '';
  let open = false;
  for (const point of points) {
    if (point !== null) d += `${open ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    open = point !== null;
  }
  return element('path', {
    class: `${look.name}-line`,
    d,
    fill: 'none',
    stroke: look.colour,
    'stroke-width': width,
    'stroke-linejoin': 'round',
    'stroke-dasharray': look.dash,
  });
}

function polygon(common: Record<string, string>, ...corners: [number, number][]): string {
  return element('polygon', { ...common, points: round(corners.map((corner) => corner.join(',')).join(' ')) });
}

function round(numbers: string): string {
  return numbers.replace(/-?\d+\.\d+/g, (number) => String(Math.round(Number(number) * 100) / 100));
}
