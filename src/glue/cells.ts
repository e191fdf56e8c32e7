/** The cells of a grid, numbered from 1: pairs of model and task, then methods and arms, then seeds. Known before anything is measured. */
import { UserError } from '../errors.js';
import { type Prepared, placeName } from './prepare.js';

export interface Cell {
  /** Indices of the pair, and of the arm among all arms with all methods. */
  pair: number;
  arm: number;
  seed: number;
}

export function countCells({ pairs, methods, grid }: Prepared): number {
  return pairs.length * methods.length * grid.arms.length * grid.values.seeds.length;
}

/** Throws a `UserError` where there is no such cell. */
export function cellAt(prepared: Prepared, number: number): Cell {
  const { methods, grid } = prepared;
  const { seeds } = grid.values;
  const count = countCells(prepared);
  if (!(Number.isInteger(number) && number >= 1 && number <= count)) {
    throw new UserError(`--cell ${number}: there is no such cell`, { hint: `the grid has cells 1 to ${count}` });
  }
  const arms = methods.length * grid.arms.length;
  const index = number - 1;
  const unit = Math.floor(index / seeds.length);
  return { pair: Math.floor(unit / arms), arm: unit % arms, seed: seeds[index % seeds.length] };
}

/** Such as `mrpc selected-2, lora seed 2`. */
export function cellName(prepared: Prepared, { pair, arm, seed }: Cell): string {
  const { grid, methods, pairs } = prepared;
  const request = grid.arms[arm % grid.arms.length];
  const method = methods.length > 1 ? `, ${methods[Math.floor(arm / grid.arms.length)]}` : '';
  return `${placeName(prepared, pairs[pair])} ${request.name}${method} seed ${seed}`;
}
