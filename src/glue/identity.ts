/**
 * What a run's result depends on, as a hash. Names, places, threads and budgets stay out: they change where and how fast a run
 * computes, not what. Two grids that mean the same run find the same folder.
 */
import { createHash } from 'node:crypto';
import { engineLabel } from '../config/engine-label.js';
import type { RunConfig } from '../config/schema.js';
import { folderHash, type Model, type TaskSource } from './sources.js';

/** Raised when what a run folder holds, or what a configuration's keys mean, changes. */
const FORMAT = 1;

/** JSON with the keys of every object in order, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}

/** The first 16 digits of the SHA-256 of a value's canonical JSON. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);
}

/** Identity of a run whose arm is stated in layer numbers, so that nothing is measured in it. */
export function runIdentity(config: RunConfig, model: Model, task: TaskSource): object {
  const { arm, tuning, classifier, training, cache, engine, measureInference, seed, splitSeed } = config;
  const { bottom, top, head } = arm as Record<string, unknown>;
  const from = typeof tuning === 'object' ? tuning.from : undefined;
  return {
    ...sources('run', config, model, task),
    arm: [bottom, top, head],
    // Where nothing is tuned but the classifier, no method is at work.
    tuning: bottom === null ? 'none' : from === undefined ? tuning : { ...(tuning as object), from: folderHash(from) },
    classifier,
    training,
    cache: cache.prefix ? cache.precision : 'none',
    engine: engineLabel(engine),
    measureInference,
    seed,
    splitSeed,
  };
}

/** Identity of a measurement of the layers. `k` stays out: arms are placed later, by the measured curve. */
export function selectionIdentity(config: RunConfig, model: Model, task: TaskSource): object {
  const { k: _, stateBytes: __, ...selection } = config.selection;
  const { maxLength, cleanSplit } = config.training;
  return {
    ...sources('selection', config, model, task),
    selection,
    maxLength,
    cleanSplit,
    engine: engineLabel(config.engine),
    splitSeed: config.splitSeed,
  };
}

function sources(kind: string, { task: spec }: RunConfig, model: Model, { task, hashes }: TaskSource): object {
  const { text, label, trainSamples = 'all' } = spec;
  return {
    kind,
    format: FORMAT,
    model: model.hash(),
    tokenizer: model.tokenizerHash(),
    task,
    columns: { text, label },
    trainSamples,
    data: hashes,
  };
}
