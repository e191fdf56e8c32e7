/** The matrix product that resampling spends its time in. An engine may lend a faster one. */

/**
 * a [rows, inner] · b [inner, columns] → [rows, columns], all row-major. Few different shapes are asked for. The result may be
 * overwritten by the next call.
 */
export type Multiply = (
  a: Float32Array,
  rows: number,
  inner: number,
  b: Float32Array,
  columns: number,
) => Float32Array | Promise<Float32Array>;

/** Tile of the innermost kernel, in rows and columns: what was fastest among those whose sums fit the processor's registers. */
const TILE_ROWS = 2;
const TILE_COLUMNS = 4;

/** Plain JavaScript; sums in float64. Some 2 · 10⁹ products a second. */
export function multiplyPlain(
  a: Float32Array,
  rows: number,
  inner: number,
  b: Float32Array,
  columns: number,
): Float32Array {
  const out = new Float32Array(rows * columns);
  const left = tiles(a, rows, inner);
  const right = new Float64Array(inner * TILE_COLUMNS);
  const sums = new Float64Array(TILE_ROWS * TILE_COLUMNS);
  for (let j = 0; j < columns; j += TILE_COLUMNS) {
    const wide = Math.min(TILE_COLUMNS, columns - j);
    for (let k = 0; k < inner; k++) {
      for (let c = 0; c < TILE_COLUMNS; c++) right[k * TILE_COLUMNS + c] = c < wide ? b[k * columns + j + c] : 0;
    }
    for (let i = 0; i < rows; i += TILE_ROWS) {
      multiplyTile(left, i * inner, right, inner, sums);
      const high = Math.min(TILE_ROWS, rows - i);
      for (let r = 0; r < high; r++) {
        for (let c = 0; c < wide; c++) out[(i + r) * columns + j + c] = sums[r * TILE_COLUMNS + c];
      }
    }
  }
  return out;
}

/** Widens to float64 (converting inside the kernel costs more than the products) as [rows / TILE_ROWS, inner, TILE_ROWS], zero-padded. */
function tiles(a: Float32Array, rows: number, inner: number): Float64Array {
  const left = new Float64Array(Math.ceil(rows / TILE_ROWS) * TILE_ROWS * inner);
  for (let i = 0; i < rows; i++) {
    const start = (i - (i % TILE_ROWS)) * inner + (i % TILE_ROWS);
    for (let k = 0; k < inner; k++) left[start + k * TILE_ROWS] = a[i * inner + k];
  }
  return left;
}

/** Unrolled by hand: the eight sums stay in registers. */
function multiplyTile(left: Float64Array, base: number, right: Float64Array, inner: number, sums: Float64Array): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  for (let k = 0, p = base, q = 0; k < inner; k++, p += 2, q += 4) {
    const b0 = right[q];
    const b1 = right[q + 1];
    const b2 = right[q + 2];
    const b3 = right[q + 3];
    const a0 = left[p];
    s00 += a0 * b0;
    s01 += a0 * b1;
    s02 += a0 * b2;
    s03 += a0 * b3;
    const a1 = left[p + 1];
    s10 += a1 * b0;
    s11 += a1 * b1;
    s12 += a1 * b2;
    s13 += a1 * b3;
  }
  sums[0] = s00;
  sums[1] = s01;
  sums[2] = s02;
  sums[3] = s03;
  sums[4] = s10;
  sums[5] = s11;
  sums[6] = s12;
  sums[7] = s13;
}
