/** Names of scores, what each chooses, and a selection by another score than ν from the configuration to the arm. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { resolveConfig } from '../../src/config/load.js';
import { ConfigError, UserError } from '../../src/errors.js';
import { runSelect } from '../../src/pipeline/select.js';
import type { LayerScoreResult, SelectResult } from '../../src/pipeline/types.js';
import { renderSelection } from '../../src/report/selection.js';
import { parseArm, resolveArm } from '../../src/selection/arms.js';
import { CHOOSING_SCORES, fittingScores, parseScores, SCORE_NAMES } from '../../src/selection/scores/catalogue.js';
import { curveOf, proposal } from '../../src/selection/scores/choose.js';
import { curveOfSelection } from '../../src/selection/select.js';
import { pairs, temporary, write, writeModel, writeTopics } from '../pipeline/support.js';

describe('names of scores', () => {
  it('are read from a list, each once, or all', () => {
    assert.deepEqual(parseScores('logme, nu,logme'), ['logme', 'nu']);
    assert.deepEqual(parseScores('all'), SCORE_NAMES);
  });

  it('that are unknown are refused with the nearest', () => {
    const refused = (text: string, message: RegExp, hint: RegExp) =>
      assert.throws(
        () => parseScores(text, `--scores ${text}`),
        (error: UserError) => {
          assert.ok(error instanceof UserError);
          assert.match(error.message, message);
          assert.match(error.hint ?? '', hint);
          return true;
        },
      );
    refused('nu,lgome', /--scores nu,lgome: there is no score "lgome"/, /did you mean "logme"\?/);
    refused('zzzzzz', /no score "zzzzzz"/, /^scores: nu, debiased-nu, .*all$/);
    refused(',', /no score is named/, /scores: nu/);
  });

  it('that do not fit a regression task are refused', () => {
    assert.deepEqual(fittingScores(SCORE_NAMES, 'classification'), SCORE_NAMES);
    const fit = ['nu', 'logme', 'ridge', 'knn', 'fisher'] as const;
    assert.deepEqual(fittingScores(fit, 'regression'), fit);
    assert.throws(() => fittingScores(['nu', 'h-score', 'logistic'], 'regression'), /h-score, logistic: not defined/);
    const all = fittingScores(SCORE_NAMES, 'regression');
    assert.deepEqual(
      SCORE_NAMES.filter((name) => !all.includes(name)),
      ['h-score', 'logistic'],
    );
  });

  it('in a configuration are errors with the nearest, and those that choose nothing cannot choose', () => {
    const load = (selection: Record<string, unknown>) =>
      resolveConfig({ model: 'm', task: { name: 'mrpc', data: 'd' }, selection }, { checkPaths: false });
    assert.equal(load({ score: 'h-score' }).selection.score, 'h-score');
    assert.deepEqual(load({ scores: ['cka', 'nu'] }).selection.scores, ['cka', 'nu']);
    const hint = (near: string) => (error: unknown) =>
      error instanceof ConfigError && (error.hint ?? '').includes(`did you mean "${near}"?`);
    assert.throws(() => load({ score: 'logmee' }), hint('logme'));
    assert.throws(() => load({ scores: ['nu', 'hscore'] }), hint('h-score'));
    assert.throws(() => load({ score: 'cka' }), /must be one of nu, debiased-nu/);
    assert.ok(!CHOOSING_SCORES.some((name) => name === 'cka' || name === 'token-cosine'));
  });
});

describe('a choice', () => {
  const fit = { k: 2, range: 'fit' as const };

  it('of a head position is the highest score, ties to the lower layer, among those where the span fits', () => {
    const { selected, arm } = proposal('logme', [5, 1, 3, 3, null], fit);
    assert.equal(selected, 1);
    assert.deepEqual(arm, {
      name: 'selected-2',
      bottom: 2,
      top: 3,
      head: 3,
      note: 'highest LogME among layers 2-5, where two layers fit',
    });
  });

  it('of a span is the largest sum, the classifier on top', () => {
    const { selected, arm } = proposal('fisher', [1, 9, 0, 6, 5], fit);
    assert.equal(selected, 2);
    assert.deepEqual(arm, { name: 'selected-2', bottom: 4, top: 5, head: 5, note: 'highest Fisher in sum' });
    // Ties go to the lower layers; a layer without a score is in no span.
    assert.equal(proposal('gradient-norm', [3, 3, 3, 3], fit).arm?.bottom, 1);
    assert.equal(proposal('gradient-norm', [null, 3, 1, 1], fit).arm?.bottom, 2);
    const head = resolveArm(parseArm('selected-2-top'), {
      ...curveOf('fisher', [1, 9, 9, 1]),
      layers: 4,
      range: 'fit',
    });
    assert.deepEqual([head.bottom, head.top, head.head], [2, 3, 4]);
  });

  it('is refused where there is nothing to choose by', () => {
    assert.deepEqual(proposal('cka', [1, 2], fit), { selected: null, arm: null });
    assert.deepEqual(proposal('knn', [null, null], fit), { selected: null, arm: null });
    assert.throws(() => curveOf('cka', [1, 2]), /chooses no arm/);
    assert.throws(() => curveOf('knn', [null, null], 'no room'), /no layer can be chosen by knn: no room/);
  });

  it('of ν is as before', () => {
    const { arm } = proposal('nu', [-5, -7, -6], fit);
    assert.deepEqual(arm, resolveArm(parseArm('selected-2'), { layers: 3, nu: [5, 7, 6], range: 'fit' }));
  });
});

describe('a selection', () => {
  const folder = temporary();
  const model = writeModel(join(folder, 'model'));
  const task = writeTopics(join(folder, 'topics'), { train: 60 });
  const reporter = { log() {}, progress() {} };
  const select = (selection: Record<string, unknown>, own: object = task, more: object = {}) => {
    const config = {
      model,
      task: own,
      arm: 'selected-1',
      training: { maxLength: 24 },
      engine: { threads: 1 },
      ...more,
    };
    return runSelect(resolveConfig({ ...config, selection: { halfSamples: 0, ...selection } }), reporter);
  };
  const named = ({ scores }: SelectResult, name: string) =>
    scores.find((score) => score.name === name) as LayerScoreResult;

  it('measures what it is asked for in one pass, and the score asked for places the arm', async () => {
    const plain = await select({});
    assert.deepEqual(
      plain.scores.map(({ name }) => name),
      ['nu'],
    );
    assert.equal(plain.score, 'nu');
    const result = await select({ score: 'logme', scores: SCORE_NAMES });
    assert.deepEqual(
      result.layers.map(({ nu }) => nu),
      plain.layers.map(({ nu }) => nu),
    );
    assert.deepEqual([...result.scores.map(({ name }) => name)].sort(), [...SCORE_NAMES].sort());
    for (const { name, layers, chooses, arm, spearman, missing } of result.scores) {
      // The tiny model is random: its class means need not stand out of their noise.
      if (name === 'debiased-nu') continue;
      assert.equal(missing, undefined, name);
      assert.deepEqual(
        layers.map(({ layer }) => layer),
        [1, 2, 3],
      );
      assert.equal(arm === null, chooses === 'nothing');
      if (chooses === 'span') assert.equal(arm?.head, 3);
      assert.deepEqual(Object.keys(spearman).sort(), SCORE_NAMES.filter((other) => other !== name).sort());
      for (const value of Object.values(spearman)) assert.ok(value === null || Math.abs(value) <= 1);
    }
    const nu = named(result, 'nu');
    assert.deepEqual(
      nu.layers.map(({ value }) => value),
      plain.layers.map(({ nu: value }) => -(value ?? Number.NaN)),
    );
    const logme = named(result, 'logme');
    const values = logme.layers.map(({ value }) => value ?? Number.NEGATIVE_INFINITY);
    assert.equal(result.selected, values.indexOf(Math.max(...values)) + 1);
    assert.deepEqual(result.arm, logme.arm);
    assert.deepEqual(
      curveOfSelection(result).nu,
      values.map((value) => -value),
    );
    const cosine = named(result, 'token-cosine').layers.map(({ value }) => value ?? Number.NaN);
    assert.ok(cosine.every((value) => value > -1 && value < 1));
    assert.equal(named(result, 'cka').layers[0].value, null);

    const text = renderSelection(result);
    assert.match(text, /ℓ\* = \d, the layer with the highest LogME\./);
    assert.match(text, /layer +−ν +LogME +−ν debiased/);
    assert.match(text, /rank correlation over the layers/);
    assert.doesNotMatch(renderSelection(plain), /rank correlation/);
  });

  it('gives the same scores for the same seed, and other random ones for another', async () => {
    const scores = { scores: ['random', 'fisher', 'gradient-norm', 'ridge', 'logistic'] };
    const values = ({ scores: all }: SelectResult) => all.map(({ layers }) => layers.map(({ value }) => value));
    const first = await select(scores);
    assert.deepEqual(values(await select(scores)), values(first));
    const other = await select(scores, task, { seed: 2 });
    assert.notDeepEqual(named(other, 'random').layers, named(first, 'random').layers);
  });

  it('of a regression task measures the scores that are defined there', async () => {
    const own = {
      name: 'alike',
      kind: 'regression',
      train: write(join(folder, 'alike.tsv'), [['first', 'second', 'score'], ...pairs(60, 1)]),
      text: ['first', 'second'],
      label: 'score',
    };
    const result = await select(
      { score: 'ridge', scores: ['logme', 'knn', 'debiased-nu', 'fisher', 'gradient-norm'] },
      own,
    );
    for (const { name, layers } of result.scores) {
      if (name !== 'debiased-nu')
        assert.ok(
          layers.every(({ value }) => value !== null),
          name,
        );
    }
    await assert.rejects(select({ scores: ['h-score'] }, own), /h-score: not defined for a regression task/);
    await assert.rejects(
      select({ score: 'h-score', scores: SCORE_NAMES }, own),
      /h-score: not defined for a regression task/,
    );
    const all = await select({ score: 'ridge', scores: SCORE_NAMES }, own);
    assert.equal(all.scores.length, SCORE_NAMES.length - 2);
    assert.match(all.warnings.join('\n'), /no h-score: not defined for a regression task\n.*no logistic: /);
  });

  it('of scores outside 0…5 goes by another score, with ν missing for its reason', async () => {
    const rows = pairs(60, 1).map(([first, second, alike]) => [first, second, 40 * alike - 30]);
    const own = {
      name: 'alike',
      kind: 'regression',
      train: write(join(folder, 'wide.tsv'), [['first', 'second', 'score'], ...rows]),
      text: ['first', 'second'],
      label: 'score',
    };
    await assert.rejects(select({}, own), /score -30 of input 0 is outside 0…5, so ν has no class for it/);
    await assert.rejects(select({ score: 'debiased-nu' }, own), UserError);
    const result = await select(
      { score: 'logme', scores: ['debiased-nu', 'ridge'], samples: 40, halfSamples: 20 },
      own,
    );
    assert.equal(result.samples, 40);
    assert.ok(result.layers.every(({ nu, low, share }) => nu === null && low === null && share === null));
    for (const name of ['nu', 'debiased-nu']) assert.match(named(result, name).missing ?? '', /outside 0…5/);
    assert.ok(result.warnings.some((warning) => /^no nu: score -30/.test(warning)));
    const values = named(result, 'logme').layers.map(({ value }) => value ?? Number.NEGATIVE_INFINITY);
    assert.equal(result.selected, values.indexOf(Math.max(...values)) + 1);
    const text = renderSelection(result);
    assert.doesNotMatch(text, /95 % interval|chosen in/);
    assert.match(text, /the layer with the highest LogME/);
  });
});
