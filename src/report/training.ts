/** What a run came to: scores, what was tuned, time and memory. */
import { basename } from 'node:path';
import type { Tuning } from '../model/tuning.js';
import type { Arm, EvaluateResult, TrainResult } from '../pipeline/types.js';
import { describeArm, isNumbered, sameTriple } from '../selection/arms.js';
import {
  formatBytes,
  formatCount,
  formatInteger,
  formatPercent,
  formatPoints,
  formatRange,
  formatSeconds,
} from './format.js';
import { plain, type Style } from './style.js';
import { renderTable } from './table.js';

/** What `spantune train` prints; several lines, without the last line's end. */
export function renderTraining(result: TrainResult, style: Style = plain): string {
  const {
    task,
    arm,
    model,
    layers,
    trainableParameters,
    totalParameters,
    bestEpoch,
    epochs,
    seconds,
    seed,
    inference,
  } = result;
  // A part that would read 0.0 s says nothing; the total and the processor time are no parts.
  const parts = Object.entries(seconds).filter(([part, value]) => !['total', 'cpu'].includes(part) && value >= 0.05);
  const total = seconds.total ?? parts.reduce((sum, [, value]) => sum + value, 0);
  const method = result.tuning === 'fine-tune' ? '' : `, by ${describeTuning(result.tuning)}`;
  const share = formatPercent(trainableParameters / totalParameters);
  const rows = [
    ...metricRows(result.metrics, style),
    ...(epochs > 0 ? [['best epoch', `${bestEpoch} of ${epochs}`]] : []),
    ['tuned', `${formatCount(trainableParameters)} of ${formatCount(totalParameters)} parameters (${share})${method}`],
    [
      'time',
      `${formatSeconds(total)}${parts.length > 0 ? ` (${parts.map(([part, value]) => `${part} ${formatSeconds(value)}`).join(', ')})` : ''}`,
    ],
    ['memory', `${formatBytes(result.peakMemory)} at its peak`],
    ...(inference
      ? [
          [
            'inference',
            `${inference.latency.toPrecision(2)} ms an example, ${formatInteger(inference.throughput)} a second in batches of 32`,
          ],
        ]
      : []),
    ['inputs', `${formatPercent(result.padding)} padding, ${formatPercent(result.truncated)} truncated`],
  ];
  // The curve above has told of the arm already, where it is the proposal.
  const proposed = result.selection?.arm;
  const told = proposed?.name === arm.name && sameTriple(proposed, arm);
  return [
    `${style.bold(`${task}, dev`)} · ${shortArm(arm, layers)} · ${basename(model)} · seed ${seed}`,
    ...(told ? [] : [describeArm(arm, layers)]),
    '',
    renderTable([{}, {}], rows),
  ].join('\n');
}

/** An adapter method with the size that tells runs apart, such as `lora (rank 8)`. */
function describeTuning(tuning: Tuning): string {
  if (tuning === 'fine-tune') return tuning;
  const { method } = tuning;
  if (method === 'lora') return `lora (rank ${tuning.rank}: ${tuning.targets.join(', ')})`;
  if (method === 'bottleneck') return `bottleneck (${tuning.size})`;
  if (method === 'prefix') return `prefix (${tuning.length})`;
  if (method === 'pfeiffer' || method === 'parallel') return `${method} (1/${formatFactor(tuning.reductionFactor)})`;
  return method;
}

/** Without the digits that a size which does not divide the width leaves. */
function formatFactor(factor: number): string {
  return String(Number(factor.toFixed(2)));
}

/** What `spantune evaluate` prints. */
export function renderEvaluation(result: EvaluateResult, style: Style = plain): string {
  const { task, split, examples, run, seconds } = result;
  return [
    `${style.bold(`${task}, ${split}`)} · ${formatInteger(examples)} examples · ${basename(run)} · ${formatSeconds(seconds)}`,
    '',
    renderTable([{}, {}], metricRows({ ...result.metrics, score: result.score }, style)),
  ].join('\n');
}

/**
 * An arm as tables name it: `full (1-6)`, `selected-2 (3-4 @ 4)`, `head-only (@ 4)`, and without a name `layers 3-4 @ 4`; `@` is
 * where the classifier sits, if not on top.
 */
export function shortArm(arm: Arm, layers: number): string {
  const tuned = arm.bottom === null || arm.top === null ? '' : formatRange(arm.bottom, arm.top);
  const head = arm.head < layers || tuned === '' ? `@ ${arm.head}` : '';
  const place = [tuned, head].filter(Boolean).join(' ');
  if (isNumbered(arm)) return `${tuned === '' ? 'classifier' : 'layers'} ${place}`;
  return `${arm.name} (${place})`;
}

/** The score first; it is left out where it is the one metric there is. */
function metricRows(metrics: Record<string, number>, style: Style): string[][] {
  const { score, ...rest } = metrics;
  const single = Object.keys(rest).length === 1 && Object.values(rest)[0] === score;
  const rows = Object.entries(rest).map(([name, value]) => [name, formatPoints(value)]);
  return score === undefined || single ? rows : [['score', style.bold(formatPoints(score))], ...rows];
}
