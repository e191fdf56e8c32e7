/** Arms over tasks: their means, on how many tasks each verdict fell, and the test over tasks. */
import { wilcoxon } from '../metrics/significance/wilcoxon.js';
import { groupBy } from './lines.js';
import { mean } from './rows.js';
import { GLUE_TASKS } from './tables.js';
import type { ComparisonRow, OverallRow, TaskTable, Verdict } from './types.js';

/** Rows of every model that has two tasks or more; an arm is among them if it ran on two. */
export function overallRows(tables: readonly TaskTable[]): OverallRow[] {
  return groupBy(tables, ({ model }) => model).flatMap((own) => {
    if (own.length < 2) return [];
    const cells = own.flatMap(({ task, rows }) =>
      rows.filter(({ scores }) => scores.length > 0).map((row) => ({ task: task.name, row })),
    );
    const arms = groupBy(cells, ({ row }) => row.id).filter(({ length }) => length > 1);
    const shared = own
      .map(({ task }) => task.name)
      .filter((task) => arms.every((arm) => arm.some((cell) => cell.task === task)));
    return arms.map((arm) => overallRow(own[0].model, arm, shared));
  });
}

function overallRow(model: string, arm: { task: string; row: ComparisonRow }[], shared: string[]): OverallRow {
  const scores = Object.fromEntries(arm.map(({ task, row }) => [task, row.mean]));
  const meanOf = (tasks: readonly string[]) =>
    tasks.length > 0 && tasks.every((task) => Object.hasOwn(scores, task))
      ? mean(tasks.map((task) => scores[task]))
      : null;
  const differences = arm.flatMap(({ row: { versus, sameAs } }) => (versus && sameAs === undefined ? [versus] : []));
  const verdicts: Record<Verdict, number> = { better: 0, matches: 0, worse: 0, undecided: 0 };
  for (const { verdict } of differences) verdicts[verdict]++;
  return {
    id: arm[0].row.id,
    model,
    scores,
    glue: meanOf(GLUE_TASKS),
    glueWithoutWnli: meanOf(GLUE_TASKS.filter((task) => task !== 'wnli')),
    mean: meanOf(shared),
    tasks: shared.length,
    verdicts,
    // Equal differences must tie, whatever their last bits.
    p: wilcoxon(differences.map(({ difference }) => Number(difference.toFixed(12)))),
  };
}
