import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayerScoreResult, SelectResult } from '../../src/pipeline/types.js';
import { renderScores } from '../../src/report/scores.js';
import { plain } from '../../src/report/style.js';

const score = (
  name: LayerScoreResult['name'],
  title: string,
  values: (number | null)[],
  more: Partial<LayerScoreResult>,
): LayerScoreResult => ({
  name,
  title,
  chooses: 'head',
  layers: values.map((value, index) => ({ layer: index + 1, value })),
  selected: null,
  arm: null,
  spearman: {},
  seconds: 0.5,
  ...more,
});

test('scores stand side by side, with what each would choose, and how alike they are', () => {
  const scores = [
    score('nu', '−ν', [-5.64, -6.53], { selected: 1, arm: { name: 'selected-1', bottom: 1, top: 1, head: 1 } }),
    score('logme', 'LogME', [-0.5, 0.25], {
      selected: 2,
      arm: { name: 'selected-1', bottom: 2, top: 2, head: 2 },
      spearman: { nu: -1 },
      seconds: 12,
    }),
    score('cka', 'CKA', [null, 0.9], { chooses: 'nothing', spearman: { nu: null, logme: null } }),
  ];
  assert.equal(
    renderScores({ scores, k: 1, score: 'nu' } as SelectResult, plain),
    [
      'scores of the layers; higher is better. layers tuned @ where the classifier sits:',
      '     layer     −ν     LogME      CKA',
      '         1  −5.64 ◂  −0.500        –',
      '         2  −6.53     0.250 ◂  0.900',
      'selected-1  1 @ 1     2 @ 2        –',
      '      took  0.5 s      12 s    0.5 s',
      '',
      "rank correlation over the layers (Spearman's):",
      '              1  2',
      '1  −ν',
      '2  LogME  −1.00',
      '3  CKA        –  –',
    ].join('\n'),
  );
});
