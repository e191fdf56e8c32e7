/** Layer scores against scikit-learn and numpy (see make_scores.py), and what holds without an oracle. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EigenvalueDecomposition, Matrix, solve } from 'ml-matrix';
import { Interrupted, SpantuneError } from '../../src/errors.js';
import { stream } from '../../src/random.js';
import { multiplyPlain } from '../../src/selection/multiply.js';
import type { ScoreName } from '../../src/selection/scores/catalogue.js';
import { fisher } from '../../src/selection/scores/fisher.js';
import { fitLogistic } from '../../src/selection/scores/fit-logistic.js';
import { groupFolds } from '../../src/selection/scores/folds.js';
import { gradientNorm } from '../../src/selection/scores/gradient-norm.js';
import { measureScores, type ScoreSources } from '../../src/selection/scores/measure.js';
import { rankCorrelation } from '../../src/selection/scores/rank-correlation.js';
import { gatherRows } from '../../src/selection/scores/rows.js';
import { choleskySolve, eigenvalues, solveShifted, tridiagonalise } from '../../src/selection/scores/symmetric.js';
import { createTokenCosine } from '../../src/selection/scores/token-cosine.js';
import type { PooledStates } from '../../src/selection/states.js';
import { createVariability } from '../../src/selection/variability.js';
import { makeStates, measure, pick } from './helpers.js';

interface Fixture {
  name: string;
  kind: 'classification' | 'regression';
  layers: number;
  width: number;
  classes: number;
  labels: number[];
  targets: number[];
  groups: number[];
  folds: number[];
  scores: Record<string, (number | null)[]>;
  logits: number[][] | null;
  states: Float32Array;
}

function readFixtures(): Fixture[] {
  const file = new URL('../fixtures/selection/scores.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as (Omit<Fixture, 'states'> & { states: string })[]).map((fixture) => {
    const bytes = Buffer.from(fixture.states, 'base64');
    return { ...fixture, states: new Float32Array(Uint8Array.from(bytes).buffer) };
  });
}

type Layered = Pick<Fixture, 'layers' | 'width' | 'classes' | 'states'> & { labels: ArrayLike<number> };

/** Rows in the order given, in pieces of a few, as a file would give them. */
function pooled({ layers, width, labels, classes, states }: Layered, order?: number[], piece = 13): PooledStates {
  const inputs = Int32Array.from(order ?? Array.from(labels, (_, i) => i));
  return {
    layers,
    width,
    classes,
    inputs,
    rows: inputs.length,
    classOf: Int32Array.from(inputs, (input) => labels[input]),
    *pieces(layer) {
      const buffer = new Float32Array(piece * width);
      for (let from = 0; from < inputs.length; from += piece) {
        const rows = inputs.subarray(from, from + piece);
        rows.forEach((input, i) => {
          const at = (layer * labels.length + input) * width;
          buffer.set(states.subarray(at, at + width), i * width);
        });
        yield { from, states: buffer.subarray(0, rows.length * width) };
      }
    },
  };
}

function sources(fixture: Fixture, states: PooledStates | string = pooled(fixture)): ScoreSources {
  return {
    layers: fixture.layers,
    kind: fixture.kind,
    seed: 1,
    nu: { values: Array.from({ length: fixture.layers }, (_, i) => i + 1), seconds: 0 },
    states,
    targets: fixture.targets,
    groups: () => fixture.groups,
    inputGradients: async () => 'not here',
    batchGradients: async () => 'not here',
    multiply: multiplyPlain,
  };
}

function assertScores(actual: readonly (number | null)[], expected: readonly (number | null)[], relative: number) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, layer) => {
    const wanted = expected[layer];
    if (value === null || wanted === null) assert.equal(value, wanted, `layer ${layer + 1}`);
    else assert.ok(Math.abs(value - wanted) <= relative * Math.max(1, Math.abs(wanted)), `${value} is not ${wanted}`);
  });
}

