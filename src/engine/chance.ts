/**
 * Dropout masks, drawn on the host so that every engine sees the same ones: a mask is a pure function of its stream's keys and
 * its site. Distances between dropped elements are geometric, which costs one draw per dropped element instead of one per element.
 */
import { stream } from '../random.js';

/** A mask that is redrawn in place: 0 where dropped, else 1 / (1 − rate). */
export interface MaskBuffer {
  readonly data: Float32Array;
  draw(keys: readonly (number | string)[], site: string): void;
}

const BUCKETS = 4096;

/** Cumulative distribution of the distance to the next dropped element, scaled to 32 bits, and where to start looking in it. */
function distances(rate: number): { cumulative: Float64Array; start: Int32Array } {
  const values: number[] = [];
  const keep = 1 - rate;
  for (let kept = keep; ; kept *= keep) {
    values.push((1 - kept) * 2 ** 32);
    if (kept * 2 ** 32 < 1) break;
  }
  const cumulative = Float64Array.from([...values, Number.POSITIVE_INFINITY]);
  const start = new Int32Array(BUCKETS);
  let distance = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    while (cumulative[distance] <= bucket * (2 ** 32 / BUCKETS)) distance++;
    start[bucket] = distance;
  }
  return { cumulative, start };
}

const tables = new Map<number, ReturnType<typeof distances>>();

export function maskBuffer(size: number, rate: number): MaskBuffer {
  const scale = 1 / (1 - rate);
  const data = new Float32Array(size).fill(scale);
  let table = tables.get(rate);
  if (!table) {
    table = distances(rate);
    tables.set(rate, table);
  }
  const { cumulative, start } = table;
  let dropped = new Int32Array(Math.ceil(size * rate * 1.1) + 64);
  let count = 0;
  return {
    data,
    draw(keys, site) {
      for (let i = 0; i < count; i++) data[dropped[i]] = scale;
      count = 0;
      const random = stream(...keys, site);
      for (let at = 0; ; at++) {
        const u = random.bits();
        let distance = start[u >>> 20];
        while (cumulative[distance] <= u) distance++;
        at += distance;
        if (at >= size) break;
        if (count === dropped.length) {
          const larger = new Int32Array(count * 2);
          larger.set(dropped);
          dropped = larger;
        }
        data[at] = 0;
        dropped[count++] = at;
      }
    },
  };
}
