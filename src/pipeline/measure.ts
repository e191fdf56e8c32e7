/** Measuring the layers: one forward pass over the training split, ν of every layer, the proposed arm. */
import { type RunConfig, splitSeedOf } from '../config/schema.js';
import {
  batchRows,
  evaluationBatches,
  evaluationPlan,
  lengthsOf,
  paddingShare,
  truncatedShare,
} from '../data/batches.js';
import type { Encoded, Example, Task } from '../data/types.js';
import type { Bank, Engine } from '../engine/types.js';
import { UserError } from '../errors.js';
import { selectionFlops } from '../model/flops.js';
import { binScores, rankBins, SCORE_BINS } from '../selection/classes.js';
import { stratifiedSample } from '../selection/sample.js';
import { describeScore, fittingScores, type ScoreName } from '../selection/scores/catalogue.js';
import { curveOf } from '../selection/scores/choose.js';
import { createTokenCosine, type TokenCosine } from '../selection/scores/token-cosine.js';
import { summariseSelection } from '../selection/select.js';
import type { PooledStates } from '../selection/states.js';
import { createVariability } from '../selection/variability.js';
import { createPooledStates } from '../training/inference.js';
import type { Keeper } from '../training/prefix/keep.js';
import { bankOf } from '../training/state.js';
import { splitLoad } from './cost.js';
import { encodeExamples, limitLength } from './inputs.js';
import { describeScores, scoreLayers } from './layer-scores.js';
import { type OpenModel, tellSurplus } from './model.js';
import type { Reporter, SelectResult } from './types.js';

/** Rows of a batch; lengths vary. */
const ROWS = 32;

interface MeasureOptions {
  /** Gets what a run may start from, where all examples go through the pass. */
  keeper?: Keeper;
  /** Of all examples, where they are known already. */
  tokens?: Encoded[];
  /** Gets the pooled states of all layers, or why there are none, and ν; the states are gone when it returns. */
  onStates?(states: PooledStates | string, nu: number[]): void;
}

