/** The regret study: what each rule loses, how alike scores and tuning order the positions, the positions themselves. */
import type { Triple } from '../../selection/arms.js';
import type { Estimate, RegretOverall, RegretReport, RegretStudy } from '../../studies/types.js';
import { figure, NONE, points } from '../comparison/figures.js';
import { formatInteger, formatRange } from '../format.js';
import { plotDots } from '../plots/dots.js';
import { fileName } from '../plots/plots.js';
import { SCORE_RANGE } from '../plots/scales.js';
import { plotSeries } from '../plots/series.js';
import { left, right, type StudyDocument, type StudyTable } from './table.js';

export function regretDocument(report: RegretReport): StudyDocument {
  const { studies, overall } = report;
  const taken = new Set<string>();
  const named = (what: string, parts: string[]) =>
    fileName(['regret', ...parts, what].filter(Boolean).join('-'), taken);
  return {
    name: 'regret',
    tables: [
      ...overall.flatMap(overallTable),
      ...studies.flatMap((study) => [regretTable(study), positionTable(study)]),
    ],
    notes: report.notes,
    plots: [
      ...overall.map((each) => ({ name: named('', ['overall', ...several(report, each)]), svg: overallPlot(each) })),
      ...studies.flatMap((each) => {
        const parts = [each.task.name, ...several(report, each)];
        return [
          { name: named('', parts), svg: regretPlot(each) },
          { name: named('positions', parts), svg: positionPlot(each) },
        ];
      }),
    ].flatMap(({ name, svg }) => (svg === undefined ? [] : [{ name, svg }])),
    data: report,
  };
}

/** What tells a study apart where the report has several models, methods or k. */
function several(
  { studies }: RegretReport,
  { model, method, k }: { model: string; method: string; k: number },
): string[] {
  const differ = (of: (study: RegretStudy) => unknown) => new Set(studies.map(of)).size > 1;
  return [
    ...(differ((study) => study.model) ? [model] : []),
    ...(differ((study) => study.method) ? [method] : []),
    ...(differ((study) => study.k) ? [`k${k}`] : []),
  ];
}

const layersText = (k: number) => (k === 1 ? 'one tuned layer' : `${k} tuned layers`);

/** `3-4 @ 4` */
const place = ({ bottom, top, head }: Triple) =>
  bottom === null || top === null ? `@ ${head}` : `${formatRange(bottom, top)} @ ${head}`;

const regretText = (regret: Estimate | null) =>
  regret === null ? NONE : `${points(regret.value)} ± ${points(regret.high - regret.value)}`;

/** Spearman's correlation with a true minus. */
const correlation = (value: number | null) => figure(value, (r) => r.toFixed(2).replace('-', '−'));

function overallTable({ model, method, k, tasks, rules, ranks }: RegretOverall): StudyTable[] {
  const base = { model, method, k };
  return [
    {
      kind: 'overall',
      title: `mean over ${tasks.length} tasks · ${model}, ${method}, ${layersText(k)}`,
      columns: [left('rule'), right('regret'), right('Spearman'), right('tasks')],
      rows: rules.map(({ rule, title, regret, tasks: n }) => {
        const rank = ranks.find(({ score }) => score === rule);
        return {
          cells: [title, regretText(regret), correlation(rank?.spearman ?? null), `${n} of ${tasks.length}`],
          values: { ...base, rule, ...regretValues(regret), spearman: rank?.spearman, tasks: n },
        };
      }),
      legend: '',
    },
  ];
}

