/** Adapters against peft and AdapterHub (fixtures/model/make_adapters.py), on both engines, merged, counted, and no deeper than the span. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadEncoder } from '../../src/checkpoint/load.js';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import { liveNodes } from '../../src/engine/compiled/graph.js';
import { record } from '../../src/engine/compiled/recorder.js';
import type { HostTensors } from '../../src/engine/types.js';
import { UserError } from '../../src/errors.js';
import {
  addedParameters,
  initialiseAdapters,
  mergeAdapters,
  spanAdapters,
  tunedNames,
} from '../../src/model/adapters/registry.js';
import { encode } from '../../src/model/encoder.js';
import { initialiseHead } from '../../src/model/initialise.js';
import { encoderInputs, lossInputs, type Pooling } from '../../src/model/inputs.js';
import { countParameters, trainableNames } from '../../src/model/parameters.js';
import { layerRates } from '../../src/model/rates.js';
import type { AdapterName, AdapterOptions, Tuning } from '../../src/model/tuning.js';
import { LORA_TARGETS } from '../../src/model/tuning.js';
import type { EncoderConfig, HostTensor } from '../../src/model/types.js';
import { stream } from '../../src/random.js';
import type { Triple } from '../../src/selection/arms.js';
import { gradients, inputShapes, logits, type ModelSpec } from '../../src/training/programs.js';
import { assertClose, withEngine } from '../engine/support.js';
import {
  batchOf,
  expectations,
  FIXTURES,
  MODELS,
  robertaLarge,
  tokenDifference,
  toTensor,
  toTensors,
} from './support.js';

const SPAN: Triple = { bottom: 2, top: 3, head: 3 };
const OPTIONS: { [N in AdapterName]: Extract<AdapterOptions, { method: N }> } = {
  bottleneck: { method: 'bottleneck', size: 12, dropout: 0.1, layerNorms: true },
  pfeiffer: { method: 'pfeiffer', reductionFactor: 4, layerNorms: false },
  parallel: { method: 'parallel', reductionFactor: 4, scale: 4, layerNorms: false },
  lora: { method: 'lora', rank: 3, alpha: 6, dropout: 0.1, targets: [...LORA_TARGETS], layerNorms: false },
  ia3: { method: 'ia3', layerNorms: false },
  bitfit: { method: 'bitfit', layerNorms: false },
  prefix: { method: 'prefix', length: 3, layerNorms: false },
};
const METHODS = Object.keys(OPTIONS) as AdapterName[];

/** A tiny model with an adapter whose tensors are random, so that nothing is hidden by what begins with 0 or 1. */
function adapted(tuning: AdapterOptions, { seed = 1, model = 'bert', span = SPAN } = {}) {
  const { config, parameters } = loadEncoder(`${FIXTURES}/${model}`, { layers: span.head });
  const random = stream(seed, 'adapters');
  for (const [name, { shape, data }] of initialiseAdapters(config, span, tuning, seed)) {
    parameters.set(name, { shape, data: data.map((value) => value + 0.3 * random.normal()) });
  }
  return { config, parameters };
}

for (const method of METHODS.filter((name) => name !== 'bitfit')) {
  test(`${method}: states and gradients are those of Python`, () => {
    const tuning = OPTIONS[method];
    const { config, parameters } = loadEncoder(`${FIXTURES}/bert`);
    const { batch, read } = expectations('bert');
    const theirs = openSafetensors(`${FIXTURES}/adapters-${method}.safetensors`);
    for (const [name, { shape }] of addedParameters(config, SPAN, tuning)) {
      const tensor = theirs.read(name);
      assert.deepEqual(tensor.shape, shape, name);
      parameters.set(name, tensor);
    }
    const tensors = toTensors(parameters);
    const inputs = toTensors(Object.entries(encoderInputs(batch, config)));
    const adapters = spanAdapters(config, SPAN, tuning);
    const run = (all: Record<string, tf.Tensor>) => encode(all, inputs, config, { head: 3, adapters })[3];
    const difference = tokenDifference(batch, run(tensors).dataSync(), theirs.read('states').data);
    assert.ok(difference < 1e-4, `states: ${difference}`);
    const plain = encode(tensors, inputs, config, { head: 3 })[3].dataSync();
    assert.ok(tokenDifference(batch, plain, theirs.read('states').data) > 0.05, 'the adapter does something');

    const names = [2, 3].flatMap((n) => tunedNames(config, n, { ...tuning, layerNorms: true }));
    const projection = tf.reshape(toTensor(read('projection')), [-1, config.hidden]);
    const loss = (...values: tf.Tensor[]) =>
      tf.sum(tf.mul(run({ ...tensors, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) }), projection));
    const ours = tf.grads(loss)(names.map((name) => tensors[name]));
    assert.equal(names.length, theirs.names().filter((name) => name.startsWith('gradient.')).length);
    for (const [i, name] of names.entries()) {
      assertClose(ours[i].dataSync(), theirs.read(`gradient.${name}`).data, 1e-4, name);
    }
    theirs.close();
  });
}