describe('layer scores', () => {
  for (const fixture of readFixtures()) {
    it(`agree with their reference implementations: ${fixture.name}`, async () => {
      const names = Object.keys(fixture.scores) as ScoreName[];
      for (const score of await measureScores(names, sources(fixture))) {
        assertScores(score.values, fixture.scores[score.name], score.name === 'cka' ? 1e-5 : 1e-7);
        assert.equal(score.missing, undefined);
      }
    });

    it(`do not depend on the order of arrival or the pieces: ${fixture.name}`, async () => {
      const names = Object.keys(fixture.scores) as ScoreName[];
      const order = stream(3, 'order').shuffle([...fixture.labels.keys()]);
      for (const score of await measureScores(names, sources(fixture, pooled(fixture, order, 7)))) {
        assertScores(score.values, fixture.scores[score.name], score.name === 'cka' ? 1e-5 : 1e-7);
      }
    });
  }

  it('that fail are missing with the reason, and the others stand; an interruption ends them all', async () => {
    const [fixture] = readFixtures();
    const failing = { ...sources(fixture), inputGradients: () => Promise.reject(new Error('no memory')) };
    const states = pooled(fixture);
    const broken = {
      ...states,
      // What the nearest neighbours ask for is there; the moments of layer 2 are not.
      pieces(layer: number) {
        if (layer === 1 && !new Error().stack?.includes('knn')) throw new Error('the disk is gone');
        return states.pieces(layer);
      },
    };
    const measured = await measureScores(['logme', 'knn', 'fisher'], { ...failing, states: broken });
    assert.deepEqual(
      measured.map(({ missing }) => missing),
      ['layer 2: the disk is gone', undefined, 'no memory'],
    );
    assert.ok(measured[0].values.every((value) => value === null) && measured[0].values.length === fixture.layers);
    assertScores(measured[1].values, fixture.scores.knn, 1e-7);
    const stopped = { ...failing, inputGradients: () => Promise.reject(new Interrupted()) };
    await assert.rejects(measureScores(['fisher'], stopped), Interrupted);
  });

  it('without classes for ν have none of ν and its kin, and say why', async () => {
    const fixture = readFixtures().find(({ kind }) => kind === 'regression');
    assert.ok(fixture);
    const measured = await measureScores(['nu', 'debiased-nu', 'logme'], { ...sources(fixture), unclassed: 'why' });
    assert.deepEqual(
      measured.map(({ missing }) => missing),
      ['why', 'why', undefined],
    );
    assert.deepEqual(measured[1].values, [null, null, null]);
    assertScores(measured[2].values, fixture.scores.logme, 1e-7);
  });

  it('have no values without room for the states, but for those that need none', async () => {
    const [fixture] = readFixtures();
    const names: ScoreName[] = ['nu', 'logme', 'knn', 'fisher', 'random'];
    const scores = await measureScores(names, sources(fixture, 'the disk is full'));
    assert.deepEqual(
      scores.map(({ name }) => name),
      names,
    );
    const [nu, logme, knn, fisher, random] = scores;
    assert.deepEqual(nu.values, [-1, -2, -3]);
    for (const score of [logme, knn]) {
      assert.deepEqual(score.values, [null, null, null]);
      assert.match(score.missing ?? '', /no room .*the disk is full/);
    }
    assert.equal(fisher.missing, 'not here');
    assert.ok(random.values.every((value) => value !== null && value >= 0 && value < 1));
    assert.equal(new Set(random.values).size, 3);
  });

  it('read the states that ν leaves, in memory or in a file, until it is closed', async () => {
    const made = makeStates([30, 25, 1], 6, 2, 4);
    const measured = async (budget: { memoryBytes: number; diskBytes: number }) => {
      const variability = createVariability({ ...made, seed: 1, halfSamples: 0, keepStates: true, budget });
      for (let from = 0; from < 56; from += 8) {
        const inputs = Array.from({ length: 8 }, (_, i) => from + i).reverse();
        variability.add(pick(made, inputs), inputs);
      }
      await variability.finish();
      const states = variability.states();
      const targets = [...made.labels];
      const own = { ...sources(readFixtures()[0], states), layers: 2, targets, groups: () => [...targets.keys()] };
      const scores = await measureScores(['logme', 'ridge', 'knn'], own);
      variability.close();
      return { states, scores, after: variability.states() };
    };
    const memory = await measured({ memoryBytes: 2 ** 20, diskBytes: 0 });
    const file = await measured({ memoryBytes: 0, diskBytes: 2 ** 20 });
    assert.ok(typeof memory.states !== 'string' && typeof file.states !== 'string');
    // The class of a single example is left out.
    assert.equal(memory.states.rows, 55);
    const values = ({ scores }: typeof memory) => scores.map((score) => score.values);
    assert.deepEqual(values(file), values(memory));
    assert.equal(typeof memory.after, 'string');
    const nowhere = await measured({ memoryBytes: 0, diskBytes: 0 });
    assert.match(String(nowhere.states), /allowed on disk/);
    assert.match(nowhere.scores[0].missing ?? '', /no room .*allowed on disk/);
  });

  it('say so where the inputs do not define them', async () => {
    const [fixture] = readFixtures();
    const together = { ...sources(fixture), groups: () => fixture.groups.map(() => 0) };
    const [probe] = await measureScores(['ridge'], together);
    assert.deepEqual(probe.values, [null, null, null]);
    assert.match(probe.missing ?? '', /do not define/);
  });
});

