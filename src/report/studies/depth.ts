/** The study of k: scores of top-k and selected-k from 1 to L. */
import type { DepthArm, DepthReport, DepthRow, DepthStudy } from '../../studies/depth.js';
import { figure, NONE, signedPoints, spread } from '../comparison/figures.js';
import { formatCount, formatInteger, formatRange } from '../format.js';
import { fileName } from '../plots/plots.js';
import { SCORE_RANGE } from '../plots/scales.js';
import { plotSeries } from '../plots/series.js';
import { left, right, type StudyDocument, type StudyTable } from './table.js';

export function depthDocument(report: DepthReport): StudyDocument {
  const taken = new Set<string>();
  return {
    name: 'depth',
    tables: report.studies.map(depthTable),
    notes: report.notes,
    plots: report.studies.flatMap((study) => {
      const svg = depthPlot(study);
      return svg === undefined ? [] : [{ name: fileName(`depth-${study.task}`, taken), svg }];
    }),
    data: report,
  };
}

function depthTable({ task, model, method, layers, seeds, examples, rows }: DepthStudy): StudyTable {
  return {
    kind: 'depth',
    title: `${task} · ${model}, ${layers} layers, ${method} · dev ${formatInteger(examples)}, ${seeds.length} seeds`,
    columns: [
      right('k'),
      right('top-k'),
      right('selected-k'),
      left('selected layers'),
      right('difference'),
      left('95 %'),
      left('verdict'),
      right('parameters'),
    ],
    rows: rows.map((row) => ({
      cells: [
        String(row.k),
        scoreText(row.top),
        scoreText(row.selected),
        row.selected ? placeText(row.selected) : NONE,
        row.difference ? signedPoints(row.difference.difference) : NONE,
        row.difference ? `${signedPoints(row.difference.low)} to ${signedPoints(row.difference.high)}` : '',
        row.same ? 'the same layers' : (row.difference?.verdict ?? ''),
        figure((row.selected ?? row.top)?.trainableParameters, formatCount),
      ],
      values: {
        ...{ task, model, method, k: row.k },
        ...armValues('top', row.top),
        ...armValues('selected', row.selected),
        ...differenceValues(row),
      },
    })),
    legend: '',
  };
}

const scoreText = (arm: DepthArm | null) => (arm ? spread(arm.mean, arm.deviation) : NONE);

function placeText({ triple: { bottom, top, head } }: DepthArm): string {
  return bottom === null || top === null ? `@ ${head}` : `${formatRange(bottom, top)} @ ${head}`;
}

const armValues = (name: string, arm: DepthArm | null) => ({
  [`${name}_score`]: arm?.mean,
  [`${name}_deviation`]: arm?.deviation,
  [`${name}_bottom`]: arm?.triple.bottom,
  [`${name}_head`]: arm?.triple.head,
  [`${name}_parameters`]: arm?.trainableParameters,
  [`${name}_flops`]: arm?.trainingFlops,
});

const differenceValues = ({ difference }: DepthRow) => ({
  difference: difference?.difference,
  low: difference?.low,
  high: difference?.high,
  p: difference?.p,
  verdict: difference?.verdict,
});

function depthPlot({ task, model, method, seeds, rows }: DepthStudy): string | undefined {
  const series = (label: string, of: (row: DepthRow) => DepthArm | null) => ({
    label,
    points: rows.map((row) => {
      const arm = of(row);
      if (arm === null) return null;
      const { mean, deviation } = arm;
      return { value: mean, ...(deviation === null ? {} : { low: mean - deviation, high: mean + deviation }) };
    }),
  });
  return plotSeries({
    title: `${task}: score by number of tuned layers`,
    subtitle: `${model}, ${method}${seeds.length > 1 ? `; bars: ± standard deviation over ${seeds.length} seeds` : ''}`,
    places: rows.map(({ k }) => String(k)),
    xTitle: 'tuned layers, k',
    yTitle: 'score, points',
    unit: 100,
    least: SCORE_RANGE,
    series: [series('selected-k', ({ selected }) => selected), series('top-k', ({ top }) => top)],
  });
}