/** One training step's inputs and model; with dropout everywhere. */
function step(tuning: Tuning, arm: Triple, { seed = 1, pooling = 'mean' as Pooling } = {}) {
  const { config, parameters } =
    tuning === 'fine-tune' ? loadEncoder(`${FIXTURES}/bert`, { layers: arm.head }) : adapted(tuning, { seed });
  for (const [name, tensor] of initialiseHead(config, { classes: 2, classifier: 'mlp' }, 1))
    parameters.set(name, tensor);
  const spec: ModelSpec = {
    config,
    head: arm.head,
    pooling,
    classifier: 'mlp',
    kind: 'classification',
    classes: 2,
    rates: layerRates(config, arm, tuning, { hidden: 0.2, attention: 0.2 }),
    classifierRate: 0.1,
    adapters: spanAdapters(config, arm, tuning),
  };
  return { spec, parameters, trainable: trainableNames(config, arm, { tuning, classifier: 'mlp' }) };
}

function inputsOf(rows: number[][], config: EncoderConfig): HostTensors {
  const batch = batchOf(rows);
  const labels = rows.map((_, i) => i % 2);
  return {
    ...encoderInputs(batch, config, { pooling: 'mean' }),
    ...lossInputs(batch, labels, { kind: 'classification', classes: 2 }),
    denominator: { shape: [], data: Float32Array.of(rows.length) },
  };
}

const rowsOf = (...lengths: number[]) =>
  lengths.map((length, row) => Array.from({ length }, (_, i) => 5 + ((7 * row + i) % 50)));

describe('a step with dropout is the same on both engines, and one recording serves all sizes', () => {
  for (const [method, pooling] of METHODS.flatMap((name) => [[name, 'mean'] as const, [name, 'first'] as const])) {
    test(`${method}, pooling ${pooling}`, async () => {
      const { spec, parameters, trainable } = step(OPTIONS[method], { ...SPAN, head: SPAN.top as number }, { pooling });
      const results = { cpu: [] as HostTensors[], compiled: [] as HostTensors[] };
      for (const engineName of ['cpu', 'compiled'] as const) {
        await withEngine(engineName, async (engine) => {
          const bank = engine.bank([...parameters].map(([name, { shape }]) => ({ name, shape })));
          for (const [name, { data }] of parameters) bank.write(name, data);
          const program = engine.program('step', gradients(spec, trainable), { shapes: inputShapes(spec.config, 2) });
          for (const rows of [rowsOf(8, 5, 3), rowsOf(4, 12), rowsOf(6, 6, 6, 2, 9)]) {
            const sizes = { batch: rows.length, length: Math.max(...rows.map(({ length }) => length)) };
            const call = {
              inputs: inputsOf(rows, spec.config),
              sizes,
              banks: [bank],
              chance: [1, 'dropout', rows.length],
            };
            const copied = Object.entries(await program.run(call)).map(
              ([name, { shape, data }]) => [name, { shape, data: data.slice() }] as const,
            );
            results[engineName].push(Object.fromEntries(copied));
          }
        });
      }
      for (const [i, expected] of results.cpu.entries()) {
        const actual = results.compiled[i];
        assert.deepEqual(Object.keys(actual).sort(), ['loss', ...trainable].sort());
        for (const [name, { data }] of Object.entries(expected)) assertClose(actual[name].data, data, 2e-5, name);
      }
    });
  }
});

