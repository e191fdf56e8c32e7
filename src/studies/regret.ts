/** Should a selection rule be trusted? What each loses against the best head position, and how alike its score and tuning order them. */
import type { RunRecord } from '../comparison/types.js';
import { quantile } from '../metrics/significance/difference.js';
import type { SelectResult } from '../pipeline/types.js';
import { sameTriple } from '../selection/arms.js';
import { type CrossFit, crossFit, interval } from './cross-fit.js';
import { createScorer } from './halves.js';
import { type Positions, positionsOf, scoredSplits } from './positions.js';
import { type Rule, rankOf, rulesOf, topRule } from './rules.js';
import type { RegretOptions, RegretOverall, RegretReport, RegretStudy, RuleRegret, ScoreRank } from './types.js';

export interface RegretInput {
  records: readonly RunRecord[];
  /** Layers to tune; each k whose head positions all ran, unless told. */
  k?: number;
  /** Measurements beyond those of the runs, by task and model; they count first. */
  selectionOf?(task: string, model: string): SelectResult | undefined;
}

/** Throws a `UserError` where no k has runs at every head position. */
export function regretReport({ records, k, selectionOf }: RegretInput, options: RegretOptions): RegretReport {
  const studies = positionsOf(records, k).map((positions) => {
    const { table } = positions;
    return studyOf(positions, selectionOf?.(table.task.name, table.records[0].model) ?? table.selection, options);
  });
  return { study: 'regret', studies, overall: overallOf(studies), options, notes: notesOf(studies, options) };
}

function studyOf(positions: Positions, selection: SelectResult | undefined, options: RegretOptions): RegretStudy {
  const { table, method, k, seeds, arms, heads } = positions;
  const { task, layers } = table;
  const splits = scoredSplits(positions);
  const fitted = crossFit(
    {
      scorer: createScorer(task, splits),
      sizes: splits.map(({ gold }) => gold.length),
      positions: heads,
      arms: arms.length,
      seeds: seeds.length,
    },
    options,
  );
  const rules = [...(selection ? rulesOf(selection, k) : []), topRule(layers, k)];
  const notes = [...positions.notes];
  if (!selection) notes.push(`${task.name}: no measurement of the layers, so no score is judged`);
  return {
    task,
    model: table.model,
    method,
    layers,
    k,
    seeds,
    examples: table.examples,
    positions: arms.slice(0, heads).map(({ triple, records }, at) => ({
      ...triple,
      scores: records.map(({ score }) => score),
      mean: fitted.means[at],
    })),
    rules: [...rules.map((rule) => ruleRegret(rule, positions, fitted)), ...blindRules(fitted, heads)],
    ranks: rules.filter(({ name }) => name !== 'top').map((rule) => rankedBy(rule, positions, fitted)),
    notes,
  };
}

function ruleRegret(rule: Rule, { arms, heads }: Positions, { regret, means }: CrossFit): RuleRegret {
  const { name, title, arm } = rule;
  const base = { rule: name, title, arm, score: null, regret: null, apparent: null };
  if (arm === null) return { ...base, missing: rule.missing ?? 'no layer has a value' };
  const at = arms.findIndex(({ triple }) => sameTriple(triple, arm));
  if (at < 0) return { ...base, missing: 'what it chooses did not run' };
  const best = Math.max(...means.slice(0, heads));
  return { ...base, score: means[at], regret: regret[at], apparent: best - means[at] };
}

/** Choosing blindly, and the noise floor. */
function blindRules({ random, floor, means }: CrossFit, heads: number): RuleRegret[] {
  const own = means.slice(0, heads);
  const middle = own.reduce((sum, score) => sum + score, 0) / heads;
  return [
    { rule: 'random', title: 'random', arm: null, score: middle, regret: random, apparent: Math.max(...own) - middle },
    {
      rule: 'seed',
      title: 'best by another seed',
      arm: null,
      score: null,
      regret: floor,
      apparent: null,
      ...(floor ? {} : { missing: 'needs three seeds' }),
    },
  ];
}

