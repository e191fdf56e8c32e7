/** An arm in a model, as far as it can be checked before anything is measured. */
import type { RunConfig } from '../config/schema.js';
import { UserError } from '../errors.js';
import {
  type ArmContext,
  type ArmRequest,
  NoSuchArmError,
  needsSelection,
  type ResolvedArm,
  resolveArm,
} from '../selection/arms.js';
import { checkSpan } from '../selection/strategies.js';
import type { OpenModel } from './model.js';

/** The arm, where ν leaves it layers to tune: above-selected, with ℓ* on top, is none. */
export function armIfAny(request: ArmRequest, context: ArmContext): ResolvedArm | undefined {
  try {
    return resolveArm(request, context);
  } catch (cause) {
    if (cause instanceof NoSuchArmError) return undefined;
    throw cause;
  }
}

/**
 * Measuring the layers may take an hour, so what cannot fit the model is told before. Throws a `UserError` that names the model:
 * more layers to tune than there are, or a layer outside the model.
 */
export function checkSpans(request: ArmRequest | undefined, model: OpenModel, { selection, seed }: RunConfig): void {
  const { layers } = model.config;
  try {
    if (request && !needsSelection(request)) resolveArm(request, { layers, range: selection.range, seed });
    else checkSpan(request?.kind === 'preset' && request.k > 0 ? request.k : selection.k, layers);
  } catch (cause) {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(cause.message, { file: model.folder, hint: cause.hint, cause });
  }
}
