/**
 * The shape of a run's configuration. What each key means and its default stand in configs/defaults.yaml; here stands what a
 * value may be, in words that complete "training.epochs …".
 */
import { z } from 'zod';
import type { MetricName } from '../data/types.js';
import { type AdapterName, LORA_TARGETS, type Tuning } from '../model/tuning.js';
import { CHOOSING_SCORES, SCORE_NAMES, type ScoreName } from '../selection/scores/catalogue.js';

const METRICS = ['accuracy', 'f1', 'macro-f1', 'matthews', 'pearson', 'spearman'] as const satisfies MetricName[];

const oneOf = <const T extends readonly string[]>(...names: T) =>
  z.enum(names, { error: `must be ${names.length > 1 ? 'one of ' : ''}${names.join(', ')}` });
/** One of the scores by name. */
const scoreName = (names: readonly ScoreName[]) => z.enum(names, { error: `must be one of ${names.join(', ')}` });
const text = (what = 'text') => z.string(`must be ${what}`).min(1, `must be ${what}, not empty`);
const flag = () => z.boolean('must be true or false');

function whole(least: number) {
  const error = `must be a whole number of at least ${least}`;
  return z.int(error).gte(least, error);
}

/** A number in [from, to], or in [from, to) where the end is open. */
function number(from: number, to = Number.POSITIVE_INFINITY, openEnd = false) {
  const end = to === Number.POSITIVE_INFINITY ? '' : ` and ${openEnd ? 'below' : 'at most'} ${to}`;
  const error = `must be a number of at least ${from}${end}`;
  const schema = z.number(error).gte(from, error);
  return openEnd ? schema.lt(to, error) : schema.lte(to, error);
}

function positive() {
  const error = 'must be a number above 0';
  return z.number(error).gt(0, error);
}

const BYTE_UNITS: Record<string, number> = { kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };
const BYTES_ERROR = 'must be a size such as 500 MB or 2 GB, or a number of bytes';

/** A number of bytes, or a size with its unit. */
function bytes() {
  const size = z
    .string(BYTES_ERROR)
    .regex(/^\d+(\.\d+)? *([kmg]i?b)$/i, BYTES_ERROR)
    .transform((written) => {
      const unit = written.replace(/[^a-z]/gi, '').toLowerCase();
      return Math.round(Number.parseFloat(written) * BYTE_UNITS[unit]);
    });
  return z.union([z.int(BYTES_ERROR).gte(0, BYTES_ERROR), size], BYTES_ERROR);
}

function block<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, 'must be a block of keys');
}

/** YAML reads class names such as 0 and 1 as numbers; a class has a name. */
const className = z
  .union([z.string(), z.number(), z.boolean()], 'must be the name of a class')
  .transform((name) => String(name));

const metric = oneOf(...METRICS);
const COLUMNS_ERROR = 'must be the name of a column, or two of them for pairs: [premise, hypothesis]';

const SAMPLES_ERROR = 'must be all, or a whole number of at least 2';
const samples = () => z.union([z.literal('all'), z.int().gte(2, SAMPLES_ERROR)], SAMPLES_ERROR);

const task = block({
  name: text('the name of a task'),
  data: text('a folder').optional(),
  train: text('a file').optional(),
  dev: text('a file').optional(),
  test: text('a file').optional(),
  text: z.union([text(), z.tuple([text(), text()], COLUMNS_ERROR)], COLUMNS_ERROR).optional(),
  label: text('the name of a column').optional(),
  metric: z
    .union(
      [metric, z.array(metric).min(1, 'must name at least one metric')],
      `must be one or more of ${METRICS.join(', ')}`,
    )
    .optional(),
  kind: oneOf('classification', 'regression').optional(),
  labels: z.array(className, 'must be a list of class names').min(2, 'must name at least two classes').optional(),
  positiveLabel: className.optional(),
  trainSamples: samples().optional(),
});

const EVALUATE_ERROR = 'must be epoch, or a whole number of steps';
const layer = z.union([z.int(), text()], 'must be a layer: a number, or an expression in l* and L such as l* - 1');
const spanEnd = z.union(
  [layer, z.null()],
  'must be a layer, an expression in l* and L, or null (nothing but the classifier)',
);
const ARM_ERROR = 'must be the name of an arm such as selected-2, or { bottom: …, top: …, head: … }';

const from = () => text('a folder');
const share = () => number(0, 1, true);
const adapter = <const N extends AdapterName, T extends z.core.$ZodLooseShape>(method: N, options: T) =>
  block({ method: z.literal(method), ...options, layerNorms: flag(), from: from().optional() });

/** The options of each adapter method; their defaults stand under `adapters` in configs/defaults.yaml. */
const ADAPTERS = [
  adapter('bottleneck', { size: whole(1), dropout: share() }),
  adapter('pfeiffer', { reductionFactor: positive() }),
  adapter('parallel', { reductionFactor: positive(), scale: positive() }),
  adapter('lora', {
    rank: whole(1),
    alpha: positive(),
    dropout: share(),
    targets: z
      .array(oneOf(...LORA_TARGETS), 'must be a list of parts such as [query, value]')
      .min(1, 'must name at least one part')
      .refine((targets) => new Set(targets).size === targets.length, 'must name each part once'),
  }),
  adapter('ia3', {}),
  adapter('bitfit', {}),
  adapter('prefix', { length: whole(1) }),
] as const;
const METHODS = ADAPTERS.map(({ shape }) => shape.method.value);
const METHOD_ERROR = `must be fine-tune alone, or one of ${METHODS.join(', ')}`;

