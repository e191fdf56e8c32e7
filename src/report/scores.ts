/** The scores of the layers side by side, what each would choose, and how alike they rank the layers. */
import type { LayerScoreResult, SelectResult } from '../pipeline/types.js';
import { formatNumber, formatRange, formatSeconds } from './format.js';
import type { Style } from './style.js';
import { renderTable } from './table.js';

/** Two tables, several lines, without the last line's end. */
export function renderScores({ scores, shape, k, score }: SelectResult, style: Style): string {
  const layers = Array.from({ length: shape.layers }, (_, index) => index);
  const cell = ({ layers: values, selected }: LayerScoreResult, index: number) => {
    const { value } = values[index];
    const text = value === null ? '–' : formatNumber(value).replace('-', '−');
    return selected === index + 1 ? style.bold(`${text} ◂`) : `${text}  `;
  };
  const titles = scores.map(({ title, name }) => ({
    title: `${name === score ? style.cyan(title) : title}  `,
    align: 'right' as const,
  }));
  const rows = [
    ...layers.map((index) => [String(index + 1), ...scores.map((of) => cell(of, index))]),
    [`selected-${k}`, ...scores.map((of) => `${placed(of)}  `)],
    ['seconds', ...scores.map(({ seconds }) => `${formatSeconds(seconds)}  `)],
  ];
  const lines = [
    'higher is better; @: where the classifier sits',
    renderTable([{ title: 'layer', align: 'right' }, ...titles], rows, { gap: 1 }),
    '',
    'rank correlation over the layers (Spearman)',
    correlations(scores),
  ];
  return lines.join('\n');
}

/** `3-4 @ 4`, or `–` for a score that chooses nothing. */
function placed({ arm }: LayerScoreResult): string {
  if (!arm || arm.bottom === null || arm.top === null) return '–';
  return `${formatRange(arm.bottom, arm.top)} @ ${arm.head}`;
}

/** The lower triangle of the matrix. */
function correlations(scores: readonly LayerScoreResult[]): string {
  const rows = scores.slice(1).map((score, index) => [
    score.title,
    ...scores.slice(0, index + 1).map(({ name }) => {
      const value = score.spearman[name];
      return value === null ? '–' : value.toFixed(2).replace('-', '−');
    }),
  ]);
  const columns = scores.slice(0, -1).map(({ title }) => ({ title, align: 'right' as const }));
  return renderTable([{ title: '', align: 'right' }, ...columns], rows, { gap: 2 });
}
