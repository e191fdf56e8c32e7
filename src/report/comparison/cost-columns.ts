/** Columns of a task's table that tell what the rows cost. */
import type { ComparisonRow, RunCost, TaskTable } from '../../comparison/types.js';
import { formatBytes, formatCount, formatSeconds } from '../format.js';
import { figure, isFigure, milliseconds, rate, ratio } from './figures.js';
import type { Cell, Column, ColumnSource } from './tables.js';

/** Phases that have a column where any run has them, in the order in which they run. */
const PHASES = ['select', 'cache', 'search', 'tune', 'evaluate'];

export function costColumns(table: TaskTable): ColumnSource<ComparisonRow>[] {
  const reference = table.rows.find(({ id }) => id === table.reference)?.cost;
  const phases = PHASES.filter((phase) => table.rows.some(({ cost }) => isFigure(cost.seconds[phase])));
  const others = new Set(table.rows.flatMap(({ cost }) => Object.keys(cost.seconds)));
  for (const told of [...phases, 'total']) others.delete(told);
  const otherSeconds = ({ seconds }: RunCost) =>
    Object.fromEntries(
      [...others].map((phase): [string, number | null] => [`seconds_${phase}`, seconds[phase] ?? null]),
    );
  const measured = table.rows.some(({ cost }) => cost.inference !== undefined);
  return [
    ratesColumn,
    column('tuned', 'parameters that are trained', 0, (cost) =>
      amount('tuned_parameters', cost.trainableParameters, formatCount),
    ),
    column('stored', 'parameters that a deployment holds', 7, (cost) =>
      amount('stored_parameters', cost.storedParameters, formatCount),
    ),
    ...flopsColumns('training', reference?.trainingFlops, (cost) => cost.trainingFlops),
    ...phases.map((phase) =>
      column(phase, `seconds of the phase “${phase}”, mean over seeds`, undefined, (cost) =>
        amount(`seconds_${phase}`, cost.seconds[phase], formatSeconds),
      ),
    ),
    column('time', 'seconds in all, mean over seeds', 2, (cost) => ({
      ...amount('seconds_total', totalSeconds(cost), formatSeconds),
      values: { ...otherSeconds(cost), seconds_total: totalSeconds(cost) ?? null },
    })),
    column('memory', "peak resident memory of the run's process, largest over seeds", 4, (cost) =>
      amount('peak_memory_bytes', cost.peakMemory, formatBytes),
    ),
    ...flopsColumns('inference', reference?.inferenceFlops, (cost) => cost.inferenceFlops),
    ...(measured ? inferenceColumns : []),
  ];
}

const ratesColumn: ColumnSource<ComparisonRow> = {
  title: 'rate',
  about: 'learning rates of the runs',
  align: 'right',
  part: 'cost',
  cell: ({ learningRates }) => ({
    text: learningRates.length > 0 ? learningRates.map(rate).join(', ') : '–',
    sort: learningRates[0] ?? null,
    values: { learning_rates: learningRates.join(' ') },
  }),
};

const inferenceColumns: ColumnSource<ComparisonRow>[] = [
  column('latency', 'milliseconds of one example, median', undefined, (cost) =>
    amount('latency_ms', cost.inference?.latency, milliseconds),
  ),
  column('throughput', 'examples a second at batch 32', undefined, (cost) =>
    amount('throughput_per_second', cost.inference?.throughput, (value) => `${formatCount(value)}/s`),
  ),
];

/** Relative to the reference where the table has one, and the number itself beside it. */
function flopsColumns(
  kind: 'training' | 'inference',
  reference: number | null | undefined,
  flops: (cost: RunCost) => number | null,
): ColumnSource<ComparisonRow>[] {
  const short = kind === 'training' ? 'train FLOPs' : 'infer FLOPs';
  const about =
    kind === 'training'
      ? 'FLOPs of selecting, caching and all epochs, by count'
      : "FLOPs of one example of dev's mean length, by count";
  const relative = isFigure(reference) && reference > 0 ? reference : undefined;
  const place = kind === 'training' ? 1 : 5;
  const absolute = {
    ...column(`${kind} FLOPs`, about, relative === undefined ? place : undefined, (cost) =>
      amount(`${kind}_flops`, flops(cost), formatCount),
    ),
    short,
  };
  if (relative === undefined) return [absolute];
  return [
    absolute,
    {
      ...column(
        kind === 'training' ? 'training, relative' : 'inference, relative',
        `${about}, relative to the reference`,
        place,
        (cost) => amount(`${kind}_flops_relative`, divided(flops(cost), relative), ratio),
      ),
      short,
    },
  ];
}

/** A column of the cost; rows without runs have none. */
function column(
  title: string,
  about: string,
  terminal: number | undefined,
  cell: (cost: RunCost) => Cell,
): ColumnSource<ComparisonRow> {
  const part: Column['part'] = 'cost';
  return {
    title,
    about,
    align: 'right',
    part,
    ...(terminal === undefined ? {} : { terminal }),
    cell: ({ cost, scores }) => (scores.length > 0 ? cell(cost) : { text: '–', sort: null }),
  };
}

function divided(value: number | null, by: number): number | null {
  return value === null ? null : value / by;
}

function amount(name: string, value: number | null | undefined, format: (value: number) => string): Cell {
  return {
    text: figure(value, format),
    sort: isFigure(value) ? value : null,
    values: { [name]: isFigure(value) ? value : null },
  };
}

/** The total that was measured, else the sum of the phases. */
export function totalSeconds({ seconds }: RunCost): number | undefined {
  if (isFigure(seconds.total)) return seconds.total;
  const parts = Object.values(seconds).filter(isFigure);
  return parts.length > 0 ? parts.reduce((sum, part) => sum + part, 0) : undefined;
}
