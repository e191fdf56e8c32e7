/** A dry run for people. */
import { formatBytes, formatCount, formatInteger, formatSeconds } from '../report/format.js';
import { renderTable } from '../report/table.js';
import type { PlannedArm } from './arms.js';
import type { DryRun } from './dry-run.js';

/** A row an arm, then the sums. */
export function renderDryRun(dry: DryRun): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    { title: 'task' },
    { title: 'arm' },
    { title: 'layers' },
    right('runs'),
    right('tuned'),
    right('FLOPs'),
    right('memory'),
    right('time'),
  ];
  const several = new Set(dry.arms.map(({ model }) => model)).size > 1;
  const rows = dry.arms.map(
    ({ task, model, id, triple, sameAs, note, runs, trials, trainable, flops, memory, seconds }) => {
      const front = [several ? `${task}, ${model}` : task, id, triple ? placed(triple) : ''];
      if (runs === 0) return [...front, sameAs === undefined ? (note ?? '–') : `same as ${sameAs}`];
      const count = trials > 0 ? `${runs} + ${trials}` : String(runs);
      return [...front, count, formatCount(trainable), formatCount(flops), formatBytes(memory), formatSeconds(seconds)];
    },
  );
  const { runs, trials, selections, finished } = dry;
  const counts = [
    `${formatInteger(runs)} run${runs === 1 ? '' : 's'}`,
    trials > 0 ? `${formatInteger(trials)} trials` : '',
    selections > 0 ? `${selections} measurement${selections > 1 ? 's' : ''} of the layers` : '',
  ];
  return [
    renderTable(columns, rows),
    '',
    counts.filter(Boolean).join(', ') + (finished > 0 ? `; ${formatInteger(finished)} of them finished` : ''),
    ...(dry.flops > 0 ? work(dry) : ['nothing is left to run. Figures of rows are of one run.']),
    ...dry.notes,
  ].join('\n');
}

function work({ finished, flops, seconds, memory, disk, cache, jobs, threads }: DryRun): string[] {
  const left = finished > 0 ? 'left: ' : '';
  return [
    `${left}${formatCount(flops)}FLOPs, about ${formatSeconds(seconds)} with ${jobs} side by side, ${threads} thread${threads > 1 ? 's' : ''} each`,
    `memory: ${formatBytes(memory)} for the largest run; disk: ${formatBytes(disk)}${cache > 0 ? `, and ${formatBytes(cache)} of cached states, which may be deleted` : ''}. Figures of rows are of one run.`,
  ];
}

function placed({ bottom, top, head }: NonNullable<PlannedArm['triple']>): string {
  return bottom === null ? `– @ ${head}` : `${bottom === top ? bottom : `${bottom}-${top}`} @ ${head}`;
}
