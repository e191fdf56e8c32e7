/** The ν curve as a table with bars, the chosen layer, and the arm that follows from it. */
import { basename } from 'node:path';
import type { SelectResult } from '../pipeline/types.js';
import { describeArm } from '../selection/arms.js';
import { formatBar, formatInteger, formatNumber, formatPercent, formatSeconds } from './format.js';
import { renderScores } from './scores.js';
import { plain, type Style } from './style.js';
import { renderTable } from './table.js';

const BAR = 8;

/** What `spantune select` prints; several lines, without the last line's end. */
export function renderSelection(result: SelectResult, style: Style = plain): string {
  const lines = [heading(result, style), ''];
  if (result.layers.some(({ nu }) => nu !== null)) lines.push(curve(result, style), '');
  if (result.scores.length > 1) lines.push(renderScores(result, style), '');
  lines.push(choice(result, style), proposal(result, style));
  if (result.undecided && result.halfSamples > 0 && result.score === 'nu') {
    lines.push(
      `${style.yellow('ν hardly separates these layers:')} none is chosen in half of the half-samples. A neighbour may serve as well; more inputs may decide.`,
    );
  }
  const other = rival(result);
  if (other) {
    lines.push(
      `${style.yellow(`Half of these inputs choose layer ${other.layer}`)} (${formatPercent(other.share)} of half-samples): the order of the layers still depends on how many inputs there are. Compare both.`,
    );
  }
  if (result.leftOut.length > 0) {
    const many = result.leftOut.length > 1;
    lines.push(`left out, with a single example: ${many ? 'classes' : 'class'} ${result.leftOut.join(', ')}.`);
  }
  return lines.join('\n');
}

/** A layer other than ℓ* that half-samples agree on. */
function rival({ layers, selected, score }: SelectResult): { layer: number; share: number } | undefined {
  if (score !== 'nu') return undefined;
  const found = layers.find(({ layer, share }) => layer !== selected && (share ?? 0) >= 0.5);
  return found && { layer: found.layer, share: found.share ?? 0 };
}

function heading({ task, samples, pair, model, shape, seconds }: SelectResult, style: Style): string {
  const inputs = `${formatInteger(samples)} ${pair ? 'pairs' : 'texts'}`;
  const encoder = `${basename(model)} (${shape.layers} layers × ${shape.hidden})`;
  return `${style.bold(task)} · ${inputs} · ${encoder} · ${formatSeconds(seconds)}`;
}

function curve(result: SelectResult, style: Style): string {
  const { layers, selected, arm } = result;
  const highest = Math.max(...layers.map(({ nu }) => nu ?? 0).filter(Number.isFinite));
  const sure = layers.some(({ share }) => share !== null);
  const rows = layers.map(({ layer, nu, low, high, share }) => {
    const marks = [layer === selected ? '◂ ℓ*' : '', layer === arm.head && layer !== selected ? `◂ ${arm.name}` : ''];
    const mark = style.cyan(marks.filter(Boolean).join(' '));
    const bar = style.dim(formatBar((nu ?? 0) / highest, BAR));
    const value = nu === null ? '–' : formatNumber(nu);
    if (!sure) return [String(layer), value, bar, mark];
    const interval = low === null || high === null ? '–' : `${formatNumber(low)} – ${formatNumber(high)}`;
    const often = share === null ? '–' : formatPercent(share);
    return [String(layer), value, bar, interval, style.green(formatBar(share ?? 0, BAR)), often, mark];
  });
  const left = [{ title: 'layer', align: 'right' as const }, { title: 'ν', align: 'right' as const }, {}];
  return sure
    ? renderTable([...left, { title: '95 % interval' }, { title: 'chosen in' }, { align: 'right' }, {}], rows, {
        gap: 2,
      })
    : renderTable([...left, {}], rows, { gap: 2 });
}

function choice({ layers, selected, halfSamples, score, scores }: SelectResult, style: Style): string {
  const chosenBy = scores.find(({ name }) => name === score);
  if (score !== 'nu' && chosenBy)
    return `${style.bold(`ℓ* = ${selected}`)}, the layer with the highest ${chosenBy.title}.`;
  const share = layers.find(({ layer }) => layer === selected)?.share;
  const chosen = style.bold(`ℓ* = ${selected}`);
  if (share === null || share === undefined)
    return `${chosen}, the layer with the lowest ν. How sure that is was not measured.`;
  return `${chosen}, chosen in ${formatPercent(share)} of ${halfSamples} half-samples.`;
}

function proposal({ arm, note, shape }: SelectResult, style: Style): string {
  return describeArm({ ...arm, note }, shape.layers).replace(arm.name, style.bold(arm.name));
}
