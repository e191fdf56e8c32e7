/** From a measured score to what places an arm. */
import { UserError } from '../../errors.js';
import { type Criterion, parseArm, type ResolvedArm, resolveArm } from '../arms.js';
import { bestLayer, type SelectionRange } from '../strategies.js';
import { describeScore, type ScoreName } from './catalogue.js';

/** A score as `resolveArm` reads it: lower is better, and infinite where a layer has none. */
export interface ScoreCurve {
  nu: number[];
  by?: Criterion;
}

/** `values`: layers 1…L, higher is better. Throws a `UserError` where the score chooses no arm or no layer has a value. */
export function curveOf(name: ScoreName, values: readonly (number | null)[], missing?: string): ScoreCurve {
  const { chooses, title } = describeScore(name);
  if (chooses === 'nothing') {
    throw new UserError(`${name} is printed and chooses no arm`, { hint: 'choose by another score, such as nu' });
  }
  if (values.every((value) => value === null)) {
    throw new UserError(`no layer can be chosen by ${name}: ${missing ?? 'no layer has a value'}`, {
      hint: 'measure on fewer inputs (samples), allow more disk (selection.stateBytes), or choose by nu',
    });
  }
  const nu = values.map((value) => (value === null ? Number.POSITIVE_INFINITY : -value));
  if (name === 'nu') return { nu };
  const words = name === 'debiased-nu' ? 'lowest debiased ν' : `highest ${title}`;
  return { nu, by: { chooses, words } };
}

/** The layer with the highest value, and selected-k, by this score; nulls where it chooses nothing. */
export function proposal(
  name: ScoreName,
  values: readonly (number | null)[],
  { k, range }: { k: number; range: SelectionRange },
): { selected: number | null; arm: ResolvedArm | null } {
  const { chooses } = describeScore(name);
  if (chooses === 'nothing' || values.every((value) => value === null)) return { selected: null, arm: null };
  const curve = curveOf(name, values);
  return {
    selected: bestLayer(curve.nu),
    arm: resolveArm(parseArm(`selected-${k}`), { ...curve, layers: values.length, range }),
  };
}
