/** The classes that ν is measured over: those with two examples or more, and the bins that stand in for them in regression. */
import { SpantuneError, UserError } from '../errors.js';

export interface ClassTable {
  /** Names of the classes kept, in id order. */
  names: string[];
  /** Examples of each class kept. */
  sizes: number[];
  /** [inputs]: index into `names`, or -1 for an input whose class is left out. */
  of: Int32Array;
  /** Inputs that belong to a class kept. */
  rows: number;
  /** Names of the classes left out since they have a single example. */
  leftOut: string[];
}

/**
 * Counts the classes and leaves out those with a single example, whose within-class variability is unknown.
 * `labels` holds a class id for every input, an index into `names`; a class without examples is passed over in silence.
 * Throws a `UserError` where fewer than two classes are left.
 */
export function tableOfClasses(labels: ArrayLike<number>, names: readonly string[]): ClassTable {
  const counts = new Array<number>(names.length).fill(0);
  for (let i = 0; i < labels.length; i++) {
    if (counts[labels[i]] === undefined) {
      throw new SpantuneError(`input ${i} has class ${labels[i]}, but there are ${names.length} classes`);
    }
    counts[labels[i]]++;
  }
  const leftOut = names.filter((_, label) => counts[label] === 1);
  const kept = names.map((_, label) => label).filter((label) => counts[label] > 1);
  if (kept.length < 2) {
    const found = names.map((name, label) => `${name}: ${counts[label]}`).join(', ');
    throw new UserError(`ν needs two classes with at least two examples each; found ${found || 'none'}`, {
      hint: 'give more labelled examples, or state the arm with layer numbers so that ν is not needed',
    });
  }
  const position = new Int32Array(names.length).fill(-1);
  kept.forEach((label, index) => {
    position[label] = index;
  });
  return {
    names: kept.map((label) => names[label]),
    sizes: kept.map((label) => counts[label]),
    of: Int32Array.from(labels, (label) => position[label]),
    rows: kept.reduce((sum, label) => sum + counts[label], 0),
    leftOut,
  };
}

/** Names of the classes that `binScores` makes. */
export const SCORE_BINS: readonly string[] = ['0', '1', '2', '3', '4', '5'];

/**
 * Classes for a regression task: each score rounded to the nearest integer, halves up, 0…5 (ν's source knows no regression; this
 * is our choice). Throws a `UserError` for a score outside 0…5.
 */
export function binScores(scores: ArrayLike<number>): Int32Array {
  return Int32Array.from(scores, (score, index) => {
    if (!(score >= 0 && score <= 5)) {
      throw new UserError(`score ${score} of input ${index} is outside 0…5, so ν has no class for it`, {
        hint: 'scale the scores to 0…5, let another score choose (selection.score: logme), or state the arm with layer numbers',
      });
    }
    return Math.round(score);
  });
}

/**
 * Classes of equal size in the order of the scores, whatever their scale: [inputs], ids of `SCORE_BINS`. They stand in where a
 * sample is to be spread over the scores; ν over them would be another quantity than over `binScores`.
 */
export function rankBins(scores: ArrayLike<number>): Int32Array {
  const order = Array.from(scores, (_, input) => input).sort((a, b) => scores[a] - scores[b] || a - b);
  const bins = Math.max(1, Math.min(SCORE_BINS.length, Math.floor(order.length / 2)));
  const classes = new Int32Array(order.length);
  order.forEach((input, rank) => {
    classes[input] = Math.floor((rank * bins) / order.length);
  });
  return classes;
}
