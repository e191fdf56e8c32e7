/** What each selection rule chooses for k: from the scores of a `SelectResult` to layers, whatever k they were measured for. */
import type { LayerScoreResult, SelectResult } from '../pipeline/types.js';
import type { Triple } from '../selection/arms.js';
import { describeScore, type ScoreName } from '../selection/scores/catalogue.js';
import { proposal } from '../selection/scores/choose.js';
import { rankCorrelation } from '../selection/scores/rank-correlation.js';

export interface Rule {
  name: string;
  title: string;
  /** Null where it has no values. */
  arm: Triple | null;
  /** Where it may choose: the layer of the classifier, or the span below a classifier on top. */
  chooses: 'head' | 'span';
  /** Of layers 1…L, higher is better; `top` has none. */
  values: (number | null)[];
  missing?: string;
}

/** Tuning the top k layers: what everybody does. */
export function topRule(layers: number, k: number): Rule {
  const arm = { bottom: layers - k + 1, top: layers, head: layers };
  return { name: 'top', title: 'top', arm, chooses: 'head', values: [] };
}

/** One rule for each score that may choose; the random score is left out, since its mean is known exactly. */
export function rulesOf(selection: SelectResult, k: number): Rule[] {
  return scoresOf(selection)
    .filter(({ name }) => name !== 'random' && describeScore(name).chooses !== 'nothing')
    .map(({ name, title, layers, missing }): Rule => {
      const { chooses } = describeScore(name);
      const values = layers.map(({ value }) => value);
      const { arm } = proposal(name, values, { k, range: 'fit' });
      return {
        name,
        title: name === 'nu' ? 'ν' : name === 'debiased-nu' ? 'ν debiased' : title,
        arm: arm && { bottom: arm.bottom, top: arm.top, head: arm.head },
        chooses: chooses === 'span' ? 'span' : 'head',
        values,
        ...(missing === undefined ? {} : { missing }),
      };
    });
}

/** Names of the scores that a measurement holds. */
export const measuredScores = (selection: SelectResult): ScoreName[] => scoresOf(selection).map(({ name }) => name);

/** ν is measured always; results of earlier versions hold no list of scores. */
function scoresOf({ scores, layers }: SelectResult): Pick<LayerScoreResult, 'name' | 'title' | 'layers' | 'missing'>[] {
  const listed = scores ?? [];
  if (listed.some(({ name }) => name === 'nu')) return listed;
  const values = layers.map(({ layer, nu }) => ({ layer, value: nu === null ? null : -nu }));
  return [{ name: 'nu', title: describeScore('nu').title, layers: values }, ...listed];
}

/**
 * A rule's value of each position: of the classifier's layer, or the sum over the tuned layers. `heads`: the layer that each position ends
 * at. Null where a layer has no value.
 */
export function valuesAt({ chooses, values }: Rule, heads: readonly number[], k: number): (number | null)[] {
  return heads.map((head) => {
    if (chooses === 'head') return values[head - 1];
    return values.slice(head - k, head).reduce<number | null>((sum, value) => {
      return sum === null || value === null ? null : sum + value;
    }, 0);
  });
}

/** Spearman's correlation of a rule's values with tuned scores; null where one side is constant. */
export function rankOf(rule: Rule, heads: readonly number[], k: number, tuned: readonly number[]): number | null {
  return rankCorrelation(valuesAt(rule, heads, k), tuned);
}
