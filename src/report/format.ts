/** Numbers as people read them: 3 668, 22.6 M, 1.9 GB, 412 s, 0:19, 62 %; and the beginning of a list. */

/** An integer with its thousands apart: `3 668`. */
export function formatInteger(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Three digits or so and a unit: `850`, `5.1 k`, `22.6 M`, `355 M`. */
export function formatCount(value: number): string {
  return scaled(value, ['', 'k', 'M', 'G', 'T', 'P', 'E']);
}

/** Decimal bytes: `540 MB`, `1.9 GB`. */
export function formatBytes(value: number): string {
  return scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);
}

/** A duration: `0.4 s`, `11 s`, `412 s`, `28 min`, `3.4 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 999.5) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Time left as a clock: `0:19`, `12:05`, `1:02:05`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A fraction as a whole percentage, `62 %`; below one per cent with its first digit, `0.3 %`. */
export function formatPercent(fraction: number): string {
  const percent = fraction * 100;
  return percent > 0 && percent < 0.95 ? `${percent.toFixed(1)} %` : `${Math.round(percent)} %`;
}

/** A metric, a fraction, in points: `86.1`. */
export function formatPoints(fraction: number): string {
  return (fraction * 100).toFixed(1);
}

/** Three significant digits, never an exponent below a million: `5.64`, `81.2`, `0.0312`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (size >= 100) return formatInteger(value);
  if (size >= 10) return value.toFixed(1);
  return size >= 1 || size === 0 ? value.toFixed(2) : value.toPrecision(3);
}

/** Layers as `3-4`, or `4` where it is one. */
export function formatRange(from: number, to: number): string {
  return from === to ? String(from) : `${from}-${to}`;
}

/** A horizontal bar of `width` cells at most, to an eighth of a cell; something above zero is always seen. */
export function formatBar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const shown = fraction > 0 ? Math.max(1, eighths) : 0;
  const rest = shown % 8;
  return '█'.repeat(Math.floor(shown / 8)) + (rest > 0 ? String.fromCodePoint(0x2590 - rest) : '');
}

function scaled(value: number, units: string[]): string {
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  const digits = unit === 0 || Math.abs(size) >= 99.95 ? size.toFixed(0) : size.toFixed(1);
  return units[unit] ? `${digits} ${units[unit]}` : digits;
}

/** The first of the items, and how many there are beyond them: `a, b and 4 more`. */
export function formatSome(items: readonly string[], most: number): string {
  const more = items.length > most ? ` and ${items.length - most} more` : '';
  return `${items.slice(0, most).join(', ')}${more}`;
}