describe('debiased ν', () => {
  it('is nearer to the ν of many inputs than ν itself', async () => {
    const shift = 1.2;
    const big = makeStates([4000, 4000, 4000], 30, 1, 1, shift);
    const truth = (await measure(big)).nu[0];
    let [plain, debiased] = [0, 0];
    const runs = 12;
    for (let run = 0; run < runs; run++) {
      const made = makeStates([40, 60, 50], 30, 1, 100 + run, shift);
      plain += (await measure(made)).nu[0] / runs;
      const states = pooled({ ...made, classes: 3 });
      const fixture = { ...readFixtures()[0], layers: 1, targets: [...made.labels] };
      const [score] = await measureScores(['debiased-nu'], sources(fixture, states));
      debiased -= (score.values[0] ?? Number.NaN) / runs;
    }
    assert.ok(Math.abs(debiased - truth) < 0.25 * Math.abs(plain - truth), `${truth}: ${plain}, ${debiased}`);
  });
});

describe('logistic regression', () => {
  for (const { name, logits, labels, states, width, classes, layers } of readFixtures()) {
    if (!logits) continue;
    it(`gives scikit-learn's logits: ${name}`, () => {
      const rows = gatherRows(
        pooled({ labels, states, width, classes, layers }),
        layers,
        Int32Array.from(labels.keys()),
      );
      const { weights, biases } = fitLogistic(rows, labels, [...labels.keys()], { width, classes });
      logits.forEach((expected, row) => {
        const own = Array.from(biases, (bias, c) => {
          let sum = bias;
          for (let j = 0; j < width; j++) sum += weights[c * width + j] * rows[row * width + j];
          return sum;
        });
        // Softmax leaves a common offset of the logits open.
        const shift = (own[0] - expected[0]) * (classes > 2 ? 1 : 0);
        expected.forEach((logit, c) => {
          assert.ok(Math.abs(own[c] - shift - logit) < 2e-3, `${own[c] - shift} is not ${logit}`);
        });
      });
    });
  }
});

