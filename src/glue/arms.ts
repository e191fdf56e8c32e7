/** A grid's arms on one model and task: which triples they come to, which run once for several names, which do not exist. */
import type { RunConfig } from '../config/schema.js';
import { UserError } from '../errors.js';
import type { Tuning } from '../model/tuning.js';
import type { SelectResult } from '../pipeline/types.js';
import {
  type ArmRequest,
  NoSuchArmError,
  needsSelection,
  resolveArm,
  sameTriple,
  type Triple,
} from '../selection/arms.js';
import { curveOfSelection } from '../selection/select.js';
import { checkSpan } from '../selection/strategies.js';
import type { RateKey } from './schema.js';

/** One line of a table: an arm with a method. */
export interface PlannedArm {
  /** The arm's name, with the method's where the grid has several. */
  id: string;
  name: string;
  /** Index of the method in the grid. */
  method: number;
  /** The measured layers place it. */
  measured?: true;
  /** Absent where there is no such arm, or where its place is not known. */
  triple?: Triple;
  /** The line that trains the same; this one then has no runs of its own. */
  sameAs?: string;
  /** Why there is nothing to run. */
  note?: string;
}

/** What an arm's layers are to its learning rate. */
export type Span = 'full' | 'head-only' | 'span';

export function spanOf({ bottom, top, head }: Triple, layers: number): Span {
  if (bottom === null) return 'head-only';
  return bottom === 1 && top === layers && head === layers ? 'full' : 'span';
}

/** What a learning rate is looked up by, the closest first. */
export function rateKeys(triple: Triple, layers: number, tuning: Tuning): RateKey[] {
  const span = spanOf(triple, layers);
  if (span === 'head-only') return ['head-only', 'adapters', 'fine-tune'];
  if (tuning === 'fine-tune') return span === 'full' ? ['full', 'fine-tune'] : ['fine-tune'];
  return [tuning.method, 'adapters'];
}

/** Throws a `UserError` where an arm cannot fit a model of so many layers, whatever the measurement says. */
export function checkArm(request: ArmRequest, layers: number, { selection }: RunConfig, seed: number): void {
  if (!needsSelection(request)) resolveArm(request, { layers, range: selection.range, seed });
  else checkSpan(request.kind === 'preset' && request.k > 0 ? request.k : 1, layers);
}

export interface ArmContext {
  layers: number;
  config: RunConfig;
  /** Seed of random-k: one draw for the whole grid. */
  seed: number;
  /** Absent where it failed: arms that need it then say `missing`. */
  selection?: SelectResult;
  missing?: string;
}

/**
 * Every arm with every method. `methods`: their names; one that stands alone is not part of an id. `reference`: of two names of one
 * triple, this one runs.
 */
export function planArms(
  requests: readonly ArmRequest[],
  methods: readonly string[],
  context: ArmContext,
  reference?: string,
): PlannedArm[] {
  const planned = methods.flatMap((methodName, method) =>
    requests.map((request): PlannedArm => {
      const id = methods.length > 1 ? `${request.name}, ${methodName}` : request.name;
      const measured = needsSelection(request) ? { measured: true as const } : {};
      return { id, name: request.name, method, ...measured, ...place(request, context) };
    }),
  );
  const [wanted] = reference?.split(', ') ?? [];
  const first = [...planned.filter(({ id, name }) => id === reference || name === wanted), ...planned];
  return planned.map((arm) => {
    const runs = first.find((other) => trainsTheSame(other, arm));
    return runs === undefined || runs === arm ? arm : { ...arm, sameAs: runs.id };
  });
}

/** Two lines whose runs would have the same layers and method; without tuned layers there is no method. */
function trainsTheSame(a: PlannedArm, b: PlannedArm): boolean {
  if (!a.triple || !b.triple || !sameTriple(a.triple, b.triple)) return false;
  return a.method === b.method || a.triple.bottom === null;
}

function place(
  request: ArmRequest,
  { layers, config, seed, selection, missing }: ArmContext,
): Pick<PlannedArm, 'triple' | 'note'> {
  if (needsSelection(request) && !selection) return { note: missing ?? 'the layers were not measured' };
  try {
    const { bottom, top, head } = resolveArm(request, {
      layers,
      ...(selection && curveOfSelection(selection)),
      range: config.selection.range,
      seed,
    });
    return { triple: { bottom, top, head } };
  } catch (cause) {
    if (cause instanceof NoSuchArmError)
      return { note: cause.message.replace(/^there is no arm \S+ here/, 'no such arm') };
    if (cause instanceof UserError) return { note: cause.message };
    throw cause;
  }
}
