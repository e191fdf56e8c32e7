/** What a reader of the tables has to know: how scores, intervals and verdicts were made, and for what they speak. */
import { LEAST_SEEDS } from '../metrics/significance/difference.js';
import { LEAST_PAIRS } from '../metrics/significance/wilcoxon.js';
import { isPlacedByName } from '../selection/arms.js';
import type { Tested } from './differences.js';
import { differingSettings } from './settings.js';
import type { ComparisonOptions, OverallRow, Remark, TaskTable } from './types.js';

export interface Compared {
  tables: TaskTable[];
  overall: OverallRow[];
  tested: Tested;
  options: ComparisonOptions;
  remarks: readonly Remark[];
}

export function notesOf(compared: Compared): string[] {
  const { tables, tested } = compared;
  return [
    'score: the mean of the task’s metrics on dev, mean ± standard deviation over seeds',
    ...(tested.comparisons > 0 ? testNotes(compared) : []),
    ...tables.flatMap((table) => tableNotes(table, compared)),
    ...missingTables(compared),
    ...overallNotes(compared),
  ];
}

function testNotes({ tested, options }: Compared): string[] {
  const { resamples, margin } = options;
  const points = Number((100 * margin).toPrecision(3));
  const all = tested.comparisons;
  return [
    `difference: with its 95 % interval, from ${resamples} paired resamples of dev, the same for all rows and seeds`,
    `better, worse: the interval excludes 0; matches: it lies above −${points} point${points === 1 ? '' : 's'}; else undecided`,
    all === 1 ? 'p: two-sided, of one comparison' : `p: two-sided, after Holm’s correction over ${all} comparisons`,
    seedNote(tested),
  ];
}

/** Whether seeds were resampled, or the intervals speak for those that ran. */
function seedNote({ fewSeeds, comparisons }: Tested): string {
  if (fewSeeds.length === 0) return 'seeds are resampled too: intervals speak for other seeds and other dev sets';
  const sets = [...new Set(fewSeeds.map((seeds) => seeds.join(', ')))];
  const one = sets.length === 1 && fewSeeds[0].length === 1;
  const these = sets.length === 1 ? `th${one ? 'is seed' : 'ese seeds'} (${sets[0]})` : 'these seeds';
  const some = fewSeeds.length < comparisons ? `; where ${LEAST_SEEDS} are in common they are resampled too` : '';
  return `intervals and p speak for ${these} and other dev sets: below ${LEAST_SEEDS} seeds in common, seeds are not resampled${some}`;
}

function tableNotes(table: TaskTable, { tables, options }: Compared): string[] {
  const models = new Set(tables.map(({ model }) => model));
  const name = models.size > 1 ? `${table.task.name} ${table.model}` : table.task.name;
  const notes: string[] = [];
  const rows = table.rows.filter(({ sameAs, scores }) => sameAs === undefined && scores.length > 0);
  if (table.reference === undefined && rows.length > 1) {
    notes.push(`${name}: no run of ${options.reference}, so nothing is compared with it`);
  }
  for (const { key, values } of differingSettings(table.records)) {
    notes.push(`${name}: runs differ in ${key} (${values.join('; ')}), not in their arms alone`);
  }
  const unmeasured = rows
    .filter(({ arm, cost }) => isPlacedByName(arm.name) && !cost.seconds.select)
    .map(({ id }) => id);
  if (unmeasured.length > 0) {
    notes.push(
      `${name}: what measuring the layers took for ${unmeasured.join('; ')} is not in their cost: no folder among these tells it; where a grid ran them, its own does`,
    );
  }
  const collapsed = rows.filter((row) => row.collapsed.length > 0).map(({ id }) => id);
  if (collapsed.length > 0) {
    const what = table.task.kind === 'regression' ? 'score' : 'class';
    notes.push(
      `${name}: collapsed runs (${collapsed.join('; ')}) predict one ${what} everywhere; they count like others`,
    );
  }
  return notes;
}

/** Tasks of a plan of which no run is there. */
function missingTables({ tables, remarks }: Compared): string[] {
  const known = new Set(tables.flatMap(({ task, records }) => records.map(({ model }) => `${task.name}\0${model}`)));
  const missing = remarks.filter(({ task, model }) => !known.has(`${task}\0${model}`));
  return [...new Set(missing.map(({ task, model, note }) => `${task}, ${model}: no run${note ? ` (${note})` : ''}`))];
}

function overallNotes({ overall, tested }: Compared): string[] {
  if (overall.length === 0) return [];
  const notes: string[] = [];
  if (overall.every(({ glue }) => glue === null)) {
    const tasks = [...new Set(overall.map((row) => row.tasks))].join(' or ');
    notes.push(`mean of ${tasks} tasks, those that all rows of a model have: no GLUE mean, which needs all nine tasks`);
  }
  if (tested.comparisons > 0 && overall.every(({ p }) => p === null)) {
    notes.push(`no test over tasks: it needs ${LEAST_PAIRS} of them`);
  } else if (tested.comparisons > 0) notes.push('p over tasks: exact Wilcoxon signed-rank test of the differences');
  return notes;
}
