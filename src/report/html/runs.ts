/** Configuration and environment of every run: what all share once, then of each run what is its own. */
import type { RunRecord, TaskTable } from '../../comparison/types.js';
import { points, rate } from '../comparison/figures.js';
import { shortArm } from '../training.js';
import { escapeHtml, tag } from './markup.js';

type Pairs = Map<string, string>;

export function runsSection(tables: TaskTable[]): string {
  const records = tables.flatMap((table) => table.records);
  if (records.length === 0) return '';
  const configs = records.map(({ config }) => flatten(config));
  const environments = records.map(({ environment }) => flatten(environment));
  const sharedConfig = common(configs);
  const sharedEnvironment = common(environments);
  const described = new Map(
    records.map((record, index) => [
      record,
      runDetails(record, without(configs[index], sharedConfig), without(environments[index], sharedEnvironment)),
    ]),
  );
  const all = records.length > 1 ? `what all ${records.length} runs share` : 'the run';
  const shared = tag(
    'details',
    {},
    tag('summary', {}, `Configuration and environment: ${all}`),
    pairsTable(sharedConfig, 'configuration'),
    pairsTable(sharedEnvironment, 'environment'),
  );
  const groups = tables
    .filter((table) => table.records.length > 0)
    .map((table) =>
      tag(
        'details',
        {},
        tag('summary', {}, `${escapeHtml(`${table.task.name}, ${table.model}`)}: ${table.records.length} runs`),
        ...table.records.map((record) => described.get(record) ?? ''),
      ),
    );
  return [tag('h2', { id: 'runs' }, 'Runs'), shared, ...groups].join('\n');
}

function runDetails(record: RunRecord, config: Pairs, environment: Pairs): string {
  const { arm, layers, method, seed, learningRate, score, collapsed, folder, warnings } = record;
  const name = `${shortArm(arm, layers)}, ${method}, seed ${seed}`;
  const facts = `rate ${rate(learningRate)}, score ${points(score)}${collapsed ? ', collapsed' : ''}`;
  return tag(
    'details',
    {},
    tag('summary', {}, `${escapeHtml(name)} ${tag('span', { class: 'soft' }, escapeHtml(facts))}`),
    pairsTable(new Map([['folder', folder]]), ''),
    pairsTable(config, 'configuration'),
    pairsTable(environment, 'environment'),
    warnings.length > 0
      ? tag('ul', { class: 'notes' }, ...warnings.map((each) => tag('li', {}, escapeHtml(each))))
      : '',
  );
}

function pairsTable(pairs: Pairs, caption: string): string {
  if (pairs.size === 0) return '';
  const rows = [...pairs].map(([key, value]) =>
    tag('tr', {}, tag('th', { scope: 'row' }, escapeHtml(key)), tag('td', {}, escapeHtml(value))),
  );
  return tag(
    'table',
    { class: 'pairs' },
    caption === '' ? '' : tag('caption', {}, escapeHtml(caption)),
    tag('tbody', {}, ...rows),
  );
}

/** Keys by their full path, such as `training.epochs`; lists and empty blocks as JSON. */
function flatten(value: unknown, path = ''): Pairs {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0) {
    return path === ''
      ? new Map()
      : new Map([[path, typeof value === 'string' ? value : String(JSON.stringify(value))]]);
  }
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, path === '' ? key : `${path}.${key}`)]),
  );
}

function common(all: Pairs[]): Pairs {
  const [first, ...rest] = all;
  return new Map([...first].filter(([key, value]) => rest.every((pairs) => pairs.get(key) === value)));
}

function without(pairs: Pairs, shared: Pairs): Pairs {
  return new Map([...pairs].filter(([key]) => !shared.has(key)));
}
