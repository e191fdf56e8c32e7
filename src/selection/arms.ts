/** Arms: which layers are tuned and where the classifier sits. */

import { UserError } from '../errors.js';
import { nearest } from '../nearest.js';
import { stream } from '../random.js';
import { checkExpression, evaluateLayer, namesSelected } from './expressions.js';
import { bestLayer, bestSpan, checkSpan, type SelectionRange, selectedSpan } from './strategies.js';

/** 1 ≤ bottom ≤ top ≤ head ≤ L; bottom and top are null where nothing but the classifier is trained. */
export interface Triple {
  bottom: number | null;
  top: number | null;
  head: number;
}

export interface ResolvedArm extends Triple {
  name: string;
  /** What the range of selected-k changed, where it did; completes the arm's description in parentheses. */
  note?: string;
}

/** An arm as a configuration states it: a preset's name, or three layers, as numbers or as expressions in `l*` and `L`. */
export type ArmSpec =
  | string
  | { name?: string; bottom?: number | string | null; top?: number | string | null; head?: number | string };

/** An arm that was read but not yet placed in a model. Plain data. */
export type ArmRequest =
  | { kind: 'preset'; name: string; preset: Preset; k: number }
  | { kind: 'explicit'; name: string; bottom: string | null; top: string | null; head: string };

/** The task's ν or the model's depth leaves this arm without layers (above ℓ* when ℓ* = L); in a table of arms, not a failure. */
export class NoSuchArmError extends UserError {
  override name = 'NoSuchArmError';
}

/** How a score chooses. */
export interface Criterion {
  /** `head`: the layer that selected-k ends at, with the classifier; `span`: the k layers of selected-k, the classifier on top. */
  chooses: 'head' | 'span';
  /** Such as `highest LogME`. */
  words: string;
}

export interface ArmContext {
  /** L. */
  layers: number;
  /** ν of layers 1…L; not needed where `needsSelection` says so. */
  nu?: ArrayLike<number>;
  /** What stands in `nu`, where it is another score than ν: higher is better there, so negated here. */
  by?: Criterion;
  /** Where the argmin of selected-k runs. */
  range: SelectionRange;
  /** Seed of random-k. */
  seed?: number;
}

type Place = (context: ArmContext & { selected: number }, k: number) => Triple & { note?: string };

/** Every named arm; `-k` stands for a number of layers. */
const PRESETS = {
  full: { nu: false, place: ({ layers }) => ({ bottom: 1, top: layers, head: layers }) },
  'top-k': { nu: false, place: ({ layers }, k) => ({ bottom: layers - k + 1, top: layers, head: layers }) },
  'bottom-k': { nu: false, place: ({ layers }, k) => ({ bottom: 1, top: k, head: layers }) },
  'selected-k': { nu: true, place: (context, k) => placeSelected(context, k) },
  'selected-k-top': { nu: true, place: (context, k) => ({ ...placeSelected(context, k), head: context.layers }) },
  'up-to-selected': { nu: true, place: ({ selected }) => ({ bottom: 1, top: selected, head: selected }) },
  'above-selected': {
    nu: true,
    place: ({ selected, layers }) => ({ bottom: selected + 1, top: layers, head: layers }),
  },
  'head-only': { nu: true, place: ({ selected }) => ({ bottom: null, top: null, head: selected }) },
  'head-only-top': { nu: false, place: ({ layers }) => ({ bottom: null, top: null, head: layers }) },
  'random-k': { nu: false, place: (context, k) => placeRandom(context, k) },
} satisfies Record<string, { nu: boolean; place: Place }>;

export type Preset = keyof typeof PRESETS;

/** Names of the presets, as help texts list them. */
export const PRESET_NAMES = Object.keys(PRESETS) as Preset[];

const HINT = `arms: ${PRESET_NAMES.join(', ')} (k: a number of layers), or { bottom: l*, top: L, head: L }`;

