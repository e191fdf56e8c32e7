/** Columns of a task's table that tell what the rows cost. */
import type { ComparisonRow, RunCost, TaskTable } from '../../comparison/types.js';
import { formatBytes, formatCount, formatSeconds } from '../format.js';
import type { Cell, Column, ColumnSource } from './cells.js';
import { figure, isFigure, milliseconds, NONE, rate, ratio } from './figures.js';

/** Phases that have a column where any run has them, in the order in which they run. */
const PHASES = ['select', 'cache', 'search', 'lost', 'tune', 'evaluate'];

const ABOUT: Record<string, string> = {
  select: 'seconds of measuring the layers: in a grid once for all runs, counted in full by each arm that it places',
  cache: 'seconds of filling the cache, mean over seeds; what another run has left there costs nothing',
  search: "seconds of all trials of the arm's learning rates",
  lost: 'seconds of attempts that were killed, mean over seeds',
};

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
    flopsColumn('training', 1, reference?.trainingFlops, (cost) => cost.trainingFlops),
    ...phases.map((phase) =>
      column(phase, ABOUT[phase] ?? `seconds of the phase “${phase}”, mean over seeds`, undefined, (cost) =>
        amount(`seconds_${phase}`, cost.seconds[phase], formatSeconds),
      ),
    ),
    column(
      'time',
      'seconds in all, and what a grid tells of searches and killed attempts, mean over seeds',
      2,
      (cost) => ({
        ...amount('seconds_total', totalSeconds(cost), formatSeconds),
        values: { ...otherSeconds(cost), seconds_total: totalSeconds(cost) ?? null },
      }),
    ),
    column('memory', "peak resident memory of the run's process, largest over seeds", 4, (cost) =>
      amount('peak_memory_bytes', cost.peakMemory, formatBytes),
    ),
    flopsColumn('inference', 5, reference?.inferenceFlops, (cost) => cost.inferenceFlops),
    ...(measured ? inferenceColumns : []),
  ];
}

const ratesColumn: ColumnSource<ComparisonRow> = {
  title: 'rate',
  about: 'learning rates of the runs',
  align: 'right',
  part: 'cost',
  cell: ({ learningRates }) => ({
    text: learningRates.length > 0 ? learningRates.map(rate).join(', ') : NONE,
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

/** The number, and in parentheses how many times the reference's it is; on the terminal that alone, where there is one. */
function flopsColumn(
  kind: 'training' | 'inference',
  terminal: number,
  reference: number | null | undefined,
  flops: (cost: RunCost) => number | null,
): ColumnSource<ComparisonRow> {
  const about = {
    training:
      'FLOPs of selecting, caching (whoever filled the cache) and all epochs, by count; in parentheses relative to the reference',
    inference: "FLOPs of one example of dev's mean length, by count; in parentheses relative to the reference",
  };
  const cell = (cost: RunCost): Cell => {
    const own = flops(cost);
    const absolute = amount(`${kind}_flops`, own, formatCount);
    if (!isFigure(own) || !isFigure(reference) || reference <= 0) return absolute;
    const relative = own / reference;
    return {
      ...absolute,
      text: `${absolute.text} (${ratio(relative)})`,
      short: ratio(relative),
      values: { ...absolute.values, [`${kind}_flops_relative`]: relative },
    };
  };
  return { ...column(`${kind} FLOPs`, about[kind], terminal, cell), short: kind };
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
    cell: ({ cost, scores }) => (scores.length > 0 ? cell(cost) : { text: NONE, sort: null }),
  };
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