/** Logits of a batch as a run computes them: with the adapter beside the weights, merged into them, and without any. */
async function mergedLogits(method: 'lora' | 'ia3', model: string) {
  const span: Triple = { bottom: 1, top: 2, head: 2 };
  const tuning = OPTIONS[method];
  const { config, parameters } = adapted(tuning, { model, span });
  // Weights of the size that a trained classifier has: fresh ones would hide a difference behind small logits.
  for (const [name, { shape, data }] of initialiseHead(config, { classes: 3, classifier: 'mlp' }, 1))
    parameters.set(name, { shape, data: data.map((value) => 10 * value) });
  const { batch } = expectations(model);
  // Merging writes into the weights.
  const copies = [...parameters].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }] as const);
  const weights: typeof parameters = new Map(copies);
  mergeAdapters(config, span, tuning, weights);
  return withEngine('compiled', async (engine) => {
    async function run(pooling: Pooling, tensors: typeof parameters, adapters?: ModelSpec['adapters']) {
      const spec: ModelSpec = {
        config,
        head: span.head,
        pooling,
        classifier: 'mlp',
        kind: 'classification',
        classes: 3,
        rates: layerRates(config, span, tuning),
        classifierRate: 0,
        adapters,
      };
      const bank = engine.bank([...tensors].map(([name, { shape }]) => ({ name, shape })));
      for (const [name, { data }] of tensors) bank.write(name, data);
      const program = engine.program(`logits ${pooling} ${tensors.size} ${adapters ? 'adapted' : ''}`, logits(spec));
      const inputs = encoderInputs(batch, config, { pooling });
      const result = await program.run({ inputs, sizes: { batch: batch.rows, length: batch.length }, banks: [bank] });
      return result.logits.data.slice();
    }
    const adapters = spanAdapters(config, span, tuning);
    const all = async (pooling: Pooling) => ({
      unmerged: await run(pooling, parameters, adapters),
      merged: await run(pooling, weights),
      plain: await run(pooling, parameters),
    });
    return { first: await all('first'), mean: await all('mean') };
  });
}

describe('merging', () => {
  for (const method of ['lora', 'ia3'] as const) {
    test(`${method}: the merged weights alone give the same states to 1e-5`, () => {
      const tuning = OPTIONS[method];
      const { config, parameters } = adapted(tuning);
      const { batch } = expectations('bert');
      const inputs = toTensors(Object.entries(encoderInputs(batch, config)));
      const adapters = spanAdapters(config, SPAN, tuning);
      const unmerged = encode(toTensors(parameters), inputs, config, { head: 3, adapters })[3].dataSync();
      mergeAdapters(config, SPAN, tuning, parameters);
      const merged = encode(toTensors(parameters), inputs, config, { head: 3 })[3].dataSync();
      assert.ok(tokenDifference(batch, merged, unmerged) < 1e-5);
    });
  }

  for (const [method, model] of (['lora', 'ia3'] as const).flatMap((name) =>
    MODELS.map((each) => [name, each] as const),
  )) {
    test(`${method}, ${model}: the classifier above gives the same logits to 1e-5`, async () => {
      for (const [pooling, { unmerged, merged, plain }] of Object.entries(await mergedLogits(method, model))) {
        assertClose(merged, unmerged, 1e-5, pooling);
        const change = Math.max(...Array.from(unmerged, (value, i) => Math.abs(value - plain[i])));
        assert.ok(change > 0.01, `${pooling}: the adapter changes logits by ${change} alone`);
      }
    });
  }

  test('what weights cannot express is refused', () => {
    for (const method of ['bottleneck', 'pfeiffer', 'parallel', 'prefix'] as const) {
      const { config, parameters } = adapted(OPTIONS[method]);
      assert.throws(
        () => mergeAdapters(config, SPAN, OPTIONS[method], parameters),
        (error) => error instanceof UserError && error.message.includes(method),
      );
    }
  });

  test('layers of the span that were not loaded are left out', () => {
    const { config, parameters } = adapted(OPTIONS.lora);
    const before = parameters.get('layers.2.query.weight')?.data.slice();
    const upper = new Map([...parameters].filter(([name]) => !name.startsWith('layers.2.')));
    mergeAdapters(config, SPAN, OPTIONS.lora, upper);
    assert.deepEqual(parameters.get('layers.2.query.weight')?.data, before);
  });
});

