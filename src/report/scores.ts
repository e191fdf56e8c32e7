/** The scores of the layers side by side, what each would choose, and how alike they rank the layers. */
import type { LayerScoreResult, SelectResult } from '../pipeline/types.js';
import { formatNumber, formatRange, formatSeconds } from './format.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** Scores in one table; more of them make a table below. */
const ABREAST = 6;

/** Several lines, without the last line's end. */
export function renderScores({ scores, k, score }: SelectResult, style: Style): string {
  const tables: string[] = [];
  for (let from = 0; from < scores.length; from += ABREAST) {
    tables.push(renderValues(scores.slice(from, from + ABREAST), { k, score }, style));
  }
  return [
    'scores of the layers; higher is better. layers tuned @ where the classifier sits:',
    tables.join('\n\n'),
    '',
    "rank correlation over the layers (Spearman's):",
    correlations(scores),
  ].join('\n');
}

function renderValues(
  scores: readonly LayerScoreResult[],
  { k, score }: Pick<SelectResult, 'k' | 'score'>,
  style: Style,
): string {
  // Every cell ends in a place for the mark, so that numbers stand below one another.
  const value = ({ layers, selected }: LayerScoreResult, index: number) => {
    const text = signed(layers[index].value, formatNumber);
    return selected === index + 1 ? style.cyan(`${text} ◂`) : `${text}  `;
  };
  const columns = scores.map(({ title, name }) => ({
    title: `${name === score ? style.bold(title) : title}  `,
    align: 'right' as const,
  }));
  const rows = [
    ...scores[0].layers.map(({ layer }, index) => [String(layer), ...scores.map((of) => value(of, index))]),
    [`selected-${k}`, ...scores.map((of) => `${placed(of)}  `)],
    ['took', ...scores.map(({ seconds }) => `${formatSeconds(seconds)}  `)],
  ];
  return renderTable([{ title: 'layer', align: 'right' }, ...columns], rows, { gap: 2 });
}

/** `3-4 @ 4`, or `–` for a score that chooses nothing. */
function placed({ arm }: LayerScoreResult): string {
  if (!arm || arm.bottom === null || arm.top === null) return '–';
  return `${formatRange(arm.bottom, arm.top)} @ ${arm.head}`;
}

/** The lower triangle of the matrix; columns are numbered as the rows are. */
function correlations(scores: readonly LayerScoreResult[]): string {
  const rows = scores.map((score, index) => [
    String(index + 1),
    score.title,
    ...scores.slice(0, index).map(({ name }) => signed(score.spearman[name], (value) => value.toFixed(2))),
  ]);
  const numbers = scores.slice(0, -1).map((_, index) => ({ title: String(index + 1), align: 'right' as const }));
  return renderTable([{ align: 'right' }, {}, ...numbers], rows, { gap: 2 });
}

function signed(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value).replace(/^-/, '−');
}
