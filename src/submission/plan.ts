/** Which run answers which test set of a submission. */
import { UserError } from '../errors.js';
import { SUBMISSION_FILES, SUBMISSION_TASKS, type SubmissionFile } from './files.js';

/** A run, and the name of GLUE's task that it was trained on. */
export interface TaskRun {
  run: string;
  task: string;
}

export interface PlannedFile extends SubmissionFile {
  run: string;
}

/**
 * The files that the runs can predict, in GLUE's order, and the tasks that none of them has. Throws a `UserError` where a task is none
 * of a submission's, two runs have the same one, or some are missing and `partial` does not allow it.
 */
export function planSubmission(
  runs: readonly TaskRun[],
  partial: boolean,
): { files: PlannedFile[]; missing: string[] } {
  const runOf = new Map<string, string>();
  for (const { run, task } of runs) {
    if (!SUBMISSION_TASKS.includes(task)) {
      throw new UserError(`its task ${task} is none of a submission's`, {
        file: run,
        hint: `those are ${SUBMISSION_TASKS.join(', ')}; AX is predicted by the run of mnli`,
      });
    }
    const other = runOf.get(task);
    if (other !== undefined) {
      throw new UserError(`two runs of ${task}: ${other} and ${run}`, { hint: 'give one run for each task' });
    }
    runOf.set(task, run);
  }
  const missing = SUBMISSION_TASKS.filter((task) => !runOf.has(task));
  if (missing.length > 0 && !partial) {
    throw new UserError(`no run of ${missing.join(', ')}`, {
      hint: "GLUE's server scores a submission of all tasks alone; --partial writes what there is",
    });
  }
  const files = SUBMISSION_FILES.flatMap((file) => {
    const run = runOf.get(file.task);
    return run === undefined ? [] : [{ ...file, run }];
  });
  return { files, missing };
}