const count = (tuning: Tuning, bottom: number | null, top: number | null, head = 24) =>
  countParameters(robertaLarge, { bottom, top, head }, { tuning, classifier: 'mlp', classes: 2 });

test('trained parameters of roberta-large with the paper’s adapters, two classes', () => {
  const paper: AdapterOptions = { method: 'bottleneck', size: 256, dropout: 0.1, layerNorms: true };
  const trained = (bottom: number | null, top: number | null, head?: number) =>
    count(paper, bottom, top, head).trainable;
  assert.equal(trained(null, null), 1_051_650);
  assert.equal(trained(18, 18), 2_106_882);
  assert.equal(trained(17, 18), 3_162_114);
  assert.equal(trained(17, 18, 18), 3_162_114);
  assert.equal(trained(16, 18), 4_217_346);
  assert.equal(trained(1, 24), 26_377_218);
});

test('trained parameters of roberta-large with the other methods, one layer', () => {
  const head = 1_051_650;
  const d = 1024;
  const sizes: [AdapterOptions, number][] = [
    [{ method: 'pfeiffer', reductionFactor: 16, layerNorms: false }, 2 * d * 64 + 64 + d],
    [{ method: 'parallel', reductionFactor: 2, scale: 4, layerNorms: false }, 2 * d * 512 + 512 + d],
    [{ method: 'lora', rank: 8, alpha: 16, dropout: 0, targets: ['query', 'value'], layerNorms: false }, 4 * 8 * d],
    [{ method: 'lora', rank: 2, alpha: 1, dropout: 0, targets: ['intermediate'], layerNorms: false }, 2 * 5 * d],
    [{ method: 'ia3', layerNorms: false }, 6 * d],
    [{ method: 'ia3', layerNorms: true }, 6 * d + 4 * d],
    [{ method: 'bitfit', layerNorms: false }, 11 * d],
    [{ method: 'bitfit', layerNorms: true }, 13 * d],
    [{ method: 'prefix', length: 30, layerNorms: false }, 60 * d],
  ];
  for (const [tuning, size] of sizes) {
    assert.equal(count(tuning, 24, 24).trainable - head, size, JSON.stringify(tuning));
    const added = tuning.method === 'bitfit' ? 0 : size - (tuning.layerNorms ? 4 * d : 0);
    assert.equal(count(tuning, 24, 24).total - count('fine-tune', 24, 24).total, added, JSON.stringify(tuning));
  }
});

test('adapters leave embeddings alone, also in every layer up to the top', () => {
  const names = trainableNames(
    robertaLarge,
    { bottom: 1, top: 24, head: 24 },
    { tuning: OPTIONS.lora, classifier: 'mlp' },
  );
  assert.ok(!names.some((name) => name.startsWith('embeddings.')));
  const rates = layerRates(robertaLarge, { bottom: 1, top: 24, head: 24 }, OPTIONS.lora);
  assert.deepEqual([rates(0).hidden, rates(1).hidden], [0, 0.1]);
});

