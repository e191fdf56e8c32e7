/** The shape of a grid's file: the axes, how learning rates are found, and what all runs share. */
import { z } from 'zod';

const text = (what = 'text') => z.string(`must be ${what}`).min(1, `must be ${what}, not empty`);
const WHOLE = 'must be a whole number of at least 0';
const whole = () => z.int(WHOLE).gte(0, WHOLE);
const RATE = 'must be a number above 0';
const rate = () => z.number(RATE).gt(0, RATE);
const block = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject(shape, 'must be a block of keys');
/** A block that the schema of runs judges later. */
const loose = () => z.record(z.string(), z.unknown(), 'must be a block of keys');
const list = <T extends z.ZodType>(item: T, what: string) =>
  z.array(item, `must be a list of ${what}`).min(1, `must be a list of ${what}, not an empty one`);

const RATES = 'must be a number, one number for each method, or { search: … }';
const SHARE = 'must be a number above 0 and at most 0.5';

/** What a learning rate, or a list of them, may be stated for. */
export const RATE_KEYS = [
  'full',
  'head-only',
  'fine-tune',
  'adapters',
  'bottleneck',
  'pfeiffer',
  'parallel',
  'lora',
  'ia3',
  'bitfit',
  'prefix',
] as const;
export type RateKey = (typeof RATE_KEYS)[number];

const byKey = <T extends z.ZodType>(value: T) =>
  block(Object.fromEntries(RATE_KEYS.map((key) => [key, value.optional()])) as Record<RateKey, z.ZodOptional<T>>);

const search = block({
  rates: byKey(
    list(rate(), 'learning rates').refine((rates) => new Set(rates).size === rates.length, 'must name each rate once'),
  ).optional(),
  seed: whole().default(0),
  selection: z.enum(['clean', 'dev'], 'must be one of clean, dev').default('clean'),
  share: z.number(SHARE).gt(0, SHARE).lte(0.5, SHARE).optional(),
});

const gridSchema = block({
  models: list(text('the folder of a model'), 'folders of models'),
  data: text('a folder').optional(),
  tasks: list(
    z.union([text('the name of a task'), loose()], 'must be the name of a task, or a block as under "task" of a run'),
    'tasks',
  ),
  arms: z
    .array(
      z.union([text(), loose()], 'must be the name of an arm such as selected-2, or { bottom: …, top: …, head: … }'),
      'must be a list of arms',
    )
    .default([]),
  baselines: z
    .union(
      [z.boolean(), list(text('the name of an arm'), 'arms')],
      'must be true, false, or a list of arms such as [top-k, random-k]',
    )
    .default(false),
  methods: list(
    z.union(
      [text('the name of a method'), loose()],
      'must be fine-tune, or an adapter such as { method: lora, rank: 4 }',
    ),
    'methods',
  ).default(['fine-tune']),
  seeds: list(whole(), 'seeds').default([1]),
  learningRate: z.union([rate(), block({ search }), byKey(rate())], RATES),
  splitSeed: whole().default(1),
  reference: text('the name of an arm').default('full'),
  margin: z
    .number('must be a number of at least 0 and below 1')
    .gte(0, 'must be a number of at least 0 and below 1')
    .lt(1, 'must be a number of at least 0 and below 1')
    .default(0.01),
  run: loose().default({}),
});

/**
 * The schema by which to judge a file: where a search is stated the learning rate is nothing else. A union alone takes the alternative that
 * goes wrong in fewest places, and would call "search" an unknown key where something in it is wrong.
 */
export function schemaFor(file: Record<string, unknown>) {
  const { learningRate } = file;
  const searches = typeof learningRate === 'object' && learningRate !== null && 'search' in learningRate;
  return searches ? gridSchema.extend({ learningRate: block({ search }) }) : gridSchema;
}

export type GridFile = z.output<typeof gridSchema>;
export type Search = z.output<typeof search>;

export const MISSING = {
  models: 'such as "models: [models/en-12x192]"',
  tasks: 'such as "tasks: [mrpc, rte]", with "data: data/glue"',
  learningRate: 'a number such as 3e-5, { fine-tune: 3e-5, adapters: 3e-4 }, or { search: {} }',
};
