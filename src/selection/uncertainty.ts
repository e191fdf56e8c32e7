/**
 * How sure ν and the choice of a layer are: ν of many subsets of the split, exactly. A subset S needs its class means, which are a
 * product of a 0/1 matrix with the states, and the spread of its rows along its few between-class directions, which is a
 * product of the states with all subsets' directions. So two passes over a layer's states serve every subset.
 */
import { betweenClass } from './between.js';
import type { Multiply } from './multiply.js';
import { bestLayer } from './strategies.js';
import { holds, type Subsets } from './subsets.js';

/** Half-width of the jackknife interval in standard errors: Student's t with 19 degrees of freedom, 95 %. */
export const JACKKNIFE_WIDTH = 2.09;

/** Bytes that the class sums of a group of subsets, and a chunk of rows or of its products, may take. */
const GROUP_BYTES = 2 ** 26;
const CHUNK_BYTES = 2 ** 24;
const CHUNK_ROWS = 4096;

/** One layer's pooled states, and the class of each row. */
export interface LayerStates {
  rows: number;
  width: number;
  classes: number;
  /** [rows]: class of each row, 0-based. */
  classOf: Int32Array;
  /** [width]: about the mean of the states; they are centred by it before they are multiplied in float32. */
  centre: Float64Array;
  /** Fills `out` [n, width] with the rows from `from` on. */
  read(from: number, out: Float32Array): void;
}

/** ν of one layer in every subset: [subsets.count]; infinite where a subset's class means coincide. */
export async function subsetVariability(
  layer: LayerStates,
  subsets: Subsets,
  multiply: Multiply,
): Promise<Float64Array> {
  const nu = new Float64Array(subsets.count);
  const group = Math.max(1, Math.floor(GROUP_BYTES / (8 * layer.classes * layer.width)));
  for (let first = 0; first < subsets.count; first += group) {
    const size = Math.min(group, subsets.count - first);
    const sums = await classSums(layer, subsets, first, size, multiply);
    await groupVariability(layer, subsets, first, size, sums, multiply, nu);
  }
  return nu;
}

/** Sums of the centred states by subset and class: [size, classes, width]. */
async function classSums(
  layer: LayerStates,
  subsets: Subsets,
  first: number,
  size: number,
  multiply: Multiply,
): Promise<Float64Array> {
  const { width, classes } = layer;
  const sums = new Float64Array(size * classes * width);
  for (const chunk of chunks(layer, Math.max(width, size))) {
    for (let y = 0; y < classes; y++) {
      const start = chunk.starts[y];
      const rows = chunk.starts[y + 1] - start;
      if (rows === 0) continue;
      // Rounded up: the surplus rows, another class's or zeros, are in no subset here.
      const inner = Math.ceil(rows / chunk.step) * chunk.step;
      const indicator = new Float32Array(size * inner);
      for (let i = 0; i < rows; i++) {
        const row = chunk.order[start + i];
        for (let s = 0; s < size; s++) if (holds(subsets, row, first + s)) indicator[s * inner + i] = 1;
      }
      const states = chunk.states.subarray(start * width, (start + inner) * width);
      const product = await multiply(indicator, size, inner, states, width);
      for (let s = 0; s < size; s++) {
        const target = (s * classes + y) * width;
        for (let j = 0; j < width; j++) sums[target + j] += product[s * width + j];
      }
    }
  }
  return sums;
}

