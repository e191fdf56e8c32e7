/** Every plot of a comparison. */
import type { Comparison, TaskTable } from '../../comparison/types.js';
import { plotCost, TRAINED_PARAMETERS, TRAINING_FLOPS } from './cost.js';
import { plotCurves } from './curves.js';
import { plotLayers } from './layers.js';

type Kind = 'nu' | 'flops' | 'parameters' | 'curves';

export interface Plot {
  /** Fit for a file, unique in its comparison: `mrpc-nu`. */
  name: string;
  kind: Kind;
  svg: string;
}

/** Plots of each table, in the comparison's order; those that have nothing to show are left out. */
export function plotsOf({ tables }: Comparison): Plot[][] {
  const models = new Set(tables.map(({ model }) => model));
  const taken = new Set<string>();
  return tables.map((table) => {
    const name = fileName(models.size > 1 ? `${table.task.name}-${table.model}` : table.task.name, taken);
    return tablePlots(table).flatMap(([kind, svg]) =>
      svg === undefined ? [] : [{ name: `${name}-${kind}`, kind, svg }],
    );
  });
}

function tablePlots(table: TaskTable): [kind: Kind, svg: string | undefined][] {
  return [
    ['nu', table.selection && plotLayers(table.selection)],
    ['flops', plotCost(table, TRAINING_FLOPS)],
    ['parameters', plotCost(table, TRAINED_PARAMETERS)],
    ['curves', plotCurves(table)],
  ];
}

/** Letters, digits, dots and hyphens alone; a number follows where another table has the name. */
export function fileName(text: string, taken: Set<string>): string {
  const plain = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 80);
  const base = plain === '' ? 'task' : plain;
  let name = base;
  for (let number = 2; taken.has(name); number++) name = `${base}-${number}`;
  taken.add(name);
  return name;
}
