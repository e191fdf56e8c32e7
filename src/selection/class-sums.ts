/** What one layer's ν needs of its rows while they arrive: sums by class, and their scatter where the rows themselves are not kept. */
import { betweenClass } from './between.js';
import { createScatter, type Scatter } from './scatter.js';

export interface ClassSums {
  /** Takes rows [n, width] and the class of each. */
  add(states: Float32Array, classOf: ArrayLike<number>): void;
  /** From now on `spread` uses the scatter, into which all rows go by `addScatter`, after they went through `add`. */
  keepScatter(): void;
  addScatter(states: Float32Array, classOf: ArrayLike<number>): void;
  /**
   * ν of all rows (infinite where the class means coincide, NaN where a state is not finite), and the mean of the class means.
   * The rows come once more, piece by piece, unless the scatter was kept.
   */
  spread(
    rows: (() => Iterable<{ from: number; states: Float32Array }>) | undefined,
    classOf: Int32Array,
  ): { nu: number; centre: Float64Array };
}

/** `sizes`: rows of each class in the end. All sums run around the first row of each class. */
export function createClassSums(sizes: readonly number[], width: number): ClassSums {
  const classes = sizes.length;
  const centres = new Float64Array(classes * width);
  const sums = new Float64Array(classes * width);
  const counts = new Int32Array(classes);
  const difference = new Float64Array(width);
  let scatter: Scatter | undefined;

  /** Class means less the first class's centre, so that a common offset is gone: [classes, width]. */
  const relativeMeans = () => {
    const means = new Float64Array(classes * width);
    for (let y = 0; y < classes; y++) {
      for (let j = 0; j < width; j++) {
        means[y * width + j] = centres[y * width + j] - centres[j] + sums[y * width + j] / sizes[y];
      }
    }
    return means;
  };

  /** uᵀ Σ_w u from the rows, for directions u [rank, width]. */
  const fromRows = (
    rows: Iterable<{ from: number; states: Float32Array }>,
    classOf: Int32Array,
    means: Float64Array,
    directions: Float64Array,
  ): Float64Array => {
    const rank = directions.length / width;
    const within = new Float64Array(rank);
    for (const { from, states } of rows) {
      for (let i = 0; i * width < states.length; i++) {
        const y = classOf[from + i];
        for (let j = 0; j < width; j++) difference[j] = states[i * width + j] - centres[j] - means[y * width + j];
        for (let k = 0; k < rank; k++) {
          const projection = dot(directions, k * width, difference);
          within[k] += (projection * projection) / (sizes[y] * classes);
        }
      }
    }
    return within;
  };

  /** The same from the scatter S around the centres c_y: (1/C) (uᵀ S u − Σ_y (uᵀ (m_y − c_y))²). */
  const fromScatter = (kept: Scatter, directions: Float64Array): Float64Array =>
    Float64Array.from({ length: directions.length / width }, (_, k) => {
      let within = kept.quadratic(directions.subarray(k * width, (k + 1) * width));
      for (let y = 0; y < classes; y++) {
        for (let j = 0; j < width; j++) difference[j] = sums[y * width + j] / sizes[y];
        within -= dot(directions, k * width, difference) ** 2;
      }
      return Math.max(0, within) / classes;
    });

  return {
    add(states, classOf) {
      for (let i = 0; i * width < states.length; i++) {
        const at = classOf[i] * width;
        const fresh = counts[classOf[i]]++ === 0;
        for (let j = 0; j < width; j++) {
          const value = states[i * width + j];
          if (fresh) centres[at + j] = value;
          sums[at + j] += value - centres[at + j];
        }
      }
    },
    keepScatter() {
      scatter = createScatter(width);
    },
    addScatter(states, classOf) {
      for (let i = 0; i * width < states.length; i++) {
        const y = classOf[i];
        for (let j = 0; j < width; j++) difference[j] = states[i * width + j] - centres[y * width + j];
        scatter?.add(difference, 1 / sizes[y]);
      }
    },
    spread(rows, classOf) {
      const means = relativeMeans();
      const centre = new Float64Array(width);
      for (let j = 0; j < width; j++) {
        for (let y = 0; y < classes; y++) centre[j] += means[y * width + j] / classes;
        centre[j] += centres[j];
      }
      if (!centre.every(Number.isFinite)) return { nu: Number.NaN, centre };
      const { values, directions } = betweenClass(means, classes, width);
      const within = scatter ? fromScatter(scatter, directions) : fromRows(rows?.() ?? [], classOf, means, directions);
      const total = values.reduce((sum, value, k) => sum + within[k] / value, 0);
      return { nu: values.length > 0 ? total / classes : Number.POSITIVE_INFINITY, centre };
    },
  };
}

function dot(a: Float64Array, from: number, b: Float64Array): number {
  let total = 0;
  for (let j = 0; j < b.length; j++) total += a[from + j] * b[j];
  return total;
}
