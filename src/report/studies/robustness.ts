/** The study of imbalance and scarcity: which layers the draws choose, and what becomes of ν's curve. */
import type { LevelSummary, RobustnessReport, RobustnessStudy } from '../../studies/robustness.js';
import { figure } from '../comparison/figures.js';
import { formatInteger, formatNumber, formatPercent } from '../format.js';
import { fileName } from '../plots/plots.js';
import { plotSeries } from '../plots/series.js';
import { left, right, type StudyDocument, type StudyTable } from './table.js';

type Kind = 'imbalance' | 'scarcity';
const KINDS: Kind[] = ['imbalance', 'scarcity'];

export function robustnessDocument(report: RobustnessReport): StudyDocument {
  const taken = new Set<string>();
  return {
    name: 'robustness',
    tables: report.studies.flatMap((study) =>
      KINDS.flatMap((kind) => [choiceTable(study, kind), curveTable(study, kind)]),
    ),
    notes: report.notes,
    plots: report.studies.flatMap((study) =>
      KINDS.flatMap((kind) => {
        const svg = sharesPlot(study, kind);
        return svg === undefined ? [] : [{ name: fileName(`robustness-${study.task}-${kind}`, taken), svg }];
      }),
    ),
    data: report,
  };
}

const levelText = (kind: Kind, level: number) => (kind === 'imbalance' ? `1:${level}` : formatInteger(level));

function about({ task, model, samples, classSizes, imbalance }: RobustnessStudy, kind: Kind): string {
  const classes = `${formatInteger(samples)} inputs of ${classSizes.length} classes`;
  const drawn = kind === 'imbalance' ? `imbalance at ${formatInteger(imbalance.size)} inputs` : 'fewer inputs';
  return `${task} · ${drawn} · ${model}, ${classes}`;
}

function choiceTable(study: RobustnessStudy, kind: Kind): StudyTable {
  const { task, model, full, chosen, k } = study;
  const from = Math.min(k, full.length);
  const layers = full.map((_, index) => index + 1).filter((layer) => layer >= from);
  return {
    kind,
    title: `${about(study, kind)} · share of draws that choose layer …`,
    columns: [
      left(kind === 'imbalance' ? 'ratio' : 'inputs'),
      ...layers.map((layer) => right(layer === chosen ? `${layer} *` : String(layer))),
      right('Spearman'),
      right('draws'),
    ],
    rows: study[kind].levels.map((summary) => ({
      cells: [
        levelText(kind, summary.level),
        ...layers.map((layer) =>
          figure(summary.shares[layer - 1], (share) => (share === 0 ? '' : formatPercent(share))),
        ),
        figure(summary.spearman, (r) => r.toFixed(2).replace('-', '−')),
        summary.defined === summary.draws ? String(summary.draws) : `${summary.defined} of ${summary.draws}`,
      ],
      values: {
        ...{ task, model, level: summary.level, draws: summary.draws, defined: summary.defined },
        ...{ chosen, agreement: summary.agreement, spearman: summary.spearman },
        ...Object.fromEntries(summary.shares.map((share, index) => [`share_${index + 1}`, share])),
      },
    })),
    legend: `* chosen on all inputs${from > 1 ? `, of layers ${from}-${full.length}` : ''}. Spearman: with the curve of all inputs, mean over draws.`,
  };
}

function curveTable(study: RobustnessStudy, kind: Kind): StudyTable {
  const { task, model, full } = study;
  const row = (name: string, level: number | null, nu: LevelSummary['nu']) => ({
    cells: [
      name,
      ...nu.map(({ mean, deviation }) =>
        figure(mean, (value) =>
          deviation === null ? formatNumber(value) : `${formatNumber(value)} ± ${formatNumber(deviation)}`,
        ),
      ),
    ],
    values: {
      ...{ task, model, level },
      ...Object.fromEntries(
        nu.flatMap(({ mean, deviation }, index) => [
          [`nu_${index + 1}`, mean],
          [`nu_deviation_${index + 1}`, deviation],
        ]),
      ),
    },
  });
  const all = full.map((mean) => ({ mean, deviation: null }));
  return {
    kind: `${kind}-nu`,
    title: `${task} · ν of layer …: mean ± standard deviation over the draws`,
    columns: [left(kind === 'imbalance' ? 'ratio' : 'inputs'), ...full.map((_, index) => right(String(index + 1)))],
    rows: [
      ...study[kind].levels.map(({ level, nu }) => row(levelText(kind, level), level, nu)),
      // Scarcity's last level is all inputs.
      ...(kind === 'imbalance' ? [row('all inputs', null, all)] : []),
    ],
    legend: '',
  };
}

function sharesPlot(study: RobustnessStudy, kind: Kind): string | undefined {
  const { levels } = study[kind];
  const layers = study.full
    .map((_, index) => index + 1)
    // Layers that no draw chooses would lie on the axis, one on the other.
    .filter((layer) => layer === study.chosen || levels.some(({ shares }) => shares[layer - 1] > 0));
  return plotSeries({
    title: `${study.task}: layer that ν chooses`,
    subtitle: about(study, kind),
    places: levels.map(({ level }) => levelText(kind, level)),
    xTitle: kind === 'imbalance' ? 'how much rarer one class is' : 'inputs',
    yTitle: 'share of draws, %',
    unit: 100,
    least: 0.2,
    series: layers.map((layer) => ({
      label: layer === study.chosen ? `layer ${layer} (all inputs)` : `layer ${layer}`,
      points: levels.map(({ shares }) => ({ value: shares[layer - 1] })),
    })),
  });
}