/** Whether nothing but the classifier is trained, wherever the arm is placed. */
export function tunesNoLayer(request: ArmRequest): boolean {
  return request.kind === 'preset' ? request.preset.startsWith('head-only') : request.bottom === null;
}

/** Reads an arm. Throws a `UserError` that lists the names, with the nearest one, where there is no such arm. */
export function parseArm(spec: ArmSpec): ArmRequest {
  return typeof spec === 'string' ? parsePreset(spec) : parseExplicit(spec);
}

/** Whether it is the name of a preset that ν places. */
export function isPlacedByName(name: string): boolean {
  const { preset } = splitName(name);
  return Object.hasOwn(PRESETS, preset) && PRESETS[preset as Preset].nu;
}

function splitName(name: string): { preset: string; k: number } {
  const digits = /-(\d+)(?=-top$|$)/.exec(name);
  return digits ? { preset: name.replace(/-\d+/, '-k'), k: Number(digits[1]) } : { preset: name, k: 0 };
}

function parsePreset(name: string): ArmRequest {
  const { preset, k } = splitName(name);
  if (Object.hasOwn(PRESETS, preset) && (k > 0 || !preset.includes('-k'))) {
    return { kind: 'preset', name, preset: preset as Preset, k };
  }
  const near = nearest(preset, PRESET_NAMES);
  const meant = near?.replace('-k', `-${k || 2}`);
  throw new UserError(`there is no arm "${name}"`, { hint: meant ? `did you mean "${meant}"? ${HINT}` : HINT });
}

function parseExplicit({ name, bottom = null, top = null, head }: Exclude<ArmSpec, string>): ArmRequest {
  if (head === undefined) {
    throw new UserError('the arm has no head, the layer that the classifier reads', {
      hint: 'add head: l* or head: L',
    });
  }
  if ((bottom === null) !== (top === null)) {
    throw new UserError(
      `the arm has a ${bottom === null ? 'top' : 'bottom'} but no ${bottom === null ? 'bottom' : 'top'}`,
      {
        hint: 'state both, or neither for an arm that trains the classifier alone',
      },
    );
  }
  for (const [end, layer] of Object.entries({ bottom, top, head })) {
    if (typeof layer !== 'number' || Number.isInteger(layer)) continue;
    throw new UserError(`${end} must be a whole number, or an expression in l* and L, not ${layer}`, { hint: HINT });
  }
  if (name === '') throw new UserError("the arm's name is empty", { hint: 'leave it out, or give it one' });
  const [low, high, reads] = [bottom, top, head].map((layer) => (layer === null ? null : String(layer)));
  for (const expression of [low, high, reads]) {
    if (expression !== null) checkExpression(expression);
  }
  const [from, to, at] = [low, high, reads].map((expression) => expression?.replaceAll(' ', '') ?? '');
  return {
    kind: 'explicit',
    name: name ?? (low === null ? `head@${at}` : `${from}..${to}@${at}`),
    bottom: low,
    top: high,
    head: String(reads),
  };
}

/** Whether ν has to be measured before the arm can be placed. */
export function needsSelection(request: ArmRequest): boolean {
  if (request.kind === 'preset') return PRESETS[request.preset].nu;
  return [request.bottom, request.top, request.head].some((layer) => layer !== null && namesSelected(layer));
}

/**
 * Places an arm in a model. Layer expressions that are no whole number are floored.
 *
 * @throws NoSuchArmError where the span is empty, or leaves the model by way of `l*`.
 * @throws UserError where k or a layer number does not fit the model, or ν is needed and absent.
 */
