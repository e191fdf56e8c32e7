/** The ν curve as a table with bars, the chosen layer, and the arm that follows from it. */
import { basename } from 'node:path';
import type { Arm, SelectResult } from '../pipeline/types.js';
import { formatBar, formatInteger, formatNumber, formatPercent, formatRange, formatSeconds } from './format.js';
import { plain, type Style } from './style.js';
import { renderTable } from './table.js';

const BAR = 8;

/** What `spantune select` prints; several lines, without the last line's end. */
export function renderSelection(result: SelectResult, style: Style = plain): string {
  const lines = [heading(result, style), '', curve(result, style), '', choice(result, style), proposal(result, style)];
  if (result.undecided && result.halfSamples > 0) {
    lines.push(
      `${style.yellow('ν hardly separates these layers:')} none is chosen in half of the half-samples. Measure on more inputs, or also tune a neighbour.`,
    );
  }
  if (result.leftOut.length > 0) {
    const many = result.leftOut.length > 1;
    lines.push(`left out, with a single example: ${many ? 'classes' : 'class'} ${result.leftOut.join(', ')}.`);
  }
  return lines.join('\n');
}

/** An arm in words: `selected-2 → tune layers 3-4, classifier at layer 4, layers 5-6 dropped`. */
export function describeArm(arm: Arm, layers: number): string {
  const tuned =
    arm.bottom === null || arm.top === null
      ? 'tune the classifier alone'
      : `tune layer${arm.bottom === arm.top ? '' : 's'} ${formatRange(arm.bottom, arm.top)}`;
  const dropped =
    arm.head < layers
      ? `, layer${arm.head + 1 === layers ? '' : 's'} ${formatRange(arm.head + 1, layers)} dropped`
      : '';
  return `${arm.name} → ${tuned}, classifier at layer ${arm.head}${dropped}`;
}

function heading({ task, samples, pair, model, shape, seconds }: SelectResult, style: Style): string {
  const inputs = `${formatInteger(samples)} ${pair ? 'pairs' : 'texts'}`;
  const encoder = `${basename(model)} (${shape.layers} layers × ${shape.hidden})`;
  return `${style.bold(task)} · ${inputs} · ${encoder} · ${formatSeconds(seconds)}`;
}

function curve(result: SelectResult, style: Style): string {
  const { layers, selected, arm } = result;
  const highest = Math.max(...layers.map(({ nu }) => nu).filter(Number.isFinite));
  const sure = layers.some(({ share }) => share !== null);
  const rows = layers.map(({ layer, nu, low, high, share }) => {
    const marks = [layer === selected ? '◂ ℓ*' : '', layer === arm.head && layer !== selected ? `◂ ${arm.name}` : ''];
    const mark = style.cyan(marks.filter(Boolean).join(' '));
    const bar = style.dim(formatBar(nu / highest, BAR));
    if (!sure) return [String(layer), formatNumber(nu), bar, mark];
    const interval = low === null || high === null ? '–' : `${formatNumber(low)} – ${formatNumber(high)}`;
    const often = share === null ? '–' : formatPercent(share);
    return [String(layer), formatNumber(nu), bar, interval, style.green(formatBar(share ?? 0, BAR)), often, mark];
  });
  const left = [{ title: 'layer', align: 'right' as const }, { title: 'ν', align: 'right' as const }, {}];
  return sure
    ? renderTable([...left, { title: '95 % interval' }, { title: 'chosen in' }, { align: 'right' }, {}], rows, {
        gap: 2,
      })
    : renderTable([...left, {}], rows, { gap: 2 });
}

function choice({ layers, selected, halfSamples }: SelectResult, style: Style): string {
  const share = layers.find(({ layer }) => layer === selected)?.share;
  const chosen = style.bold(`ℓ* = ${selected}`);
  if (share === null || share === undefined)
    return `${chosen}, the layer with the lowest ν. How sure that is was not measured.`;
  return `${chosen}, chosen in ${formatPercent(share)} of ${halfSamples} half-samples.`;
}

function proposal({ arm, k, range, selected, shape, layers }: SelectResult, style: Style): string {
  const words = describeArm(arm, shape.layers).replace(arm.name, style.bold(arm.name));
  if (range === 'fit' && arm.head !== selected) {
    const candidates = formatRange(Math.min(k, shape.layers), shape.layers);
    const fit = k === 1 ? 'one layer fits' : `${NUMBERS[k] ?? k} layers fit`;
    return `${words} (lowest ν among layers ${candidates}, where ${fit}).`;
  }
  const tuned = arm.bottom === null || arm.top === null ? 0 : arm.top - arm.bottom + 1;
  const cut = range === 'all' && tuned < Math.min(k, layers.length) ? ` (cut at layer 1: ${tuned} of ${k} layers)` : '';
  return `${words}${cut}.`;
}

const NUMBERS: Record<number, string> = { 2: 'two', 3: 'three', 4: 'four', 5: 'five', 6: 'six' };
