/** Columns of a task's table that tell how well the rows do, and against what. */
import type { ComparisonRow, Difference, TaskTable } from '../../comparison/types.js';
import type { Cell, ColumnSource } from './cells.js';
import { figure, isFigure, NONE, points, probability, signedPoints, spread } from './figures.js';
import { bestMean, metricNames } from './task-rows.js';

const NOTHING: Cell = { text: '', sort: null };

export function scoreColumns(table: TaskTable, reference: string): ColumnSource<ComparisonRow>[] {
  const best = bestMean(table);
  const counts = new Set(table.rows.map(({ scores }) => scores.length).filter((count) => count > 0));
  const metrics = metricNames(table);
  return [
    {
      title: 'score',
      about: 'task score in points, mean ± standard deviation over seeds',
      align: 'right',
      part: 'scores',
      terminal: 0,
      cell: ({ mean, deviation, scores }) => ({
        text: scores.length > 0 ? figure(mean, (value) => spread(value, deviation)) : NONE,
        sort: scores.length > 0 ? mean : null,
        ...(mean === best ? { mark: 'best' as const } : {}),
        values: {
          score_mean: scores.length > 0 ? mean : null,
          score_sd: deviation,
          n: scores.length,
        },
      }),
    },
    {
      title: 'n',
      about: 'seeds',
      align: 'right',
      part: 'scores',
      ...(counts.size > 1 ? { terminal: 1 } : {}),
      cell: ({ scores, seeds }) => ({
        text: scores.length > 0 ? String(scores.length) : NONE,
        sort: scores.length,
        values: { seeds: seeds.join(' '), scores: scores.join(' ') },
      }),
    },
    ...metrics.map(
      (name): ColumnSource<ComparisonRow> => ({
        title: name,
        about: `${name} in points, mean ± standard deviation over seeds`,
        align: 'right',
        part: 'scores',
        terminal: 8,
        cell: ({ metrics: measured }) => {
          const metric = Object.hasOwn(measured, name) ? measured[name] : undefined;
          return {
            text: figure(metric?.mean, (value) => spread(value, metric?.deviation ?? null)),
            short: figure(metric?.mean, points),
            sort: metric?.mean ?? null,
            values: { [`${name}_mean`]: metric?.mean ?? null, [`${name}_sd`]: metric?.deviation ?? null },
          };
        },
      }),
    ),
    ...(table.rows.some(({ versus }) => versus !== undefined) ? differenceColumns(reference) : []),
  ];
}

/** Blank for the reference itself and for rows that were not compared. */
function differenceColumns(reference: string): ColumnSource<ComparisonRow>[] {
  const compared = (cell: (versus: Difference) => Cell) => (row: ComparisonRow) =>
    row.versus === undefined ? NOTHING : cell(row.versus);
  return [
    {
      title: `against ${reference}`,
      about: 'verdict: better or worse where the interval excludes 0, matches where it stays above minus the margin',
      align: 'left',
      part: 'scores',
      terminal: 0,
      cell: compared(({ verdict, reference: row }) => ({
        text: verdict,
        sort: verdict,
        mark: verdict,
        values: { reference: row, verdict },
      })),
    },
    {
      title: 'difference',
      about: 'difference of task scores in points, with its 95 % interval',
      align: 'right',
      part: 'scores',
      terminal: 0,
      cell: compared(({ difference, low, high }) => ({
        text: figure(difference, (value) => `${signedPoints(value)} ${interval(low, high)}`),
        sort: difference,
        values: { difference, difference_low: low, difference_high: high },
      })),
    },
    {
      title: 'p',
      about: "two-sided, after Holm's correction",
      align: 'right',
      part: 'scores',
      terminal: 3,
      cell: compared(({ p, adjusted }) => ({
        text: figure(adjusted, probability),
        sort: adjusted,
        values: { p, p_adjusted: adjusted },
      })),
    },
  ];
}

function interval(low: number, high: number): string {
  return isFigure(low) && isFigure(high) ? `[${signedPoints(low)}, ${signedPoints(high)}]` : '';
}
