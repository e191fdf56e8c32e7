/** Figures of a comparison as people read them; what is not a number reads as a dash. */
import { formatPoints } from '../format.js';

export const NONE = '–';

/** The figure by `format`, or a dash where there is none. */
export function figure(value: number | null | undefined, format: (value: number) => string): string {
  return isFigure(value) ? format(value) : NONE;
}

export function isFigure(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/** A fraction in points, with a true minus: `86.1`, `−3.2`. */
export function points(fraction: number): string {
  return withMinus(formatPoints(fraction));
}

/** A difference of fractions in points with its sign: `+0.5`, `−4.6`, `0.0`. */
export function signedPoints(fraction: number): string {
  const text = points(fraction);
  return fraction > 0 && text !== '0.0' ? `+${text}` : text;
}

/** Mean and standard deviation in points: `86.6 ± 0.6`; without a deviation the mean alone. */
export function spread(mean: number, deviation: number | null): string {
  return isFigure(deviation) ? `${points(mean)} ± ${points(deviation)}` : points(mean);
}

/** A probability: three decimals, `<0.001` below. */
export function probability(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

/** How many times as much: `1.00 ×`, `0.17 ×`, `0.021 ×`, `24 ×`. */
export function ratio(value: number): string {
  const digits = value >= 10 ? value.toFixed(0) : value >= 0.1 || value === 0 ? value.toFixed(2) : value.toPrecision(2);
  return `${digits} ×`;
}

/** Milliseconds with three digits: `0.84 ms`, `12.3 ms`, `140 ms`. */
export function milliseconds(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

/** A learning rate: `3e-5`, `2.5e-4`. */
export function rate(value: number): string {
  return Number(value.toPrecision(3)).toExponential().replace('e+0', '');
}

function withMinus(text: string): string {
  return text === '-0.0' ? '0.0' : text.replace('-', '−');
}