/** Fills `nu` for the subsets first … first + size − 1, given their class sums (which become class means on the way). */
async function groupVariability(
  layer: LayerStates,
  subsets: Subsets,
  first: number,
  size: number,
  sums: Float64Array,
  multiply: Multiply,
  nu: Float64Array,
): Promise<void> {
  const { width, classes } = layer;
  const sizes = subsets.sizes.subarray(first * classes, (first + size) * classes);
  for (let i = 0; i < size * classes; i++) {
    for (let j = 0; j < width; j++) sums[i * width + j] /= sizes[i];
  }
  const between = Array.from({ length: size }, (_, s) =>
    betweenClass(sums.subarray(s * classes * width, (s + 1) * classes * width), classes, width),
  );
  // All directions side by side, [width, columns]; subset s owns the columns offsets[s] … offsets[s + 1] − 1.
  const offsets = new Int32Array(size + 1);
  between.forEach(({ values }, s) => {
    offsets[s + 1] = offsets[s] + values.length;
  });
  const columns = offsets[size];
  const directions = new Float32Array(width * columns);
  between.forEach(({ values, directions: own }, s) => {
    for (let k = 0; k < values.length; k++) {
      for (let j = 0; j < width; j++) directions[j * columns + offsets[s] + k] = own[k * width + j];
    }
  });

  // First and second moment of each subset's rows along its own directions, by class: [columns, classes].
  const linear = new Float64Array(columns * classes);
  const square = new Float64Array(columns * classes);
  for (const chunk of columns > 0 ? chunks(layer, Math.max(width, columns)) : []) {
    const states = chunk.states.subarray(0, chunk.rows * width);
    const projections = await multiply(states, chunk.rows, width, directions, columns);
    for (let i = 0; i < chunk.order.length; i++) {
      const row = chunk.order[i];
      const y = layer.classOf[row];
      for (let s = 0; s < size; s++) {
        if (!holds(subsets, row, first + s)) continue;
        for (let column = offsets[s]; column < offsets[s + 1]; column++) {
          const value = projections[i * columns + column];
          linear[column * classes + y] += value;
          square[column * classes + y] += value * value;
        }
      }
    }
  }
  between.forEach(({ values }, s) => {
    let total = 0;
    values.forEach((value, k) => {
      const column = offsets[s] + k;
      let within = 0;
      for (let y = 0; y < classes; y++) {
        const n = sizes[s * classes + y];
        const mean = linear[column * classes + y] / n;
        within += Math.max(0, square[column * classes + y] / n - mean * mean);
      }
      total += within / (classes * value);
    });
    nu[first + s] = values.length > 0 ? total / classes : Number.POSITIVE_INFINITY;
  });
}

/**
 * A piece of a layer. An engine prepares each shape of product once, so shapes are few: all pieces have the same number of rows, the
 * last one filled up with zeros, and a class's rows are taken in multiples of `step`, for which zeros follow the rows.
 */
interface Chunk {
  rows: number;
  step: number;
  /** [rows + step, width]: centred states, ordered by class, then zeros. */
  states: Float32Array;
  /** [rows less the filling]: which row of the layer each is. */
  order: Int32Array;
  /** [classes + 1]: where each class starts. */
  starts: Int32Array;
}

/** Reads a layer piece by piece; `widest` is the longest row that will be held for each of a piece's rows. */
function* chunks(layer: LayerStates, widest: number): Generator<Chunk> {
  const { width, classes, classOf, centre } = layer;
  const most = Math.max(1, Math.min(CHUNK_ROWS, Math.floor(CHUNK_BYTES / (4 * widest))));
  const rows = Math.ceil(layer.rows / Math.ceil(layer.rows / most));
  const step = Math.ceil(rows / 8);
  const raw = new Float32Array(rows * width);
  for (let from = 0; from < layer.rows; from += rows) {
    const n = Math.min(rows, layer.rows - from);
    layer.read(from, raw.subarray(0, n * width));
    const starts = new Int32Array(classes + 1);
    for (let i = 0; i < n; i++) starts[classOf[from + i] + 1]++;
    for (let y = 0; y < classes; y++) starts[y + 1] += starts[y];
    const next = starts.slice();
    const order = new Int32Array(n);
    const states = new Float32Array((rows + step) * width);
    for (let i = 0; i < n; i++) {
      const at = next[classOf[from + i]]++;
      order[at] = from + i;
      for (let j = 0; j < width; j++) states[at * width + j] = raw[i * width + j] - centre[j];
    }
    yield { rows, step, states, order, starts };
  }
}

/** Standard error of a statistic by the delete-one-block jackknife: √((B − 1) / B · Σ (ν_b − mean)²) over [blocks] replicates. */
export function jackknifeError(replicates: ArrayLike<number>): number {
  const blocks = replicates.length;
  let mean = 0;
  for (let b = 0; b < blocks; b++) mean += replicates[b] / blocks;
  let spread = 0;
  for (let b = 0; b < blocks; b++) spread += (replicates[b] - mean) ** 2;
  return Math.sqrt(((blocks - 1) / blocks) * spread);
}

/** Share of half-samples in which each layer has the lowest ν, ties to the lower layer. `nu`: one [halfSamples] array a layer. */
export function chosenShares(nu: readonly ArrayLike<number>[]): number[] {
  const samples = nu[0].length;
  const wins = new Array<number>(nu.length).fill(0);
  for (let s = 0; s < samples; s++) wins[bestLayer(nu.map((layer) => layer[s])) - 1]++;
  return wins.map((count) => count / samples);
}
