/** Score against what it costs: training FLOPs, or trained parameters. */
import type { ComparisonRow, TaskTable } from '../../comparison/types.js';
import { isFigure, points } from '../comparison/figures.js';
import { rowLabel } from '../comparison/task-rows.js';
import { formatCount } from '../format.js';
import { axes, formatCountTick, formatTick, heading, type Panel } from './axes.js';
import { type Box, placeLabels } from './labels.js';
import { type Look, looksOf, marker } from './marks.js';
import { linearScale, logScale, SCORE_RANGE } from './scales.js';
import { clip, drawing, element, LONGEST_LABEL, line, text, textWidth } from './svg.js';

const [WIDTH, HEIGHT] = [600, 400];
const MOST_LABELS = 10;
const PANEL: Panel = { left: 66, top: 56, right: WIDTH - 24, bottom: HEIGHT - 52 };

export interface CostAxis {
  /** As in `score against training FLOPs`. */
  name: string;
  /** The axis' title. */
  title: string;
  value(row: ComparisonRow): number | null;
}

export const TRAINING_FLOPS: CostAxis = {
  name: 'training FLOPs',
  title: 'training FLOPs (log scale)',
  value: ({ cost }) => cost.trainingFlops,
};

export const TRAINED_PARAMETERS: CostAxis = {
  name: 'trained parameters',
  title: 'trained parameters (log scale)',
  value: ({ cost }) => cost.trainableParameters,
};

/** One marker a row that ran; undefined where none did, or none has this cost. */
export function plotCost(table: TaskTable, axis: CostAxis): string | undefined {
  const rows = table.rows.flatMap((row, index) => {
    const cost = axis.value(row);
    const ran = row.scores.length > 0 && row.sameAs === undefined && isFigure(row.mean);
    return ran && isFigure(cost) && cost > 0 ? [{ row, index, cost }] : [];
  });
  if (rows.length === 0) return undefined;
  const ends = ({ mean, deviation }: ComparisonRow) => [mean - (deviation ?? 0), mean + (deviation ?? 0)];
  const y = linearScale(
    rows.flatMap(({ row }) => ends(row)),
    [PANEL.bottom, PANEL.top],
    { pad: 0.08, least: SCORE_RANGE },
  );
  const x = logScale(
    rows.map(({ cost }) => cost),
    [PANEL.left, PANEL.right],
    { pad: 0.12 },
  );
  const looks = looksOf(table.rows);
  const marks = rows.map(({ row, index, cost }) => {
    const [low, high] = ends(row).map(y.at);
    const label = clip(rowLabel(row), LONGEST_LABEL);
    return { x: x.at(cost), y: y.at(row.mean), low, high, label, look: looks[index], row, cost };
  });
  const reference = marks.find(({ row }) => row.id === table.reference);
  const title = `${table.task.name}: score against ${axis.name}`;
  const seeds = Math.max(...rows.map(({ row }) => row.scores.length));
  const spreads = rows.some(({ row }) => isFigure(row.deviation)) ? '; bars: standard deviation over seeds' : '';
  // More labels than these cannot be told apart beside their points.
  const inKey = marks.length > MOST_LABELS;
  const names = inKey ? Math.max(...marks.map(({ label }) => textWidth(label))) + 30 : 0;
  return drawing(
    WIDTH + names,
    Math.max(HEIGHT, inKey ? PANEL.top + marks.length * 18 + 20 : 0),
    title,
    marks.map(({ label, row, cost }) => `${label}: ${points(row.mean)}, ${formatCount(cost)}`).join('; '),
    heading(PANEL.left - 44, title, `${table.model}, dev, ${seeds} seed${seeds > 1 ? 's' : ''}${spreads}`),
    axes(
      PANEL,
      { scale: x, title: axis.title, format: formatCountTick },
      {
        scale: y,
        title: 'task score, points',
        format: (value) =>
          formatTick(
            value * 100,
            y.ticks.map((tick) => tick * 100),
          ),
      },
    ),
    reference ? line(PANEL.left, reference.y, PANEL.right, reference.y, { tone: 'soft', dash: '4 4' }) : '',
    ...marks.map(({ x: at, low, high, look }) => bar(at, low, high, look.name, look.colour)),
    ...marks.map(({ x: at, y: height, look }) => marker(at, height, look)),
    ...(inKey ? key(marks) : besidePoints(marks, reference?.y)),
  );
}

function bar(x: number, low: number, high: number, name: string, colour: string): string {
  if (low - high < 0.5) return '';
  const attributes = { class: `${name}-line`, stroke: colour, 'stroke-width': 1.4 };
  return [
    element('line', { ...attributes, x1: x, y1: low, x2: x, y2: high }),
    ...[low, high].map((y) => element('line', { ...attributes, x1: x - 4, y1: y, x2: x + 4, y2: y })),
  ].join('');
}

interface Mark {
  x: number;
  y: number;
  /** Ends of the bar, pixels. */
  low: number;
  high: number;
  label: string;
  look: Look;
}

function besidePoints(marks: Mark[], reference: number | undefined): string[] {
  const obstacles = marks.flatMap(({ x, y, low, high }): Box[] => [
    { left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 },
    { left: x - 4, right: x + 4, top: high, bottom: low },
  ]);
  if (reference !== undefined)
    obstacles.push({ left: PANEL.left, right: PANEL.right, top: reference - 0.05, bottom: reference + 0.05 });
  const wanted = marks.map(({ x, y, label }) => ({ x, y, width: textWidth(label) }));
  return placeLabels(wanted, PANEL, obstacles).map((box, index) => {
    const { x, y, label } = marks[index];
    const middle = (box.top + box.bottom) / 2;
    return (box.far ? leader(x, y, box.left, box.right, middle) : '') + text(box.left, middle + 4, label);
  });
}

function key(marks: Mark[]): string[] {
  return marks.map(({ label, look }, index) => {
    const y = PANEL.top + 8 + index * 18;
    return marker(PANEL.right + 24, y, look) + text(PANEL.right + 36, y + 4, label);
  });
}

/** From the point to the nearest edge of its label. */
function leader(x: number, y: number, left: number, right: number, middle: number): string {
  const end = x < left ? left - 2 : x > right ? right + 2 : x;
  const height = end === x ? middle + (middle < y ? 6 : -6) : middle;
  return line(x, y, end, height, { tone: 'soft', width: 0.7 });
}