export function resolveArm(request: ArmRequest, context: ArmContext): ResolvedArm {
  const { layers, nu } = context;
  if (needsSelection(request) && nu === undefined) {
    throw new UserError(`arm ${request.name} needs ν, which was not measured`, {
      hint: 'state the arm with layer numbers',
    });
  }
  const selected = nu ? bestLayer(nu) : undefined;
  if (request.kind === 'preset') {
    checkSpan(request.k, layers);
    const place: Place = PRESETS[request.preset].place;
    const placed = place({ ...context, selected: selected ?? layers }, request.k);
    return checkTriple({ name: request.name, ...placed }, layers, true);
  }
  const at = (expression: string) => evaluateLayer(expression, { selected, layers });
  const { name, bottom, top, head } = request;
  const triple = {
    name,
    bottom: bottom === null ? null : at(bottom),
    top: top === null ? null : at(top),
    head: at(head),
  };
  const measured = needsSelection(request);
  return checkTriple(triple, layers, measured, measured ? selected : undefined);
}

/** Whether the two arms train the same model; they then run once. */
export function sameTriple(a: Triple, b: Triple): boolean {
  return a.bottom === b.bottom && a.top === b.top && a.head === b.head;
}

/** Whether an arm has no name of its own, but one made of its layer numbers. */
export function isNumbered({ name }: { name: string }): boolean {
  return /^(?:\d+\.\.\d+|head)@\d+$/.test(name);
}

/** One sentence: `selected-2 → tune layers 3-4, classifier at layer 4, layers 5-6 dropped (lowest ν among …).` */
export function describeArm(arm: ResolvedArm, layers: number): string {
  const { name, bottom, top, head, note } = arm;
  const parts: string[] = [];
  if (bottom === null || top === null) parts.push('tune the classifier alone', `at layer ${head}`);
  else {
    parts.push(`tune ${layerRange(bottom, top)}`);
    if (head > top) parts.push(`${layerRange(top + 1, head)} frozen above`);
    parts.push(`classifier at layer ${head}`);
  }
  if (head < layers) parts.push(`${layerRange(head + 1, layers)} dropped`);
  return `${isNumbered(arm) ? '' : `${name} → `}${parts.join(', ')}${note ? ` (${note})` : ''}.`;
}

function layerRange(from: number, to: number): string {
  return from === to ? `layer ${from}` : `layers ${from}-${to}`;
}

function placeSelected({ nu = [], range, by, layers }: ArmContext, k: number): Triple & { note?: string } {
  if (by?.chooses === 'span') {
    const bottom = bestSpan(nu, k);
    return { bottom, top: bottom + k - 1, head: layers, note: `${by.words} in sum` };
  }
  const { bottom, head, note } = selectedSpan(nu, k, range, by?.words);
  return { bottom, top: head, head, ...(note === undefined ? {} : { note }) };
}

/** As selected-k, but the last layer is drawn from k…L. */
function placeRandom({ layers, seed }: ArmContext, k: number): Triple {
  if (seed === undefined) throw new UserError(`arm random-${k} needs a seed`, { hint: 'give a seed' });
  const head = k + stream(seed, 'random-arm', k).integer(layers - k + 1);
  return { bottom: head - k + 1, top: head, head };
}

function checkTriple(arm: ResolvedArm, layers: number, measured: boolean, selected?: number): ResolvedArm {
  const { name, bottom, top, head } = arm;
  const tuned = bottom !== null && top !== null;
  const numbers = tuned ? `bottom ${bottom}, top ${top}, head ${head}` : `head ${head}`;
  if (measured && tuned && bottom === top + 1 && bottom >= 1 && top <= head && head <= layers) {
    throw new NoSuchArmError(`there is no arm ${name} here: no layer is left to tune (${numbers})`, {
      hint: 'choose another arm for this task and model',
    });
  }
  const fits = head >= 1 && head <= layers && (!tuned || (bottom >= 1 && bottom <= top && top <= head));
  if (fits) return arm;
  const message = `arm ${name} does not fit a model of ${layers} layers: ${numbers}`;
  const rule = 'layers must satisfy 1 ≤ bottom ≤ top ≤ head ≤ L';
  const hint =
    selected === undefined
      ? rule
      : `${rule}, and ℓ* is ${selected} here: state numbers, or take selected-k, whose layers always fit`;
  throw measured ? new NoSuchArmError(message, { hint }) : new UserError(message, { hint });
}
