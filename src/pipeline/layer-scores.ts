/** The other layer scores of a selection: what they read of the pass that measured ν, and what they say side by side. */
import { textGroups } from '../data/clean-split.js';
import type { Example, Task } from '../data/types.js';
import type { Bank, Engine } from '../engine/types.js';
import type { EncoderConfig } from '../model/types.js';
import { describeScore, type ScoreName } from '../selection/scores/catalogue.js';
import { proposal } from '../selection/scores/choose.js';
import { FOLDS } from '../selection/scores/folds.js';
import { type MeasuredScore, measureScores } from '../selection/scores/measure.js';
import { rankCorrelation } from '../selection/scores/rank-correlation.js';
import type { PooledStates } from '../selection/states.js';
import type { SelectionRange } from '../selection/strategies.js';
import { createGradientSamples, type GradientSource } from './layer-gradients.js';
import type { LayerScoreResult, Reporter } from './types.js';

export interface LayerScoreSource {
  names: readonly ScoreName[];
  engine: Engine;
  config: EncoderConfig;
  task: Task;
  bank: Bank;
  examples: readonly Example[];
  encoded: GradientSource['encoded'];
  pad: GradientSource['pad'];
  seed: number;
  nu: { values: readonly number[]; seconds: number };
  /** Why there is no ν, where the scores of a regression task have no bins. */
  unclassed?: string;
  states: PooledStates | string;
  tokenCosine?: readonly number[];
  reporter: Reporter;
}

export async function scoreLayers(source: LayerScoreSource): Promise<MeasuredScore[]> {
  const { names, engine, config, task, examples, states, seed, nu, unclassed, tokenCosine, reporter } = source;
  const targets = examples.map(({ label }) => label ?? 0);
  const gradients = typeof states === 'string' ? undefined : createGradientSamples({ ...source, states, targets });
  const absent = `its classifier is fitted to the pooled states, for which there was no room: ${states}`;
  return measureScores(names, {
    layers: config.layers,
    kind: task.kind,
    seed,
    nu,
    unclassed,
    states,
    targets,
    groups: () => textGroups(examples, Math.ceil(examples.length / FOLDS)),
    tokenCosine,
    inputGradients: async () => gradients?.inputs() ?? absent,
    batchGradients: async () => gradients?.batches() ?? absent,
    multiply: (a, rows, inner, b, columns) => engine.multiply(a, rows, inner, b, columns),
    onLayer: (done, total) => reporter.progress({ phase: 'select', subject: 'scores', done, total }),
  });
}

/** As the result holds them: with what each would choose, and how alike they rank the layers. */
export function describeScores(
  scores: readonly MeasuredScore[],
  options: { k: number; range: SelectionRange },
): LayerScoreResult[] {
  return scores.map(({ name, values, seconds, missing }) => {
    const { selected, arm } = proposal(name, values, options);
    const { title, chooses } = describeScore(name);
    return {
      name,
      title,
      chooses,
      layers: values.map((value, index) => ({ layer: index + 1, value })),
      selected,
      arm: arm && { name: arm.name, bottom: arm.bottom, top: arm.top, head: arm.head },
      spearman: Object.fromEntries(
        scores
          .filter((other) => other.name !== name)
          .map((other) => [other.name, rankCorrelation(values, other.values)]),
      ),
      seconds,
      ...(missing === undefined ? {} : { missing }),
    };
  });
}
