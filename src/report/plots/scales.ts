/** From values to pixels, and where the ticks go. */

/** Two points: what scores differ by less should not look like a lot. */
export const SCORE_RANGE = 0.02;

export interface Scale {
  /** Pixel of a value. */
  at(value: number): number;
  ticks: number[];
  /** The range that is shown. */
  domain: [number, number];
}

/** Round numbers, 1, 2 or 5 times a power of ten apart, about `count` of them, all within [low, high]. */
export function niceTicks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const step = niceStep((high - low) / Math.max(1, count));
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Multiples of the step, less the dust of their products.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  // A step that is round but for its last bits stays.
  const unit = (rough / power) * (1 - 1e-9);
  return (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * power;
}

/** The range is that of the values and some room; it is never smaller than `least`. */
export function linearScale(
  values: number[],
  pixels: [number, number],
  { count = 5, pad = 0.06, least = 0 } = {},
): Scale {
  const [low, high] = extent(values);
  // A single value, or several that differ by dust, stands in the middle of something.
  const differ = high - low > Math.max(Math.abs(low), Math.abs(high)) * 1e-9;
  const wanted = differ ? (high - low) * pad : Math.max(Math.abs(low) * 0.1, 1e-3);
  const room = Math.max(wanted, (least - (high - low)) / 2);
  const domain: [number, number] = [low - room, high + room];
  const [from, to] = pixels;
  return {
    at: (value) => from + ((value - domain[0]) / (domain[1] - domain[0])) * (to - from),
    ticks: niceTicks(...domain, count),
    domain,
  };
}

/** Values above zero. Ticks: the decades, with 2, 3, 5 between them where they are few; within a part of a decade equal steps. */
export function logScale(values: number[], pixels: [number, number], { pad = 0.06 } = {}): Scale {
  const [low, high] = extent(values.filter((value) => value > 0)).map(Math.log10);
  const room = Math.max((high - low) * pad, 0.08);
  const ends = [low - room, high + room];
  const [from, to] = pixels;
  const decades = Array.from(
    { length: Math.ceil(ends[1]) - Math.floor(ends[0]) + 1 },
    (_, i) => Math.floor(ends[0]) + i,
  );
  const within = (value: number) => Math.log10(value) >= ends[0] - 1e-9 && Math.log10(value) <= ends[1] + 1e-9;
  const candidates = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]].map((units) =>
    decades.flatMap((decade) => units.map((unit) => Number(`${unit}e${decade}`))).filter(within),
  );
  return {
    at: (value) => from + ((Math.log10(value) - ends[0]) / (ends[1] - ends[0])) * (to - from),
    ticks: candidates.find((ticks) => ticks.length >= 3) ?? niceTicks(10 ** ends[0], 10 ** ends[1], 5),
    domain: [10 ** ends[0], 10 ** ends[1]],
  };
}

function extent(values: number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [1, 1];
}
