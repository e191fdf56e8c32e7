/** Half-precision numbers as bits, since Node 20 has no `Float16Array`. */

let table: Float32Array | undefined;

/** float32 value of each of the 65 536 float16 bit patterns. */
function halfTable(): Float32Array {
  if (table) return table;
  table = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) table[bits] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

/** float16 bits → float32 values, exactly. */
export function fromFloat16(source: Uint16Array, target: Float32Array): void {
  const values = halfTable();
  for (let i = 0; i < source.length; i++) target[i] = values[source[i]];
}

/** float32 values → float16 bits, to the nearest, ties to even; beyond 65 504 becomes infinite. */
export function toFloat16(source: Float32Array, target: Uint16Array): void {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < bits.length; i++) target[i] = halfBits(bits[i]);
}

function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = bits & 0x7fffff;
  if (exponent >= 0x1f) return sign | (exponent === 143 && fraction ? 0x7e00 : 0x7c00);
  if (exponent <= -11) return sign;
  // Normal numbers keep 10 of 23 fraction bits; subnormal ones fewer, with the leading 1 made explicit.
  const drop = exponent > 0 ? 13 : 14 - exponent;
  const full = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
  const kept = full >>> drop;
  const rest = full & ((1 << drop) - 1);
  const half = 1 << (drop - 1);
  const up = rest > half || (rest === half && (kept & 1) === 1);
  // A carry runs on into the exponent, as it should.
  return sign | (kept + (up ? 1 : 0));
}

/** bfloat16 bits → float32 values, exactly. */
export function fromBfloat16(source: Uint16Array, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i] << 16;
}
