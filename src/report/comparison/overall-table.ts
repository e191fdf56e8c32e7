/** Tasks side by side: the score of each arm on each task, the GLUE mean, wins and the test over tasks. */
import type { Comparison, OverallRow } from '../../comparison/types.js';
import type { Cell, Column, ColumnSource, Row, Table } from './cells.js';
import { figure, isFigure, points, probability } from './figures.js';

export function overallTable({ overall, tables, options }: Comparison): Table {
  const tasks = [
    ...new Set([...tables.map(({ task }) => task.name), ...overall.flatMap((r) => Object.keys(r.scores))]),
  ];
  const models = [...new Set(overall.map(({ model }) => model))];
  const sources = overallColumns(overall, tasks, options.reference);
  return {
    kind: 'overall',
    title: `${tasks.length} tasks, dev`,
    details: models,
    legend: overall.some(hasVerdicts)
      ? `against ${options.reference}: tasks on which it is better / matches / worse / undecided.`
      : '',
    columns: sources.map(({ cell: _, ...column }) => column),
    rows: overall.map((row): Row => {
      const label = models.length > 1 ? `${row.id} · ${row.model}` : row.id;
      const values = { model: row.model, row: row.id };
      return { id: label, label, empty: false, notes: [], values, cells: sources.map(({ cell }) => cell(row)) };
    }),
  };
}

function overallColumns(overall: OverallRow[], tasks: string[], reference: string): ColumnSource<OverallRow>[] {
  const score = (
    title: string,
    about: string,
    name: string,
    value: (row: OverallRow) => number | null | undefined,
    terminal = 0,
  ): ColumnSource<OverallRow> => ({
    title,
    about,
    align: 'right',
    part: 'scores',
    terminal,
    cell: (row) => scoreCell(row, name, overall, value),
  });
  const shared = Math.min(...overall.map((row) => row.tasks));
  const columns = tasks.map((task) =>
    score(task, `task score on ${task} in points`, `score_on_${task}`, (row) =>
      Object.hasOwn(row.scores, task) ? row.scores[task] : null,
    ),
  );
  if (overall.some(({ glue }) => isFigure(glue)))
    columns.push(score('GLUE', "GLUE's mean over its nine tasks", 'glue', ({ glue }) => glue, 1));
  if (overall.some(({ glueWithoutWnli }) => isFigure(glueWithoutWnli)))
    columns.push(
      score('without WNLI', "GLUE's mean without WNLI", 'glue_without_wnli', (row) => row.glueWithoutWnli, 3),
    );
  columns.push(
    score('mean', `mean over the ${shared} tasks that all rows of the model have`, 'mean', (row) => row.mean),
  );
  if (overall.some(hasVerdicts)) columns.push(winsColumn(reference));
  if (overall.some(({ p }) => isFigure(p)))
    columns.push({
      title: 'p over tasks',
      short: 'p',
      about: `exact Wilcoxon signed-rank test over tasks against ${reference}`,
      align: 'right',
      part: 'scores',
      terminal: 2,
      cell: ({ p }) => ({ text: figure(p, probability), sort: p, values: { p_over_tasks: p } }),
    });
  return columns;
}

/** Bold where it is the best of its model, which has at least two rows with this score. */
function scoreCell(
  row: OverallRow,
  name: string,
  overall: OverallRow[],
  value: (row: OverallRow) => number | null | undefined,
): Cell {
  const own = value(row);
  const rivals = overall
    .filter(({ model }) => model === row.model)
    .map(value)
    .filter(isFigure);
  const best = rivals.length > 1 && own === Math.max(...rivals);
  return {
    text: figure(own, points),
    sort: own ?? null,
    ...(best ? { mark: 'best' as const } : {}),
    values: { [name]: own ?? null, ...(name === 'mean' ? { tasks: row.tasks } : {}) },
  };
}

function hasVerdicts({ verdicts }: OverallRow): boolean {
  return Object.values(verdicts).some((count) => count > 0);
}

function winsColumn(reference: string): ColumnSource<OverallRow> {
  const part: Column['part'] = 'scores';
  return {
    title: `against ${reference}`,
    about: 'tasks by verdict: better, matches, worse, undecided',
    align: 'right',
    part,
    terminal: 1,
    cell: (row) => {
      const { better, matches, worse, undecided } = row.verdicts;
      const compared = hasVerdicts(row);
      return {
        text: compared ? [better, matches, worse, undecided].join(' / ') : '',
        sort: compared ? better + matches - worse : null,
        values: compared
          ? { better, matches, worse, undecided }
          : { better: null, matches: null, worse: null, undecided: null },
      };
    },
  };
}
