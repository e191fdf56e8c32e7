/** The cost account of a run: its batches, padding included, and the operations that they come to. */
import type { TunedConfig } from '../config/schema.js';
import { batchLength, batchRows, evaluationPlan, lengthsOf, type Plan } from '../data/batches.js';
import type { Encoded } from '../data/types.js';
import { addLoad, batchLoad, headTokensOf, inferenceFlops, type Load, NO_LOAD, trainingFlops } from '../model/flops.js';
import type { EncoderConfig } from '../model/types.js';
import type { Triple } from '../selection/arms.js';
import type { ModelSpec } from '../training/programs.js';
import type { RunData } from './run-data.js';
import type { DevResult } from './score-dev.js';
import type { Tuned } from './tune.js';
import type { CacheResult, CostResult, SelectResult } from './types.js';

/** Rows of every batch that is evaluated, measured or cached. */
const ROWS = 32;

/** What the batches of a plan put through a model. */
export function planLoad(plan: Plan, encoded: Encoded[], padding: { rows: number; maxLength: number }): Load {
  const { rows, maxLength } = padding;
  return plan.reduce(
    (sum, indices) => addLoad(sum, batchLoad(rows, batchLength(encoded, indices, maxLength))),
    NO_LOAD,
  );
}

/** What one pass over a split puts through a model. */
export function splitLoad(encoded: Encoded[], maxLength: number): Load {
  return planLoad(evaluationPlan(lengthsOf(encoded), ROWS), encoded, {
    rows: batchRows(ROWS, encoded.length),
    maxLength,
  });
}

/** What the first `steps` steps put through a model. */
function stepsLoad(data: RunData, steps: number, { batchSize, accumulation }: TunedConfig['training']): Load {
  const padding = { rows: batchRows(batchSize, data.trainEncoded.length), maxLength: data.pad.maxLength };
  let load = NO_LOAD;
  for (let epoch = 0, left = steps; left > 0; epoch++) {
    const batches = data.plan(epoch).slice(0, left * accumulation);
    load = addLoad(load, planLoad(batches, data.trainEncoded, padding));
    left -= Math.ceil(batches.length / accumulation);
  }
  return load;
}

export interface RunWork {
  encoder: EncoderConfig;
  arm: Triple;
  spec: ModelSpec;
  config: TunedConfig;
  data: RunData;
  selection: SelectResult | undefined;
  cache: CacheResult | undefined;
  tuned: Tuned;
  dev: DevResult;
  storedParameters: number;
}

/**
 * What a run takes, exactly as its batches were: one pass of all layers to measure ν (what scores compute of the states it gives is left
 * out), the cache, every step, every evaluation. States that an earlier run left count as if this one had computed them, so that the number
 * is the arm's and does not depend on who came first.
 */
export function costOf(run: RunWork): CostResult {
  const { encoder, arm, config, data, selection, cache, tuned, dev, storedParameters } = run;
  const { maxLength } = data.pad;
  const { classes, classifier, pooling } = run.spec;
  const options = { tuning: config.tuning, classes, classifier, headTokens: headTokensOf(pooling, arm) };
  const training = stepsLoad(data, tuned.steps, config.training);
  const mismatched = dev.mismatched ? splitLoad(dev.mismatched, maxLength) : NO_LOAD;
  /** What was evaluated, by split; dev also counts where it chose the epoch, and is not read again then. */
  const evaluated = new Map<string, Load>();
  const evaluate = (name: string, encoded: Encoded[], times: number) =>
    evaluated.set(name, addLoad(evaluated.get(name) ?? NO_LOAD, splitLoad(encoded, maxLength), times));
  evaluate(data.selectionName, data.selectionEncoded, tuned.evaluations);
  evaluate('dev', data.devEncoded, tuned.outputs ? 0 : 1);

  // No cache holds MNLI's second dev set.
  let filling = mismatched;
  for (const { split, place, source } of cache?.splits ?? []) {
    const encoded = { train: data.trainEncoded, [data.selectionName]: data.selectionEncoded, dev: data.devEncoded }[
      split
    ];
    const read = split === 'train' ? training : (evaluated.get(split) ?? NO_LOAD);
    if (place === 'none') filling = addLoad(filling, read);
    else if (source !== 'select' && encoded) filling = addLoad(filling, splitLoad(encoded, maxLength));
  }
  const evaluating = [...evaluated.values()].reduce((sum, load) => addLoad(sum, load), mismatched);
  return {
    trainingFlops:
      (selection?.flops ?? 0) +
      trainingFlops(encoder, arm, { ...options, training, evaluating, cached: cache !== undefined, filling }),
    inferenceFlops: Math.round(inferenceFlops(encoder, arm, batchLoad(1, meanLength(data.devEncoded)), options)),
    storedParameters,
  };
}

const meanLength = (encoded: Encoded[]): number =>
  encoded.reduce((sum, { ids }) => sum + ids.length, 0) / encoded.length;