describe('symmetric matrices', () => {
  const made = (n: number, seed: number) => {
    const random = stream(seed, 'matrix');
    const root = new Matrix(Array.from({ length: n }, () => Array.from({ length: n + 2 }, () => random.normal())));
    const matrix = root.mmul(root.transpose());
    const right = Array.from({ length: 2 * n }, () => random.normal());
    return { matrix, right };
  };
  const flat = (matrix: Matrix) => Float64Array.from(matrix.to1DArray());
  const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-8) => {
    for (let i = 0; i < expected.length; i++) {
      assert.ok(Math.abs(actual[i] - expected[i]) <= tolerance * (1 + Math.abs(expected[i])), `[${i}] ${actual[i]}`);
    }
  };

  it('are solved, shifted or not, as ml-matrix solves them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.nat(),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (n, seed, shift) => {
          const { matrix, right } = made(n, seed);
          const shifted = Matrix.add(matrix, Matrix.eye(n).mul(shift));
          const expected = flat(solve(shifted, Matrix.from1DArray(2, n, right).transpose()).transpose());
          const cholesky = Float64Array.from(right);
          choleskySolve(flat(shifted), n, cholesky);
          close(cholesky, expected);
          const tridiagonal = tridiagonalise(flat(matrix), n);
          const solved = Float64Array.from(right);
          tridiagonal.toBasis(solved);
          solveShifted(tridiagonal, shift, solved);
          tridiagonal.fromBasis(solved);
          close(solved, expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('have the eigenvalues, and coefficients along the eigenvectors, that ml-matrix finds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), (n, seed) => {
        const { matrix, right } = made(n, seed);
        const tridiagonal = tridiagonalise(flat(matrix), n);
        const rows = Float64Array.from(right);
        tridiagonal.toBasis(rows);
        const values = eigenvalues(tridiagonal, rows);
        const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
        const order = [...values.keys()].sort((a, b) => values[a] - values[b]);
        const wanted = [...realEigenvalues.keys()].sort((a, b) => realEigenvalues[a] - realEigenvalues[b]);
        close(
          order.map((k) => values[k]),
          wanted.map((k) => realEigenvalues[k]),
        );
        const projected = Matrix.from1DArray(2, n, right).mmul(eigenvectorMatrix);
        for (const row of [0, 1]) {
          close(
            order.map((k) => rows[row * n + k] ** 2),
            wanted.map((k) => projected.get(row, k) ** 2),
            1e-6,
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('that are diagonal or singular are no trouble, and a negative one is refused', () => {
    const diagonal = Float64Array.of(2, 0, 0, 0, 0, 0, 0, 0, 5);
    const rows = Float64Array.of(1, 2, 3);
    const tridiagonal = tridiagonalise(diagonal.slice(), 3);
    tridiagonal.toBasis(rows);
    assert.deepEqual([...eigenvalues(tridiagonal, rows)].sort(), [0, 2, 5]);
    assert.deepEqual([...rows].map(Math.abs).sort(), [1, 2, 3]);
    assert.throws(() => choleskySolve(Float64Array.of(-1), 1, Float64Array.of(1)), SpantuneError);
  });
});

describe('folds', () => {
  it('keep groups whole and are as even as the largest group allows', () => {
    for (const { groups, folds } of readFixtures()) assert.deepEqual([...groupFolds(groups).folds], folds);
    fc.assert(
      fc.property(fc.array(fc.nat(30), { minLength: 1, maxLength: 80 }), (groups) => {
        const { folds, foldCount } = groupFolds(groups);
        assert.equal(foldCount, Math.min(5, new Set(groups).size));
        const pairs = new Set(groups.map((group, row) => `${group}:${folds[row]}`));
        assert.equal(pairs.size, new Set(groups).size);
        const loads = Array.from({ length: foldCount }, (_, fold) => folds.filter((of) => of === fold).length);
        const largest = Math.max(...groups.map((group) => groups.filter((other) => other === group).length));
        assert.ok(Math.min(...loads) > 0 && Math.max(...loads) - Math.min(...loads) <= largest);
      }),
    );
  });
});

describe('scores that read no states', () => {
  it('mean the cosine over inputs, fillers aside', () => {
    const cosine = createTokenCosine(2);
    cosine.add(Float32Array.of(0.5, 9, 1, 9), [3, -1]);
    cosine.add(Float32Array.of(1, 0.5), [4]);
    assert.deepEqual(cosine.means(), [0.75, 0.75]);
  });

  it('mean squared norms over inputs, and relative norms over batches', () => {
    const batches = [
      { gradients: [4, 9], weights: [16, 1] },
      { gradients: [0, 1], weights: [16, 4] },
    ];
    assert.deepEqual(fisher(batches), [2, 5]);
    assert.deepEqual(gradientNorm(batches), [0.25, 1.75]);
  });
});

describe('the rank correlation', () => {
  it('is over the layers that both have, and unknown where one is constant', () => {
    assert.ok(Math.abs((rankCorrelation([1, 5, 2, null], [10, 30, 20, 0]) ?? 0) - 1) < 1e-12);
    assert.ok(Math.abs((rankCorrelation([1, 2, 3], [3, 2, 1]) ?? 0) + 1) < 1e-12);
    assert.equal(rankCorrelation([1, 1, 1], [3, 2, 1]), null);
    assert.equal(rankCorrelation([1, null], [3, 2]), null);
  });
});
