/** Which runs stand in which row of a table, which rows are one and the same, and what rows are called. */
import { UserError } from '../errors.js';
import { displayPath } from '../files.js';
import type { Arm } from '../pipeline/types.js';
import { isNumbered, PRESET_NAMES, sameTriple, type Triple } from '../selection/arms.js';
import { differingSettings } from './settings.js';
import type { ComparisonRow, Measuring, RunRecord } from './types.js';

/** A row in the making: an arm with a method, and its runs by ascending seed. */
export interface Line {
  id: string;
  arm: Arm;
  method: string;
  records: RunRecord[];
  /** What placed this arm, whoever has the runs. */
  measuring?: Measuring;
  /** The line that trains the same and has the runs of both. */
  sameAs?: string;
}

/**
 * The lines of one task and model. Runs are one line where arm, layers and method are the same; of lines that train the same under
 * several names, one (the reference, or the first) has the runs and the others point to it. Where a seed ran with several learning
 * rates, each is a line of its own.
 *
 * @throws UserError where one line has two runs with the same seed; it names both folders.
 */
export function linesOf(
  records: readonly RunRecord[],
  { reference, severalMethods }: { reference: string; severalMethods: boolean },
): Line[] {
  return trainedAlike(records).flatMap(({ alike, byRate }) => {
    const named = groupBy(alike, ({ arm, method }) => `${arm.name}\0${method}`)
      .map((group): Line => {
        checkSeeds(group);
        const [{ arm, method, layers, learningRate, measuring }] = group;
        const place = isAmbiguous(group[0], records) ? ` (${placeOf(arm, layers)})` : '';
        const rate = byRate ? `, lr ${learningRate.toExponential()}` : '';
        const id = `${arm.name}${place}${severalMethods ? `, ${method}` : ''}${rate}`;
        return { id, arm, method, records: group, ...(measuring ? { measuring } : {}) };
      })
      .sort(byArm(severalMethods));
    const chosen = named.find((line) => isNamed(reference, line)) ?? named[0];
    const own = new Set(chosen.records.map(({ seed }) => seed));
    // Seeds that ran under another name of the same arm are the arm's too.
    const others = named.flatMap((line) => line.records).filter(({ seed }) => !own.has(seed));
    const shared = [...chosen.records, ...oneEach(others)].sort((a, b) => a.seed - b.seed);
    return named.map((line) => ({
      ...line,
      records: shared,
      ...(line === chosen ? {} : { sameAs: chosen.id }),
    }));
  });
}

/** Whether a reference, such as `full` or `full, lora`, means the line. */
export function isNamed(reference: string, { id, arm, method }: Pick<ComparisonRow, 'id' | 'arm' | 'method'>): boolean {
  return reference === id || reference === arm.name || reference === `${arm.name}, ${method}`;
}

/** Runs by what they train; split by learning rate where a seed ran with several. Without tuned layers there is no method. */
function trainedAlike(records: readonly RunRecord[]): { alike: RunRecord[]; byRate: boolean }[] {
  const key = ({ arm: { bottom, top, head }, method }: RunRecord) =>
    [bottom, top, head, bottom === null ? '' : method].join('\0');
  return groupBy(records, key).flatMap((alike): { alike: RunRecord[]; byRate: boolean }[] => {
    const collide = groupBy(alike, ({ seed }) => String(seed)).some((runs) => ratesOf(runs).length > 1);
    if (!collide) return [{ alike, byRate: false }];
    return groupBy(alike, ({ learningRate }) => String(learningRate)).map((runs) => ({ alike: runs, byRate: true }));
  });
}

export function ratesOf(records: readonly RunRecord[]): number[] {
  return [...new Set(records.map(({ learningRate }) => learningRate))].sort((a, b) => a - b);
}

/** Such as `3-4 @ 4`; the classifier's layer is left out where it is the top. */
function placeOf({ bottom, top, head }: Triple, layers: number): string {
  const tuned = bottom === null ? '' : bottom === top ? String(bottom) : `${bottom}-${top}`;
  return [tuned, head < layers || tuned === '' ? `@ ${head}` : ''].filter(Boolean).join(' ');
}

/** The same arm came to other layers in other runs. */
function isAmbiguous({ arm, method }: RunRecord, records: readonly RunRecord[]): boolean {
  return records.some((other) => other.arm.name === arm.name && other.method === method && !sameTriple(other.arm, arm));
}

function checkSeeds(group: readonly RunRecord[]): void {
  for (const [one, two] of groupBy(group, ({ seed }) => String(seed))) {
    if (!two) continue;
    const settings = differingSettings([one, two]).map(({ key }) => key);
    const but = settings.length > 0 ? `, which differ in ${settings.join(' and ')}` : '';
    const folders = `${displayPath(one.folder)} and ${displayPath(two.folder)}`;
    throw new UserError(`two runs of ${one.task.name} ${one.arm.name} have seed ${one.seed}: ${folders}${but}`, {
      hint: 'leave one of the two out',
    });
  }
}

function oneEach(records: readonly RunRecord[]): RunRecord[] {
  return groupBy(records, ({ seed }) => String(seed)).map(([first]) => first);
}

type Placed = Pick<ComparisonRow, 'id' | 'arm' | 'method'> & { learningRates?: number[] };

/** Order of rows: fine-tuning before the other methods, where there are several; then by preset, k, layers, learning rate. */
export function byArm(severalMethods: boolean): (a: Placed, b: Placed) => number {
  const rank = ({ id, arm, method, learningRates }: Placed) => [
    severalMethods && method !== 'fine-tune' ? method : '',
    ...presetRank(arm.name),
    isNumbered(arm) ? '' : arm.name,
    arm.head,
    arm.bottom ?? 0,
    learningRates?.[0] ?? 0,
    id,
  ];
  return (a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const at = left.findIndex((value, i) => value !== right[i]);
    return at < 0 ? 0 : left[at] < right[at] ? -1 : 1;
  };
}

function presetRank(name: string): [preset: number, k: number] {
  const preset = name.replace(/-\d+(?=-top$|$)/, '-k');
  const at = (PRESET_NAMES as string[]).indexOf(preset);
  return [at < 0 ? PRESET_NAMES.length : at, Number(/-(\d+)(?=-top$|$)/.exec(name)?.[1] ?? 0)];
}

/** Groups in the order in which their keys come up. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return [...groups.values()];
}
