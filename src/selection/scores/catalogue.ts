/** The layer scores by name: what each is, what it may choose, and on which tasks. How they are measured stands in one file each. */
import { UserError } from '../../errors.js';
import { nearest } from '../../nearest.js';

/**
 * `head`: the classifier goes to the layer with the highest score; `span`: the k consecutive layers with the largest sum are
 * tuned, the classifier stays on top; `nothing`: the score is printed alone.
 */
export type Chooses = 'head' | 'span' | 'nothing';

export interface ScoreDescription {
  /** As tables name it. */
  title: string;
  /** A phrase for help texts. */
  about: string;
  chooses: Chooses;
  /** Whether it works on regression tasks. ν and its kin put scores into bins there. */
  regression: boolean;
  /** What it reads: the pooled states of ν's pass, something else of that pass, gradients of a sample, or nothing. */
  reads: 'states' | 'tokens' | 'gradients' | 'nothing';
}

const CATALOGUE = {
  nu: {
    title: '−ν',
    about: 'hidden-state variability, negated',
    chooses: 'head',
    regression: true,
    reads: 'states',
  },
  'debiased-nu': {
    title: '−ν debiased',
    about: 'ν less what sampling noise adds to it, negated',
    chooses: 'head',
    regression: true,
    reads: 'states',
  },
  logme: {
    title: 'LogME',
    about: 'evidence of a linear model on the states',
    chooses: 'head',
    regression: true,
    reads: 'states',
  },
  'h-score': {
    title: 'H-score',
    about: 'between-class over shrunk total covariance',
    chooses: 'head',
    regression: false,
    reads: 'states',
  },
  knn: {
    title: '10-NN',
    about: 'ten nearest neighbours, leaving one out',
    chooses: 'head',
    regression: true,
    reads: 'states',
  },
  ridge: {
    title: 'ridge probe',
    about: 'ridge probe over five grouped folds',
    chooses: 'head',
    regression: true,
    reads: 'states',
  },
  logistic: {
    title: 'logistic probe',
    about: 'logistic probe over five grouped folds',
    chooses: 'head',
    regression: false,
    reads: 'states',
  },
  fisher: {
    title: 'Fisher',
    about: "Fisher information of the layer's weights",
    chooses: 'span',
    regression: true,
    reads: 'gradients',
  },
  'gradient-norm': {
    title: 'rel. gradient',
    about: 'relative gradient norm',
    chooses: 'span',
    regression: true,
    reads: 'gradients',
  },
  cka: {
    title: 'CKA',
    about: 'likeness to the layer below, chooses nothing',
    chooses: 'nothing',
    regression: true,
    reads: 'states',
  },
  'token-cosine': {
    title: 'token cosine',
    about: 'cosine of the first token to itself a layer below, chooses nothing',
    chooses: 'nothing',
    regression: true,
    reads: 'tokens',
  },
  random: {
    title: 'random',
    about: 'drawn by the seed',
    chooses: 'head',
    regression: true,
    reads: 'nothing',
  },
} satisfies Record<string, ScoreDescription>;

export type ScoreName = keyof typeof CATALOGUE;

/** All names, as help texts list them. */
export const SCORE_NAMES = Object.keys(CATALOGUE) as ScoreName[];

/** Names of the scores that may choose an arm. */
export const CHOOSING_SCORES = SCORE_NAMES.filter((name) => describeScore(name).chooses !== 'nothing');

export function describeScore(name: ScoreName): ScoreDescription {
  return CATALOGUE[name];
}

/** Reads `nu,logme,…`, or `all`. Throws a `UserError` that names the nearest score where one is unknown. */
export function parseScores(text: string, option = ''): ScoreName[] {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const at = option === '' ? '' : `${option}: `;
  const known = `scores: ${SCORE_NAMES.join(', ')}, or all`;
  if (words.length === 0) throw new UserError(`${at}no score is named`, { hint: known });
  const names = words.flatMap((word) => {
    if (word === 'all') return SCORE_NAMES;
    if (Object.hasOwn(CATALOGUE, word)) return [word as ScoreName];
    const near = nearest(word, [...SCORE_NAMES, 'all']);
    throw new UserError(`${at}there is no score "${word}"`, {
      hint: near ? `did you mean "${near}"? ${known}` : known,
    });
  });
  return [...new Set(names)];
}

/** Those that work on the task, where all were asked for. Throws a `UserError` where one that was named does not. */
export function fittingScores(names: readonly ScoreName[], kind: 'classification' | 'regression'): ScoreName[] {
  const unfit = names.filter((name) => kind === 'regression' && !describeScore(name).regression);
  if (unfit.length === 0 || SCORE_NAMES.every((name) => names.includes(name)))
    return names.filter((name) => !unfit.includes(name));
  const fit = SCORE_NAMES.filter((name) => describeScore(name).regression);
  throw new UserError(`${unfit.join(', ')}: not defined for a regression task`, {
    hint: `scores that are: ${fit.join(', ')}`,
  });
}