function regretTable({ task, model, method, k, layers, seeds, examples, rules, ranks }: RegretStudy): StudyTable {
  const missing = [...rules, ...ranks].flatMap((each) =>
    each.missing === undefined ? [] : [`${each.title}: ${each.missing}`],
  );
  return {
    kind: 'regret',
    title: `${task.name} · ${model}, ${layers} layers, ${method}, ${layersText(k)} · dev ${formatInteger(examples)}, ${seeds.length} seeds`,
    columns: [
      left('rule'),
      left('chooses'),
      right('tuned score'),
      right('regret'),
      right('as seen'),
      right('Spearman'),
      right('95 %'),
    ],
    rows: rules.map(({ rule, title, arm, score, regret, apparent }) => {
      const rank = ranks.find(({ score: name }) => name === rule);
      const low = rank?.low ?? null;
      return {
        cells: [
          title,
          arm ? place(arm) : '',
          figure(score, points),
          regretText(regret),
          figure(apparent, points),
          correlation(rank?.spearman ?? null),
          low === null ? '' : `${correlation(low)} to ${correlation(rank?.high ?? null)}`,
        ],
        values: {
          ...{ task: task.name, model, method, k, rule },
          ...{ bottom: arm?.bottom, top: arm?.top, head: arm?.head, score },
          ...regretValues(regret),
          apparent,
          spearman: rank?.spearman,
          spearman_low: rank?.low,
          spearman_high: rank?.high,
        },
      };
    }),
    legend: [...new Set(missing)].join('; '),
  };
}

const regretValues = (regret: Estimate | null) => ({
  regret: regret?.value,
  regret_low: regret?.low,
  regret_high: regret?.high,
});

function positionTable({ task, model, method, k, seeds, positions, rules }: RegretStudy): StudyTable {
  return {
    kind: 'positions',
    title: `${task.name} · tuned score by head position`,
    columns: [left('layers'), right('mean'), ...seeds.map((seed) => right(`seed ${seed}`)), left('chosen by')],
    rows: positions.map((position) => {
      const by = rules.filter(({ arm }) => arm !== null && arm.head === position.head && arm.top === position.top);
      return {
        cells: [
          place(position),
          points(position.mean),
          ...position.scores.map(points),
          by.map(({ title }) => title).join(', '),
        ],
        values: {
          ...{ task: task.name, model, method, k },
          ...{ bottom: position.bottom, top: position.top, head: position.head, score: position.mean },
          ...Object.fromEntries(seeds.map((seed, at) => [`seed_${seed}`, position.scores[at]])),
        },
      };
    }),
    legend: '',
  };
}

function overallPlot({ model, method, k, tasks, rules }: RegretOverall): string | undefined {
  return dotsOf(
    `mean over ${tasks.length} tasks: what choosing layers loses`,
    `${model}, ${method}, ${layersText(k)}`,
    rules,
  );
}

function regretPlot({ task, model, method, k, seeds, rules }: RegretStudy): string | undefined {
  const subtitle = `${model}, ${method}, ${layersText(k)}, ${seeds.length} seeds`;
  return dotsOf(`${task.name}: what choosing layers loses`, subtitle, rules);
}

function dotsOf(
  title: string,
  subtitle: string,
  rules: readonly { rule: string; title: string; regret: Estimate | null }[],
): string | undefined {
  const floor = rules.find(({ rule }) => rule === 'seed')?.regret;
  return plotDots({
    title,
    subtitle: `${subtitle}; bars: 95 % interval`,
    xTitle: 'cross-fitted regret, points',
    unit: 100,
    least: SCORE_RANGE,
    dots: rules.flatMap(({ rule, title: label, regret }) =>
      regret === null ? [] : [{ label, ...regret, other: ['top', 'random', 'seed'].includes(rule) }],
    ),
    ...(floor ? { mark: { value: floor.value, label: 'noise floor' } } : {}),
  });
}

function positionPlot({ task, model, method, k, seeds, positions }: RegretStudy): string | undefined {
  const each = seeds.map((seed, at) => ({
    label: `seed ${seed}`,
    points: positions.map(({ scores }) => ({ value: scores[at] })),
  }));
  return plotSeries({
    title: `${task.name}: tuned score by head position`,
    subtitle: `${model}, ${method}, ${layersText(k)}`,
    places: positions.map(({ head }) => String(head)),
    xTitle: 'layer that the classifier reads',
    yTitle: 'score, points',
    unit: 100,
    least: SCORE_RANGE,
    series: [{ label: 'mean', points: positions.map(({ mean }) => ({ value: mean })) }, ...each],
  });
}
