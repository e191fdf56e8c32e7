/** The compiled engine: functions are recorded as ONNX graphs, which ONNX Runtime runs on all cores. */
import * as tf from '@tensorflow/tfjs';
import { moved } from '../moved.js';
import type { BankEntry, Engine, EngineOptions } from '../types.js';
import { type CompiledBank, compiledBanks, sealed } from './bank.js';
import { compiledElementwise } from './elementwise.js';
import { createSumOfSquares } from './fused/squares.js';
import './kernels/elementwise.js';
import './kernels/products.js';
import './kernels/structure.js';
import { compiledProgram } from './program.js';
import { residentState } from './resident/state.js';
import { createSessionCache } from './session.js';

export function compiledEngine({ threads = 1, device = 'cpu', cacheBytes = 2 ** 31 }: EngineOptions = {}): Engine {
  const cache =
    createSessionCache<Awaited<ReturnType<Parameters<typeof compiledProgram>[0]['cache']['get']>>>(cacheBytes);
  let programs = 0;
  const host = { threads, device, cache };
  const state = device === 'webgpu' ? residentState(host) : hostState();
  const product = compiledProgram(host, 'multiply', ({ a, b }) => ({
    product: tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
  }));
  return {
    name: 'compiled',
    ...state,
    program: (name, body, options) => compiledProgram(host, `${name}#${programs++}`, body, options),
    async multiply(a, rows, inner, b, columns) {
      const inputs = { a: { shape: [rows, inner], data: a }, b: { shape: [inner, columns], data: b } };
      return (await product.run({ inputs })).product.data.slice() as Float32Array;
    },
    async close() {
      await state.close();
      await cache.clear();
    },
  };
}

/** Banks in the host's memory, and what runs over them. */
function hostState() {
  const sumOfSquares = createSumOfSquares();
  const bank = (entries: readonly BankEntry[]) => compiledBanks(entries, 1)[0];
  return {
    bank,
    banks: (entries, count) => compiledBanks(entries, count),
    constants: (parameters) => sealed(moved(parameters, bank)),
    elementwise: compiledElementwise,
    async sumOfSquares(of) {
      const { parts, used } = of as CompiledBank;
      return sumOfSquares(parts, used('now'));
    },
    async close() {},
  } satisfies Pick<Engine, 'bank' | 'banks' | 'constants' | 'elementwise' | 'sumOfSquares' | 'close'>;
}
