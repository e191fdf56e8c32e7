/** The search for a learning rate: the same number of trials for every arm, one more where the best rate lies at the edge. */
import type { GridFile, RateKey, Search } from './schema.js';

/** Log-spaced: what is drawn afresh (adapters, a classifier alone) wants larger steps than pretrained weights do. */
const FINE_TUNE = [1e-5, 3e-5, 1e-4, 3e-4];
const FRESH = [1e-4, 3e-4, 1e-3, 3e-3];

export interface Trial {
  rate: number;
  /** What decides, a fraction; null where the run failed. */
  score: number | null;
}

export type RatePlan = { kind: 'fixed'; rate: number } | { kind: 'search'; rates: number[]; search: Search };

/** What the grid says of the rate; `keys`: what it is looked up by, the closest first. Undefined where it says nothing. */
export function ratePlan(learningRate: GridFile['learningRate'], keys: readonly RateKey[]): RatePlan | undefined {
  if (typeof learningRate === 'number') return { kind: 'fixed', rate: learningRate };
  if (isSearch(learningRate)) {
    const { search } = learningRate;
    const stated = keys.map((key) => search.rates?.[key]).find((rates) => rates !== undefined);
    const fresh = keys.some((key) => key !== 'fine-tune' && key !== 'full');
    return { kind: 'search', rates: [...(stated ?? (fresh ? FRESH : FINE_TUNE))].sort((a, b) => a - b), search };
  }
  const rate = keys.map((key) => learningRate[key]).find((value) => value !== undefined);
  return rate === undefined ? undefined : { kind: 'fixed', rate };
}

export function isSearch(learningRate: GridFile['learningRate']): learningRate is { search: Search } {
  return typeof learningRate === 'object' && 'search' in learningRate;
}

/** The trial with the highest score, ties to the lower rate; undefined where all failed. */
export function bestTrial(trials: readonly Trial[]): Trial | undefined {
  const scored = trials.filter(({ score }) => score !== null).sort((a, b) => a.rate - b.rate);
  return scored.reduce<Trial | undefined>(
    (best, trial) => (!best || value(trial) > value(best) ? trial : best),
    undefined,
  );
}

const value = ({ score }: Trial) => score ?? Number.NEGATIVE_INFINITY;

/** The rate beyond the edge at which the best one lies, as far from it as its neighbour; undefined where it lies inside. */
export function extension(trials: readonly Trial[]): number | undefined {
  const rates = [...new Set(trials.map(({ rate }) => rate))].sort((a, b) => a - b);
  const best = bestTrial(trials)?.rate;
  if (best === undefined || rates.length < 2) return undefined;
  if (best === rates[0]) return rounded((best * best) / rates[1]);
  return best === rates[rates.length - 1] ? rounded((best * best) / rates[rates.length - 2]) : undefined;
}

/** Two digits, so that a rate reads as people write it, and is the same in every grid. */
const rounded = (rate: number) => Number(rate.toPrecision(2));

/**
 * Tries every rate, and one more if need be. `score` gives what decides for a rate, null where the trial failed.
 */
export async function searchRate(
  rates: readonly number[],
  score: (rate: number) => Promise<number | null>,
): Promise<{ best?: number; trials: Trial[] }> {
  const trials = await Promise.all(rates.map(async (rate): Promise<Trial> => ({ rate, score: await score(rate) })));
  const further = extension(trials);
  if (further !== undefined) trials.push({ rate: further, score: await score(further) });
  return { best: bestTrial(trials)?.rate, trials };
}