export const runSchema = block({
  model: text('a folder'),
  task,
  selection: block({
    score: scoreName(CHOOSING_SCORES),
    scores: z.array(scoreName(SCORE_NAMES), 'must be a list of scores such as [nu, logme]'),
    samples: samples(),
    k: whole(1).nullable(),
    range: oneOf('fit', 'all'),
    halfSamples: whole(0),
    stateBytes: bytes(),
  }),
  arm: z.union([text(), block({ name: text().optional(), bottom: spanEnd, top: spanEnd, head: layer })], ARM_ERROR),
  tuning: z.union(
    [z.literal('fine-tune'), z.discriminatedUnion('method', ADAPTERS, METHOD_ERROR), block({ from: from() })],
    METHOD_ERROR,
  ),
  classifier: block({
    pooling: oneOf('first', 'mean', 'last'),
    kind: oneOf('mlp', 'linear'),
    dropout: number(0, 1, true).nullable(),
  }),
  training: block({
    epochs: whole(0),
    batchSize: whole(1),
    accumulation: whole(1),
    learningRate: positive(),
    schedule: oneOf('linear', 'cosine', 'constant'),
    warmup: number(0, 1, true),
    weightDecay: number(0),
    beta1: number(0, 1, true),
    beta2: number(0, 1, true),
    epsilon: positive(),
    clipNorm: number(0).nullable(),
    dropout: block({ hidden: number(0, 1, true).nullable(), attention: number(0, 1, true).nullable() }),
    batches: oneOf('pooled', 'random'),
    maxLength: whole(3),
    evaluate: z.union([z.literal('epoch'), z.int().gte(1, EVALUATE_ERROR)], EVALUATE_ERROR),
    best: oneOf('score', 'paper', 'last'),
    patience: whole(1).nullable(),
    cleanSplit: number(0, 0.5),
  }),
  cache: block({
    prefix: flag(),
    precision: oneOf('float32', 'float16'),
    memoryBytes: bytes(),
    diskBytes: bytes(),
    folder: text('a folder').nullable(),
  }),
  engine: block({
    name: oneOf('auto', 'compiled', 'tensorflow', 'cpu'),
    device: oneOf('cpu', 'webgpu', 'cuda'),
    threads: whole(1).nullable(),
    cacheBytes: bytes(),
  }),
  output: block({ folder: text('a folder').nullable(), overwrite: flag() }),
  measureInference: flag(),
  seed: whole(0),
  splitSeed: whole(0).nullable(),
});

/** A whole run, every key present. Paths are absolute. */
export type RunConfig = z.output<typeof runSchema> & { selection: { k: number } };

/** A run's configuration once it is known how it tunes. */
export type TunedConfig = Omit<RunConfig, 'tuning'> & { tuning: Tuning };

/** Seed of the clean split, and of all that is drawn while samples are taken and layers measured: what arms and seeds may share. */
export function splitSeedOf({ seed, splitSeed }: Pick<RunConfig, 'seed' | 'splitSeed'>): number {
  return splitSeed ?? seed;
}

/** Keys that hold a path, and whether it names a folder or a file. Relative ones are relative to the file that states them. */
export const PATH_KEYS: [path: string, kind: 'folder' | 'file', read: boolean][] = [
  ['model', 'folder', true],
  ['task.data', 'folder', true],
  ['task.train', 'file', true],
  ['task.dev', 'file', true],
  ['task.test', 'file', true],
  ['tuning.from', 'folder', true],
  ['cache.folder', 'folder', false],
  ['output.folder', 'folder', false],
];

/** The keys of the block at `path` of a schema (a run's unless told), or undefined where there is no block. */
export function keysAt(path: readonly string[], schema: unknown = runSchema): string[] | undefined {
  let node: unknown = schema;
  for (const key of path) {
    const shape = shapeOf(node);
    if (!shape || !Object.hasOwn(shape, key)) return undefined;
    node = shape[key];
  }
  const shape = shapeOf(node);
  return shape && Object.keys(shape);
}

/** The options of each adapter method, by its name. */
export const METHOD_OPTIONS: ReadonlyMap<string, readonly string[]> = new Map(
  ADAPTERS.map(({ shape }) => [shape.method.value, Object.keys(shape).filter((key) => key !== 'method')]),
);

/** Every key of the schema by its full path, such as `training.dropout.hidden`; blocks are listed before what they hold. */
export function allKeys(path: readonly string[] = [], schema: unknown = runSchema): string[] {
  return (keysAt(path, schema) ?? []).flatMap((key) => [[...path, key].join('.'), ...allKeys([...path, key], schema)]);
}

function shapeOf(node: unknown): Record<string, unknown> | undefined {
  if (node instanceof z.ZodObject) return node.shape;
  if (node instanceof z.ZodOptional || node instanceof z.ZodNullable) return shapeOf(node.unwrap());
  if (node instanceof z.ZodUnion) {
    const shapes = node.options.map(shapeOf).filter((shape) => shape !== undefined);
    return shapes.length > 0 ? Object.assign({}, ...shapes) : undefined;
  }
  return undefined;
}
