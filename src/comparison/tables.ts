/** The tables of a comparison: runs by task and model, in rows, with what a plan says of rows that have no runs. */
import { UserError } from '../errors.js';
import { displayPath } from '../files.js';
import { sameTriple } from '../selection/arms.js';
import { byArm, groupBy, isNamed, type Line, linesOf } from './lines.js';
import { type DraftRow, emptyRow, rowOf, withMeasuring } from './rows.js';
import type { ComparisonRow, Remark, RunRecord, TaskTable } from './types.js';

/** GLUE's tasks as its paper lists them; the nine of the GLUE mean. */
export const GLUE_TASKS = ['cola', 'sst2', 'mrpc', 'qqp', 'stsb', 'mnli', 'qnli', 'rte', 'wnli'];

export interface DraftTable {
  table: TaskTable;
  lines: Line[];
}

/**
 * One table for each task and model.
 *
 * @throws UserError where runs of one table were scored on different dev sets, where a line has a seed twice, or where several rows
 * bear the reference's name.
 */
export function draftTables(
  records: readonly RunRecord[],
  remarks: readonly Remark[],
  reference: string,
): DraftTable[] {
  const methods = new Set(records.filter(({ arm }) => arm.bottom !== null).map(({ method }) => method));
  for (const { method } of remarks) if (method !== '') methods.add(method);
  const severalMethods = methods.size > 1;
  const modelName = modelNames(records);
  const groups = groupBy(records, ({ task, modelHash }) => `${task.name}\0${modelHash}`);
  const drafts = groups.map((group): DraftTable => {
    checkSameDev(group);
    const [first] = group;
    const lines = linesOf(group, { reference, severalMethods });
    const drafted = lines.map(rowOf);
    const names = new Set(group.map(({ model }) => model));
    for (const remark of remarks) {
      if (remark.task === first.task.name && names.has(remark.model))
        add(remark, drafted, first.layers, severalMethods);
    }
    const rows = drafted.map(withMeasuring).sort(byArm(severalMethods));
    const used = new Set(lines.flatMap(({ records: own }) => own));
    const measured = group.find(({ selection }) => selection !== undefined)?.selection;
    const referenceRow = findReference(rows, reference, first.task.name);
    return {
      lines,
      table: {
        task: first.task,
        model: modelName(first),
        layers: first.layers,
        examples: first.splits.reduce((sum, { gold }) => sum + gold.length, 0),
        ...(referenceRow ? { reference: referenceRow.id } : {}),
        rows,
        ...(measured ? { selection: measured } : {}),
        records: group.filter((record) => used.has(record)),
      },
    };
  });
  const models = [...new Set(drafts.map(({ table }) => table.model))];
  const place = ({ table }: DraftTable) => {
    const task = GLUE_TASKS.indexOf(table.task.name);
    return [models.indexOf(table.model), task < 0 ? GLUE_TASKS.length : task];
  };
  return drafts.sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1]);
}

/** The name of a model; with its hash where models of one name differ. */
function modelNames(records: readonly RunRecord[]): (record: RunRecord) => string {
  const name = new Map<string, string>();
  for (const { model, modelHash } of records) if (!name.has(modelHash)) name.set(modelHash, model);
  const shared = (model: string) => [...name.values()].filter((other) => other === model).length > 1;
  return ({ model, modelHash }) => {
    const known = name.get(modelHash) ?? model;
    return shared(known) ? `${known} (${modelHash.slice(0, 8)})` : known;
  };
}

/** Differences of scores mean nothing unless all runs are scored on the very same examples in the same way. */
function checkSameDev(group: readonly RunRecord[]): void {
  const [first] = group;
  const way = ({ task: { kind, labels, metrics, positiveLabel } }: RunRecord) =>
    JSON.stringify([kind, labels, metrics, positiveLabel]);
  for (const record of group) {
    const folders = `${displayPath(first.folder)} and ${displayPath(record.folder)}`;
    const task = first.task.name;
    const hint = 'compare runs of one task at a time, or run again what was scored on other data';
    if (way(record) !== way(first)) {
      throw new UserError(`${folders} have other labels or metrics for ${task}`, { hint });
    }
    const same =
      record.splits.length === first.splits.length &&
      record.splits.every(({ gold }, i) => {
        const other = first.splits[i].gold;
        return gold.length === other.length && gold.every((label, at) => label === other[at]);
      });
    if (!same) throw new UserError(`${folders} were scored on different dev sets of ${task}`, { hint });
  }
}

/** Notes, names of the same arm, and arms without runs. */
function add(remark: Remark, rows: DraftRow[], layers: number, severalMethods: boolean): void {
  const { arm, method, triple, measuring, note } = remark;
  const bySameMethod = (row: ComparisonRow) => method === '' || row.method === method;
  const there = rows.find((row) => row.arm.name === arm && bySameMethod(row));
  if (there) {
    if (note !== undefined) there.note = note;
    return;
  }
  const id = severalMethods && method !== '' ? `${arm}, ${method}` : arm;
  const same = rows.find(
    (row) =>
      triple !== undefined &&
      row.sameAs === undefined &&
      row.scores.length > 0 &&
      sameTriple(row.arm, triple) &&
      (bySameMethod(row) || triple.bottom === null),
  );
  if (!same) rows.push(emptyRow(id, remark, layers));
  else {
    const named = { id, arm: { ...same.arm, name: arm }, method: method || same.method };
    rows.push({ ...same, ...named, measuring, sameAs: same.id });
  }
}

/** The row that the reference means: by its id, else by the arm's name, fine-tuning first. */
function findReference(rows: readonly ComparisonRow[], reference: string, task: string): ComparisonRow | undefined {
  const run = rows.filter(({ scores, sameAs }) => scores.length > 0 && sameAs === undefined);
  const exact = run.find(({ id }) => id === reference);
  if (exact) return exact;
  // An arm that is the same as another has that one's runs.
  const meant = rows.filter((row) => isNamed(reference, row)).map(({ id, sameAs }) => sameAs ?? id);
  const named = run.filter(({ id }) => meant.includes(id));
  const tuned = named.filter(({ method }) => method === 'fine-tune');
  const [row, other] = tuned.length > 0 ? tuned : named;
  if (other) {
    const ids = named.map(({ id }) => `"${id}"`).join(', ');
    throw new UserError(`the reference ${reference} is one of several rows of ${task}: ${ids}`, {
      hint: `name one of them: --reference ${ids.split(', "')[0]}`,
    });
  }
  return row;
}
