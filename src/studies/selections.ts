/** Measurements of the layers that are brought along, and scores that nobody measured yet. */
import { groupBy } from '../comparison/lines.js';
import type { RunRecord } from '../comparison/types.js';
import { UserError } from '../errors.js';
import { readJson } from '../files.js';
import type { SelectResult } from '../pipeline/types.js';
import { describeScore, type ScoreName } from '../selection/scores/catalogue.js';
import { measuredScores } from './rules.js';

/** Reads what `select --output` wrote. Throws a `UserError` that names the file where it is something else. */
export function readSelection(file: string): SelectResult {
  const hint = 'name a file that spantune select --output has written';
  const read = readJson(file, hint) as Partial<SelectResult> | null;
  const whole =
    typeof read?.task === 'string' &&
    typeof read.model === 'string' &&
    Array.isArray(read.layers) &&
    read.layers.every((layer) => typeof layer?.layer === 'number') &&
    Array.isArray(read.scores) &&
    read.scores.every((score) => typeof score?.name === 'string' && Array.isArray(score.layers));
  if (!whole) throw new UserError('is no measurement of the layers', { file, hint });
  return read as SelectResult;
}

/**
 * One run of each task and model for which a score is asked for that was not measured, with all names to measure: those that work on the
 * task and choose something.
 */
export function lackingScores(
  records: readonly RunRecord[],
  asked: readonly ScoreName[],
  known: (task: string, model: string) => SelectResult | undefined,
): { record: RunRecord; names: ScoreName[] }[] {
  return groupBy(records, ({ task, modelHash }) => `${task.name}\0${modelHash}`).flatMap((group) => {
    const [record] = group;
    const selection =
      known(record.task.name, record.model) ?? group.find((run) => run.selection !== undefined)?.selection;
    const there = selection ? measuredScores(selection) : [];
    const fits = (name: ScoreName) => {
      const { chooses, regression } = describeScore(name);
      return name !== 'random' && chooses !== 'nothing' && (record.task.kind !== 'regression' || regression);
    };
    const wanted = asked.filter(fits);
    if (wanted.every((name) => there.includes(name))) return [];
    return [{ record, names: [...new Set<ScoreName>([...there.filter(fits), ...wanted])] }];
  });
}
