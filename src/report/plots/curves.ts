/** How the rows learn: the score after each evaluation, and the loss, both as means over seeds. */
import type { ComparisonRow, RunRecord, TaskTable } from '../../comparison/types.js';
import { sameTriple } from '../../selection/arms.js';
import { rowLabel } from '../comparison/task-rows.js';
import { type Axis, axes, formatTick, heading, type Panel } from './axes.js';
import { type Look, looksOf, marker, polyline } from './marks.js';
import { linearScale, niceTicks, SCORE_RANGE } from './scales.js';
import { meanCurve, smoothLosses } from './smooth.js';
import { clip, drawing, element, LONGEST_LABEL, text, textWidth } from './svg.js';

const HEIGHT = 340;
const SIDE = 320;
const [TOP, BOTTOM] = [76, HEIGHT - 52];

type Curve = [x: number, y: number][];

interface Series {
  label: string;
  look: Look;
  scores: Curve;
  losses: Curve;
}

/** Undefined where no run was evaluated while it learnt. */
export function plotCurves(table: TaskTable): string | undefined {
  const looks = looksOf(table.rows);
  const series = table.rows.flatMap((row, index): Series[] => {
    if (row.sameAs !== undefined) return [];
    const runs = table.records.filter((record) => belongs(record, row));
    const scores = meanCurve(runs.map(scoreCurve));
    const losses = smoothLosses(runs.map(lossCurve));
    if (scores.length === 0 && losses.length === 0) return [];
    return [{ label: clip(rowLabel(row), LONGEST_LABEL), look: looks[index], scores, losses }];
  });
  if (series.every(({ scores }) => scores.length === 0)) return undefined;

  const legend = Math.max(...series.map(({ label }) => textWidth(label))) + 44;
  const left: Panel = { left: 66, top: TOP, right: 66 + SIDE, bottom: BOTTOM };
  const right: Panel = { left: left.right + 78, top: TOP, right: left.right + 78 + SIDE, bottom: BOTTOM };
  const hasLosses = series.some(({ losses }) => losses.length > 0);
  const last = hasLosses ? right : left;
  const ends = series.flatMap(({ scores, losses }) => [...scores, ...losses].map(([x]) => x));
  const epochs = Math.max(1, ...ends);
  const height = Math.max(HEIGHT, TOP + series.length * 18 + 20);
  const title = `${table.task.name}: learning curves`;
  return drawing(
    last.right + 20 + legend,
    height,
    title,
    `evaluation score and training loss of ${series.map(({ label }) => label).join(', ')}`,
    heading(22, title, `${table.model}, means over seeds${hasLosses ? '; loss averaged over 4 % of the epochs' : ''}`),
    panel(left, 'score while training, points', series, ({ scores }) => scores, true, epochs),
    hasLosses ? panel(right, 'training loss', series, ({ losses }) => losses, false, epochs) : '',
    ...series.map(({ label, look }, index) => key(last.right + 24, TOP + 8 + index * 18, label, look)),
  );
}

/** Rows of one arm and method can differ in layers or learning rate. */
function belongs({ arm, method, seed, learningRate }: RunRecord, row: ComparisonRow): boolean {
  const same = arm.name === row.arm.name && sameTriple(arm, row.arm) && method === row.method;
  return same && row.seeds.includes(seed) && row.learningRates.includes(learningRate);
}

function panel(
  { left, top, right, bottom }: Panel,
  title: string,
  series: Series[],
  of: (s: Series) => Curve,
  isScore: boolean,
  epochs: number,
): string {
  const all = series.flatMap(of);
  const scale = linearScale([0, epochs], [left, right], { pad: 0.03 });
  const x: Axis = {
    scale: { ...scale, ticks: niceTicks(0, epochs, 6).filter(Number.isInteger) },
    title: 'epoch',
    format: String,
  };
  const heights = linearScale(
    all.map(([, y]) => y),
    [bottom, top],
    { least: isScore ? SCORE_RANGE : 0 },
  );
  const format = isScore
    ? (value: number) =>
        formatTick(
          value * 100,
          heights.ticks.map((tick) => tick * 100),
        )
    : (value: number) => formatTick(value, heights.ticks);
  const drawn = series.map((each) => {
    const pixels = of(each).map(([at, value]): [number, number] => [scale.at(at), heights.at(value)]);
    const line = pixels.length > 1 ? polyline(pixels, each.look, isScore ? 1.8 : 1.4) : '';
    return line + (isScore ? pixels.map(([at, value]) => marker(at, value, each.look, 3.4)).join('') : '');
  });
  return element('g', {}, axes({ left, top, right, bottom }, x, { scale: heights, title, format }), ...drawn);
}

function key(x: number, y: number, label: string, look: Look): string {
  return element(
    'g',
    { class: 'key' },
    polyline(
      [
        [x, y],
        [x + 22, y],
      ],
      look,
    ),
    marker(x + 11, y, look, 3.4),
    text(x + 29, y + 4, label),
  );
}

/** Steps of an epoch: as many as the first one took. */
function epochSteps({ steps, evaluations }: RunRecord): number {
  const first = [...steps, ...evaluations].filter(({ epoch }) => epoch === 1).map(({ step }) => step);
  return first.length > 0 ? Math.max(...first) : Number.NaN;
}

function scoreCurve(run: RunRecord): Curve {
  const length = epochSteps(run);
  return finite(run.evaluations.map(({ step, epoch, score }) => [length > 0 ? step / length : epoch, score]));
}

function lossCurve(run: RunRecord): Curve {
  const length = epochSteps(run);
  return finite(run.steps.map(({ step, epoch, loss }) => [length > 0 ? step / length : epoch, loss]));
}

function finite(curve: Curve): Curve {
  return curve.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
}
