/** Arms of one command side by side, a line each: what the demo and the benchmark print. Run folders are compared by comparison/. */
import type { Arm } from '../pipeline/types.js';
import { formatBytes, formatCount, formatPoints, formatRange, formatSeconds } from './format.js';
import { plain, type Style } from './style.js';
import { type Column, renderTable } from './table.js';
import { shortArm } from './training.js';

export interface ArmRow {
  arm: Arm;
  /** Layers of the encoder (L). */
  layers: number;
  /** Task score of each seed, fractions. */
  scores: number[];
  trainableParameters: number;
  /** Seconds of tuning, mean over seeds. */
  seconds: number;
  /** Peak resident memory of the run's own process, bytes, largest over seeds. */
  peakMemory: number;
  /** Such as `collapsed` or `same as top-2`; stands at the line's end. */
  note?: string;
}

export interface ArmsOptions {
  /** Such as `mrpc, dev, 5 seeds`. */
  title: string;
  /** Lines below the table. */
  notes?: string[];
  style?: Style;
}

/** The table; several lines, without the last line's end. Times are also given relative to the row named `full`, where there is one. */
export function renderArms(rows: ArmRow[], { title, notes = [], style = plain }: ArmsOptions): string {
  const full = rows.find(({ arm }) => arm.name === 'full');
  const best = Math.max(...rows.map(({ scores }) => mean(scores)));
  const columns: Column[] = [
    { title },
    { title: 'score', align: 'right' },
    { title: 'tuned', align: 'right' },
    { title: 'train', align: 'right' },
    ...(full ? [{ align: 'right' as const }] : []),
    { title: 'memory', align: 'right' },
    { title: 'dropped', align: 'right' },
    {},
  ];
  const lines = rows.map((row) => {
    const score = formatScores(row.scores);
    return [
      shortArm(row.arm, row.layers),
      mean(row.scores) === best ? style.bold(score) : score,
      formatCount(row.trainableParameters),
      formatSeconds(row.seconds),
      ...(full ? [style.dim(`${(row.seconds / full.seconds).toFixed(2)} ×`)] : []),
      formatBytes(row.peakMemory),
      row.arm.head < row.layers ? formatRange(row.arm.head + 1, row.layers) : '–',
      row.note ?? '',
    ];
  });
  return [renderTable(columns, lines), ...notes.map((note) => style.dim(note))].join('\n');
}

/** Mean and, from two seeds on, sample standard deviation, in points. */
function formatScores(scores: number[]): string {
  if (scores.length === 0) return '–';
  const centre = mean(scores);
  if (scores.length === 1) return formatPoints(centre);
  const variance = scores.reduce((sum, score) => sum + (score - centre) ** 2, 0) / (scores.length - 1);
  return `${formatPoints(centre)} ± ${formatPoints(Math.sqrt(variance))}`;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
