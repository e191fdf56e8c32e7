/** From the layers of a grid's file to those of one run's configuration, in which every key knows its place in the grid's file. */
import { isAbsolute, resolve } from 'node:path';
import { type Block, isBlock, type Layer, merge } from '../config/layers.js';
import type { GridFile } from './schema.js';

/** Deep merge; a search takes the place of stated rates, and the other way round. */
export function mergeGrid(under: Block, over: Block): Block {
  const [before, after] = [under.learningRate, over.learningRate];
  const replaced = isBlock(before) && isBlock(after) && 'search' in before !== 'search' in after;
  return merge(replaced ? { ...under, learningRate: undefined } : under, over);
}

/** Paths of a layer of the grid's file, absolute. */
export function absolutePaths(layer: Layer): Layer {
  const { base } = layer;
  const at = (path: unknown) =>
    typeof path === 'string' && path !== '' && !isAbsolute(path) ? resolve(base, path) : path;
  const inBlock = (block: unknown, keys: string[]) =>
    isBlock(block)
      ? Object.fromEntries(Object.entries(block).map(([key, value]) => [key, keys.includes(key) ? at(value) : value]))
      : block;
  const { models, data, tasks, methods, run, ...rest } = layer.value;
  const all = (items: unknown, each: (item: unknown) => unknown) => (Array.isArray(items) ? items.map(each) : items);
  const value: Block = { ...rest };
  const set = (key: string, of: unknown, changed: unknown) => {
    if (of !== undefined) value[key] = changed;
  };
  set('models', models, all(models, at));
  set('data', data, at(data));
  set(
    'tasks',
    tasks,
    all(tasks, (task) => inBlock(task, ['data', 'train', 'dev', 'test'])),
  );
  set(
    'methods',
    methods,
    all(methods, (method) => inBlock(method, ['from'])),
  );
  set('run', run, isBlock(run) && isBlock(run.cache) ? { ...run, cache: inBlock(run.cache, ['folder']) } : run);
  return { ...layer, value };
}

/** The layers of one run's configuration, in which every key knows its place in the grid's file. */
export function runLayers(
  layers: Layer[],
  values: GridFile,
  at: { model: number; task: number; method: number },
): Layer[] {
  const lastWith = (key: string) => layers.findLastIndex(({ value }) => value[key] !== undefined);
  const [models, tasks, methods] = ['models', 'tasks', 'methods'].map(lastWith);
  const shared: Layer = {
    value: { splitSeed: values.splitSeed, measureInference: true, selection: {}, training: cleanSplitOf(values) },
    base: layers[0].base,
    locate: (path, part) => layers[0].locate(path, part),
  };
  return [
    shared,
    ...layers.map((layer, index) => {
      const value: Block = isBlock(layer.value.run) ? { ...layer.value.run } : {};
      if (index === models) value.model = values.models[at.model];
      if (index === tasks) value.task = taskBlock(values, at.task);
      if (index === methods) value.tuning = values.methods[at.method];
      return {
        ...layer,
        value,
        locate: (path: readonly string[], part: 'key' | 'value') => layer.locate(place(path), part),
      };
    }),
  ];

  function place([first, ...rest]: readonly string[]): string[] {
    if (first === 'model') return ['models', String(at.model)];
    if (first === 'task') return ['tasks', String(at.task), ...rest];
    if (first === 'tuning') return ['methods', String(at.method), ...rest];
    return first === undefined ? [] : ['run', first, ...rest];
  }
}

/** With a search on the clean split, every run holds that split out. */
function cleanSplitOf({ learningRate }: GridFile): Block {
  if (typeof learningRate === 'number' || !('search' in learningRate)) return {};
  const { search } = learningRate as { search: { selection: string; share?: number } };
  return search.selection === 'clean' ? { cleanSplit: search.share ?? 0.1 } : {};
}

function taskBlock({ tasks, data }: GridFile, index: number): unknown {
  const stated = tasks[index];
  const task = typeof stated === 'string' ? { name: stated } : stated;
  const files = ['data', 'train', 'dev'].some((key) => task[key] !== undefined);
  return data === undefined || files ? task : { ...task, data };
}
