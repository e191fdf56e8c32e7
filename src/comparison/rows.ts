/** Rows of a table: means over seeds of scores and cost. */
import { type Line, ratesOf } from './lines.js';
import type { ComparisonRow, Measuring, Remark, RunCost, RunRecord } from './types.js';

/** A row whose cost is that of its runs alone. */
export interface DraftRow extends ComparisonRow {
  measuring?: Measuring;
}

export function rowOf({ id, arm, method, records, measuring, sameAs }: Line): DraftRow {
  const scores = records.map(({ score }) => score);
  return {
    id,
    arm,
    layers: records[0].layers,
    method,
    seeds: records.map(({ seed }) => seed),
    scores,
    mean: mean(scores),
    deviation: deviation(scores),
    metrics: metricsOf(records),
    learningRates: ratesOf(records),
    collapsed: records.filter(({ collapsed }) => collapsed).map(({ seed }) => seed),
    cost: costOf(records.map(({ cost }) => cost)),
    ...(measuring ? { measuring } : {}),
    ...(sameAs === undefined ? {} : { sameAs }),
  };
}

/** The row, with measuring as a part of its cost: whoever tunes that arm has to measure first, though a grid does so once for all. */
export function withMeasuring({ measuring, ...row }: DraftRow): ComparisonRow {
  if (!measuring || row.scores.length === 0) return row;
  const { trainingFlops, seconds } = row.cost;
  const { select = 0, total = 0 } = seconds;
  return {
    ...row,
    cost: {
      ...row.cost,
      trainingFlops: trainingFlops === null || measuring.flops === null ? null : trainingFlops + measuring.flops,
      seconds: { ...seconds, select: select + measuring.seconds, total: total + measuring.seconds },
    },
  };
}

/** A row of a plan that has no runs of its own. */
export function emptyRow(id: string, { arm, method, triple, note }: Remark, layers: number): ComparisonRow {
  return {
    id,
    arm: { name: arm, ...(triple ?? { bottom: null, top: null, head: 0 }) },
    layers,
    method,
    seeds: [],
    scores: [],
    mean: Number.NaN,
    deviation: null,
    metrics: {},
    learningRates: [],
    collapsed: [],
    cost: costOf([]),
    ...(note === undefined ? {} : { note }),
  };
}

function metricsOf(records: readonly RunRecord[]): ComparisonRow['metrics'] {
  const names = Object.keys(records[0].metrics).filter((name) => name !== 'score');
  return Object.fromEntries(
    names.map((name) => {
      const values = records.map(({ metrics }) => metrics[name]);
      return [name, { mean: mean(values), deviation: deviation(values) }];
    }),
  );
}

/** Means; of what not every run tells, null, but measured speed over the runs that have it. Peak memory is the largest. */
function costOf(costs: readonly RunCost[]): RunCost {
  const whole = (values: (number | null)[]) =>
    values.length === 0 || values.includes(null) ? null : mean(values as number[]);
  const phases = [...new Set(costs.flatMap(({ seconds }) => Object.keys(seconds)))];
  const measured = costs.flatMap(({ inference }) => (inference ? [inference] : []));
  return {
    trainingFlops: whole(costs.map(({ trainingFlops }) => trainingFlops)),
    inferenceFlops: whole(costs.map(({ inferenceFlops }) => inferenceFlops)),
    trainableParameters: mean(costs.map(({ trainableParameters }) => trainableParameters)),
    storedParameters: whole(costs.map(({ storedParameters }) => storedParameters)),
    seconds: Object.fromEntries(phases.map((name) => [name, mean(costs.map(({ seconds }) => seconds[name] ?? 0))])),
    peakMemory: costs.length === 0 ? Number.NaN : Math.max(...costs.map(({ peakMemory }) => peakMemory)),
    ...(measured.length === 0
      ? {}
      : {
          inference: {
            latency: mean(measured.map(({ latency }) => latency)),
            throughput: mean(measured.map(({ throughput }) => throughput)),
          },
        }),
  };
}

/** NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation; null below two values. */
function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}
