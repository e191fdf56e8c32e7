/**
 * Dropout masks, drawn on the host so that every engine sees the same ones: a mask is a pure function of its stream's keys and
 * its site. Distances between dropped elements are geometric, which costs one draw per dropped element instead of one per element.
 */
import { stream } from '../random.js';

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

/** Masks of any size at named sites: 0 where dropped, else 1 / (1 − rate). */
export interface MaskBuffers {
  /** A mask of `size` elements; overwritten by the next draw at the same site. */
  draw(size: number, rate: number, keys: readonly (number | string)[], site: string): Float32Array;
}

interface SiteBuffer {
  data: Float32Array;
  rate: number;
  /** Where the last draw dropped: what the next one has to restore. */
  dropped: Int32Array;
  count: number;
}

/** Keeps one buffer a site, as large as the largest mask so far. */
export function maskBuffers(): MaskBuffers {
  const sites = new Map<string, SiteBuffer>();
  return {
    draw(size, rate, keys, site) {
      const scale = 1 / (1 - rate);
      let buffer = sites.get(site);
      if (!buffer || buffer.data.length < size || buffer.rate !== rate) {
        const most = Math.ceil(size * rate + 6 * Math.sqrt(size * rate) + 64);
        buffer = { data: new Float32Array(size).fill(scale), rate, dropped: new Int32Array(most), count: 0 };
        sites.set(site, buffer);
      }
      const { data } = buffer;
      for (let i = 0; i < buffer.count; i++) data[buffer.dropped[i]] = scale;
      drop(buffer, size, keys, site);
      return data.subarray(0, size);
    },
  };
}

function drop(buffer: SiteBuffer, size: number, keys: readonly (number | string)[], site: string): void {
  const { data, rate } = buffer;
  let { dropped } = buffer;
  let table = tables.get(rate);
  if (!table) {
    table = distances(rate);
    tables.set(rate, table);
  }
  const { cumulative, start } = table;
  const random = stream(...keys, site);
  let count = 0;
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
  buffer.dropped = dropped;
  buffer.count = count;
}