/** Over the head positions, or for a score that chooses a span, over the spans whose classifier sits on top. */
function rankedBy(rule: Rule, { arms, heads, k, table }: Positions, { means, resampled }: CrossFit): ScoreRank {
  const base = { score: rule.name, title: rule.title, spearman: null, low: null, high: null };
  const places = arms.flatMap(({ triple }, at) => {
    const fits = rule.chooses === 'head' ? at < heads : triple.head === table.layers;
    return fits ? [{ at, end: triple.top ?? 0 }] : [];
  });
  const wanted = table.layers - k + 1;
  if (places.length < wanted) {
    return { ...base, missing: `it orders spans below a classifier on top; ${places.length} of ${wanted} ran` };
  }
  const ends = places.map(({ end }) => end);
  const spearman = rankOf(
    rule,
    ends,
    k,
    places.map(({ at }) => means[at]),
  );
  if (spearman === null) return { ...base, missing: rule.missing ?? 'constant' };
  const draws = resampled[0].length;
  const values = Array.from({ length: draws }, (_, draw) =>
    rankOf(
      rule,
      ends,
      k,
      places.map(({ at }) => resampled[at][draw]),
    ),
  ).flatMap((value) => (value === null ? [] : [value]));
  if (values.length === 0) return { ...base, spearman };
  const sorted = Float64Array.from(values).sort();
  return { ...base, spearman, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** Means over the tasks of one model, method and k; dev sets of different tasks are independent. */
function overallOf(studies: readonly RegretStudy[]): RegretOverall[] {
  const key = ({ model, method, k }: RegretStudy) => [model, method, k].join('\0');
  return [...new Set(studies.map(key))].flatMap((group): RegretOverall[] => {
    const own = studies.filter((study) => key(study) === group);
    if (own.length < 2) return [];
    const [{ model, method, k }] = own;
    const rules = distinct(
      own.flatMap((study) => study.rules),
      ({ rule }) => rule,
    );
    const ranks = distinct(
      own.flatMap((study) => study.ranks),
      ({ score }) => score,
    );
    return [
      {
        model,
        method,
        k,
        tasks: own.map(({ task }) => task.name),
        rules: rules.map(({ rule, title }) => {
          const found = own.flatMap((study) => {
            const regret = study.rules.find((other) => other.rule === rule)?.regret;
            return regret ? [regret] : [];
          });
          const n = found.length;
          const value = found.reduce((sum, regret) => sum + regret.value, 0) / n;
          const error = Math.sqrt(found.reduce((sum, regret) => sum + regret.error ** 2, 0)) / n;
          return { rule, title, regret: n === own.length ? interval(value, error) : null, tasks: n };
        }),
        ranks: ranks.map(({ score, title }) => {
          const found = own.flatMap((study) => study.ranks.find((other) => other.score === score)?.spearman ?? []);
          const whole = found.length === own.length;
          const spearman = whole ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
          return { score, title, spearman, tasks: found.length };
        }),
      },
    ];
  });
}

function distinct<T>(items: readonly T[], name: (item: T) => string): T[] {
  return items.filter((item, at) => items.findIndex((other) => name(other) === name(item)) === at);
}

function notesOf(studies: readonly RegretStudy[], { halvings, resamples }: RegretOptions): string[] {
  const fewest = Math.min(...studies.map(({ seeds }) => seeds.length));
  const notes = [
    `regret: tuned score of the best head position less that of the chosen one, in points; the best is found on one half of dev and seeds, the loss measured on the other, both ways, over ${halvings} random halvings; it may be negative by chance`,
    `intervals: ± 1.96 standard deviations over ${resamples} resamples of dev${fewest < 5 ? ', for these seeds' : ' and seeds'}`,
    'best by another seed, the noise floor: what choosing by one tuned run of every position loses, on the same half of dev',
  ];
  if (fewest < 2) notes.push('with one seed both halves have it: what is its luck counts as a position being better');
  return [...notes, ...new Set(studies.flatMap((study) => study.notes))];
}