/** ν of all layers on the examples, or on the sample of them that the configuration asks for. */
export async function measure(
  engine: Engine,
  model: OpenModel,
  task: Task,
  examples: readonly Example[],
  stated: RunConfig,
  reporter: Reporter,
  { keeper, tokens, onStates }: MeasureOptions = {},
): Promise<SelectResult> {
  const began = performance.now();
  const { selection, training } = stated;
  const seed = splitSeedOf(stated);
  const { config } = model;
  const scores = examples.map(({ label }) => label ?? 0);
  const { classes: all, unclassed } = classesFor(task, scores, selection.score);
  const classes = task.kind === 'regression' ? SCORE_BINS : task.labels;
  const chosen = selection.samples === 'all' ? undefined : stratifiedSample(all, selection.samples, seed);
  const sample = chosen ? Array.from(chosen, (index) => examples[index]) : examples;
  const labels = chosen ? Int32Array.from(chosen, (index) => all[index]) : all;

  const asked = [...new Set<ScoreName>(['nu', ...fittingScores([selection.score], task.kind), ...selection.scores])];
  const names = fittingScores(asked, task.kind);
  const reads = new Set(names.filter((name) => name !== 'nu').map((name) => describeScore(name).reads));
  const tokenCosine = reads.has('tokens') ? createTokenCosine(config.layers) : undefined;

  const maxLength = limitLength(config, training.maxLength);
  const known = tokens && chosen ? Array.from(chosen, (index) => tokens[index]) : tokens;
  const encoded = known ?? encodeExamples(sample, model, maxLength, { phase: 'read', reporter });
  const variability = createVariability({
    layers: config.layers,
    width: config.hidden,
    labels,
    classes,
    seed,
    halfSamples: unclassed === undefined ? selection.halfSamples : 0,
    keepStates: onStates !== undefined || reads.has('states') || reads.has('gradients'),
    budget: { diskBytes: selection.stateBytes },
    multiply: (a, rows, inner, b, columns) => engine.multiply(a, rows, inner, b, columns),
    onLayer: (done, total) => reporter.progress({ phase: 'select', subject: 'resampling', done, total }),
  });
  try {
    const bank = await pass(
      engine,
      model,
      encoded,
      maxLength,
      variability.add,
      reporter,
      tokenCosine,
      chosen ? undefined : keeper,
    );
    // Only gradients need the weights once more.
    if (!reads.has('gradients')) bank.dispose();
    const passed = performance.now();
    const result = await variability.finish();
    const nu = { values: result.nu, seconds: (performance.now() - passed) / 1000 };
    onStates?.(variability.states(), result.nu);
    const scores = await scoreLayers({
      names,
      engine,
      config,
      task,
      bank,
      examples: sample,
      encoded,
      pad: { padId: model.tokenizer.padId, maxLength },
      seed,
      nu,
      unclassed,
      states: variability.states(),
      tokenCosine: tokenCosine?.means(),
      reporter,
    });
    if (reads.has('gradients')) bank.dispose();
    const chosenBy = scores.find(({ name }) => name === selection.score);
    const curve =
      chosenBy && selection.score !== 'nu' ? curveOf(selection.score, chosenBy.values, chosenBy.missing) : undefined;
    const summary = summariseSelection(result, {
      k: selection.k,
      range: selection.range,
      curve,
      unmeasured: unclassed !== undefined,
    });
    const unfit = asked.filter((name) => !names.includes(name));
    const warnings = [
      ...unfit.map((name) => `no ${name}: not defined for a regression task`),
      ...scores.flatMap(({ name, missing }) => (missing === undefined ? [] : [`no ${name}: ${missing}`])),
    ];
    for (const name of result.leftOut)
      reporter.log('warn', `class "${name}" has one example only and is left out of ν`);
    return {
      task: task.name,
      model: model.name,
      shape: { layers: config.layers, hidden: config.hidden },
      pair: task.pair,
      ...summary,
      warnings: [...summary.warnings, ...warnings],
      score: selection.score,
      scores: describeScores(scores, { k: selection.k, range: selection.range }),
      seconds: (performance.now() - began) / 1000,
      flops: selectionFlops(config, splitLoad(encoded, maxLength)),
      padding: paddingShare(evaluationPlan(lengthsOf(encoded), ROWS), encoded, {
        rows: batchRows(ROWS, encoded.length),
        maxLength,
      }),
      truncated: truncatedShare(encoded),
    };
  } finally {
    variability.close();
    reporter.progress(undefined);
  }
}

/**
 * Classes of all inputs: those of the task, or scores put into bins. Scores that ν has no bins for are the user's mistake where ν or
 * its kin chooses; elsewhere stand-ins spread the sample, and `unclassed` says why there is no ν.
 */
function classesFor(
  task: Task,
  scores: number[],
  chooses: ScoreName,
): { classes: Int32Array; unclassed: string | undefined } {
  if (task.kind !== 'regression') return { classes: Int32Array.from(scores), unclassed: undefined };
  try {
    return { classes: binScores(scores), unclassed: undefined };
  } catch (error) {
    if (!(error instanceof UserError) || chooses === 'nu' || chooses === 'debiased-nu') throw error;
    return { classes: rankBins(scores), unclassed: error.message };
  }
}

/** The one forward pass; the encoder's parameters are handed back. */
async function pass(
  engine: Engine,
  model: OpenModel,
  encoded: Encoded[],
  maxLength: number,
  add: (states: Float32Array, inputs: ArrayLike<number>) => void,
  reporter: Reporter,
  tokenCosine?: TokenCosine,
  keeper?: Keeper,
): Promise<Bank> {
  const { config, tokenizer } = model;
  const { parameters, surplus } = model.load(config.layers);
  tellSurplus(model, surplus, reporter);
  const bank = bankOf(engine, parameters);
  const states = createPooledStates(
    engine,
    config,
    [bank],
    tokenCosine && ((cosines, { examples }) => tokenCosine.add(cosines, examples)),
    keeper,
  );
  let done = 0;
  reporter.progress({ phase: 'select', subject: 'states', done, total: encoded.length });
  for (const batch of evaluationBatches(encoded, { batchSize: ROWS, padId: tokenizer.padId, maxLength })) {
    add(await states(batch), batch.examples);
    done += ROWS;
    reporter.progress({
      phase: 'select',
      subject: 'states',
      done: Math.min(done, encoded.length),
      total: encoded.length,
    });
  }
  return bank;
}
