/** The within-class scatter of one layer without its rows: one width × width matrix in float64, for splits that fit nowhere. */

export interface Scatter {
  /** Adds weight · x xᵀ for x [width]; the array may be reused. */
  add(x: Float64Array, weight: number): void;
  /** uᵀ S u for u [width]. */
  quadratic(u: Float64Array): number;
  /** S as a full matrix [width, width]. */
  matrix(): Float64Array;
}

/** Rows are folded in by this many, so that each entry of the matrix is loaded once for all of them. */
const FOLD = 4;

export function createScatter(width: number): Scatter {
  // Upper triangle, row by row: entry (i, j ≥ i) stands at starts[i] + j.
  const entries = new Float64Array((width * (width + 1)) / 2);
  const rows = Array.from({ length: FOLD }, () => new Float64Array(width));
  let waiting = 0;

  const fold = () => {
    const [a, b, c, d] = rows;
    for (let i = 0, start = 0; i < width; start += width - i - 1, i++) {
      const ai = a[i];
      const bi = b[i];
      const ci = c[i];
      const di = d[i];
      for (let j = i; j < width; j++) entries[start + j] += ai * a[j] + bi * b[j] + (ci * c[j] + di * d[j]);
    }
    for (const row of rows) row.fill(0);
    waiting = 0;
  };

  return {
    add(x, weight) {
      const scale = Math.sqrt(weight);
      const row = rows[waiting++];
      for (let j = 0; j < width; j++) row[j] = x[j] * scale;
      if (waiting === FOLD) fold();
    },
    quadratic(u) {
      fold();
      let total = 0;
      for (let i = 0, start = 0; i < width; start += width - i - 1, i++) {
        let off = 0;
        for (let j = i + 1; j < width; j++) off += entries[start + j] * u[j];
        total += u[i] * (entries[start + i] * u[i] + 2 * off);
      }
      return total;
    },
    matrix() {
      fold();
      const full = new Float64Array(width * width);
      for (let i = 0, start = 0; i < width; start += width - i - 1, i++) {
        for (let j = i; j < width; j++) {
          full[i * width + j] = entries[start + j];
          full[j * width + i] = entries[start + j];
        }
      }
      return full;
    },
  };
}