test('adapters begin as their papers say, by the seed', () => {
  const config = { ...robertaLarge, hidden: 256, intermediate: 1024 };
  const begin = (tuning: AdapterOptions, seed = 1) =>
    initialiseAdapters(config, { bottom: 5, top: 5, head: 5 }, tuning, seed);
  const data = (tensors: Map<string, HostTensor<Float32Array>>, name: string) =>
    tensors.get(name)?.data ?? assert.fail(name);
  const deviation = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

  const lora = begin({ ...OPTIONS.lora, rank: 64, targets: ['query', 'output'] });
  assert.ok(data(lora, 'layers.5.lora.output.b').every((x) => x === 0));
  // Uniform within ± 1/√inputs.
  const a = data(lora, 'layers.5.lora.output.a');
  const largest = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  assert.ok(largest <= 1 / 32 && largest > 0.99 / 32);
  assert.ok(Math.abs(deviation(a) * 32 * Math.sqrt(3) - 1) < 0.01);
  assert.notDeepEqual(
    data(begin({ ...OPTIONS.lora, rank: 64 }, 2), 'layers.5.lora.query.a'),
    data(lora, 'layers.5.lora.query.a'),
  );

  assert.ok(
    begin(OPTIONS.ia3).size === 3 && [...begin(OPTIONS.ia3).values()].every((t) => t.data.every((x) => x === 1)),
  );
  const paper = begin({ ...OPTIONS.bottleneck, size: 256 });
  assert.ok(Math.abs(deviation(data(paper, 'layers.5.bottleneck.output.up.weight')) / 0.02 - 1) < 0.02);
  assert.ok(data(paper, 'layers.5.bottleneck.attention.down.bias').every((x) => x === 0));
  const beside = begin(OPTIONS.parallel);
  assert.ok(data(beside, 'layers.5.parallel.up.weight').every((x) => x === 0));
  assert.ok(data(beside, 'layers.5.parallel.down.weight').some((x) => x !== 0));
});

describe('the backward pass stops at the foot of the span', () => {
  const arm = (bottom: number, top: number, head: number): Triple => ({ bottom, top, head });

  /** Nodes of the recorded step, with chance, that its outputs need; `trained` none: of the forward pass alone. */
  function nodes(tuning: Tuning, triple: Triple, onlyLoss = false): number {
    const { spec, parameters, trainable } = step(tuning, triple);
    const inputs = inputsOf(rowsOf(6, 4), spec.config);
    const { graph, outputs } = record(gradients(spec, trainable), {
      inputs: () => [
        ...Object.entries(inputs).map(([name, { shape, data }]) => ({
          name,
          shape,
          type: data instanceof Int32Array ? ('int32' as const) : ('float32' as const),
        })),
        ...[...parameters].map(([name, { shape }]) => ({ name, shape, type: 'float32' as const })),
      ],
      sizes: { batch: 2, length: 6 },
      chance: true,
    });
    const wanted = [...outputs].filter(([name]) => !onlyLoss || name === 'loss').map(([, value]) => value);
    return liveNodes(graph.nodes, wanted).length;
  }

  /** Kernels that the eager step calls beyond those of the loss. */
  async function kernels(tuning: Tuning, triple: Triple): Promise<number> {
    const { spec, parameters, trainable } = step(tuning, triple);
    const tensors = { ...toTensors(parameters), ...toTensors(Object.entries(inputsOf(rowsOf(6, 4), spec.config))) };
    const calls = async (names: readonly string[]) => {
      const body = gradients(spec, names);
      const { kernels: called } = await tf.profile(
        () => Object.values(body(tensors, { sizes: {}, chance: undefined }))[0],
      );
      return called.length;
    };
    // The gradient of the classifier's last bias needs nothing of the encoder.
    return (await calls(trainable)) - (await calls(['classifier.output.bias']));
  }

  for (const tuning of ['fine-tune', OPTIONS.lora, OPTIONS.bottleneck, OPTIONS.prefix] as const) {
    const name = tuning === 'fine-tune' ? tuning : tuning.method;
    test(`${name}: as many backward nodes for a span of one at any height`, () => {
      const backward = (triple: Triple) => nodes(tuning, triple) - nodes(tuning, triple, true);
      const atTop = backward(arm(3, 3, 3));
      assert.equal(backward(arm(2, 2, 2)), atTop);
      const two = backward(arm(2, 3, 3));
      assert.ok(two > 1.5 * atTop, `${two} for two layers, ${atTop} for one`);
      // A frozen layer above the span is passed through, which takes fewer nodes than tuning it.
      const through = backward(arm(2, 2, 3));
      assert.ok(through > atTop && through < two, `${through} through a frozen layer, ${atTop} and ${two}`);
    });

    test(`${name}: as many backward kernels, eagerly`, async () => {
      const atTop = await kernels(tuning, arm(3, 3, 3));
      assert.equal(await kernels(tuning, arm(2, 2, 2)), atTop);
      const two = await kernels(tuning, arm(2, 3, 3));
      assert.ok(two > 1.5 * atTop, `${two} for two layers, ${atTop} for one`);
    });
  }
});
