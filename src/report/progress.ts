/**
 * Progress on stderr: one line, rewritten on a terminal; without one, a plain line every few seconds, also while the work is silent
 * (one step of a large model may take minutes). Gone at the end.
 */
import type { Progress } from '../pipeline/types.js';
import { formatClock, formatPercent } from './format.js';
import { plain, type Style, styleFor, widthOf } from './style.js';

export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface ProgressOptions {
  /** Milliseconds between lines where the stream is no terminal; default 5000. */
  interval?: number;
  /** Milliseconds between redraws on a terminal; default 100. */
  redraw?: number;
  /** The time in milliseconds; default `performance.now`. */
  now?: () => number;
  style?: Style;
}

export interface ProgressLine {
  /** Shows the state of the work; undefined takes the line away. */
  show(progress: Progress | undefined): void;
  /** Writes other text where the line is, and the line again below it. */
  around(write: () => void): void;
}

/** Milliseconds after which a terminal's line is drawn again while the work is silent: the time left goes on. */
const HEARTBEAT = 1000;
const CLEAR = '\r\x1b[K';
const BAR = 25;

export function createProgress(stream: ProgressStream, options: ProgressOptions = {}): ProgressLine {
  const { interval = 5000, redraw = 100, now = () => performance.now(), style = styleFor(stream) } = options;
  const pause = stream.isTTY ? redraw : interval;
  let current: Progress | undefined;
  let line = '';
  let phase = '';
  let began = 0;
  let before = 0;
  // A terminal shows work at once; a log waits until there is something to tell.
  let last = stream.isTTY ? Number.NEGATIVE_INFINITY : now();
  let heartbeat: NodeJS.Timeout | undefined;

  const clear = () => {
    if (line) stream.write(CLEAR);
  };
  const draw = () => {
    if (!current || now() - last < pause) return;
    last = now();
    const left = secondsLeft(current, workedOn(current) - before, (now() - began) / 1000);
    if (!stream.isTTY) {
      stream.write(`${progressText(current, left)}\n`);
      return;
    }
    // A pseudo-terminal without a size says 0.
    line = progressText(current, left, (stream.columns || 80) - 1, style);
    stream.write(CLEAR + line);
  };
  return {
    show(progress) {
      current = progress;
      if (!progress) {
        clearInterval(heartbeat);
        heartbeat = undefined;
        clear();
        line = '';
        phase = '';
        return;
      }
      heartbeat ??= setInterval(draw, stream.isTTY ? HEARTBEAT : interval).unref();
      const { subject = '' } = progress;
      const worked = workedOn(progress);
      const key = `${progress.phase} ${subject}`;
      if (key !== phase || worked < before) {
        phase = key;
        began = now();
        before = worked;
        if (stream.isTTY) last = Number.NEGATIVE_INFINITY;
      }
      draw();
    },
    around(write) {
      clear();
      write();
      if (line) stream.write(line);
    },
  };
}

const workedOn = ({ done, found = 0 }: Progress) => done - found;

/** Assuming that the rest goes as fast as `worked`, which took `elapsed` seconds. */
function secondsLeft({ done, total }: Progress, worked: number, elapsed: number): number | undefined {
  return worked > 0 && elapsed > 0.5 ? ((total - done) * elapsed) / worked : undefined;
}

/** One line of progress. With a width, a bar that fills what is left of it. */
export function progressText(progress: Progress, left?: number, width?: number, style: Style = plain): string {
  const { phase, subject, done, total, detail } = progress;
  const fraction = total > 0 ? Math.min(1, done / total) : 0;
  const front = [phase, subject].filter(Boolean);
  const back = [
    formatPercent(fraction).padStart(5),
    detail,
    left === undefined ? '' : `${formatClock(left)} left`,
  ].filter((part): part is string => Boolean(part));
  if (width === undefined) return [...front, ...back.map((part) => part.trim())].join('  ');
  const room = width - widthOf([...front, '', ...back].join('  ')) - 2;
  const bar = room >= 8 ? [style.cyan(progressBar(fraction, Math.min(BAR, room)))] : [];
  const text = [...front, ...bar, ...back].join('  ');
  return bar.length > 0 ? text : [...text].slice(0, Math.max(0, width)).join('');
}

function progressBar(fraction: number, width: number): string {
  const halves = Math.round(fraction * width * 2);
  const full = Math.floor(halves / 2);
  const half = halves % 2;
  return '━'.repeat(full) + '╸'.repeat(half) + '─'.repeat(width - full - half);
}
