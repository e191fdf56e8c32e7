/**
 * Element-wise programs over flat banks, block by block: a block's intermediate results stay in the processor's cache, whatever
 * the number of operations, where whole tensors would pass through memory once per operation.
 */
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import type { Elementwise, ElementwiseFunction, Recordable } from '../types.js';
import { BLOCK, type CompiledBank } from './bank.js';
import { serialize, serializeScan } from './onnx.js';
import { record } from './recorder.js';
import { openSession } from './session.js';

export function compiledElementwise(
  threads: number,
  name: string,
  body: ElementwiseFunction,
  scalars: readonly string[],
): Elementwise & { close(): Promise<void> } {
  const sessions = new Map<number, Promise<ort.InferenceSession>>();

  function open(reads: number): Promise<ort.InferenceSession> {
    const keys = Array.from({ length: reads }, (_, i) => `read${i}`);
    const recordable: Recordable = (inputs) => {
      const results = body(
        keys.map((key) => inputs[key]),
        Object.fromEntries(scalars.map((key) => [key, inputs[key]])),
      );
      return Object.fromEntries(results.map((tensor, i) => [`write${i}`, tensor]));
    };
    const { graph, outputs } = record(recordable, {
      chance: false,
      inputs: () => [
        ...keys.map((key) => ({ name: key, shape: [BLOCK], type: 'float32' as const })),
        ...scalars.map((key) => ({ name: key, shape: [], type: 'float32' as const })),
      ],
    });
    return openSession(serializeScan(graph, name, outputs, keys), { threads, symbolic: true, name });
  }

  return {
    async run({ reads, writes, scalars: values, group }) {
      let opening = sessions.get(reads.length);
      if (!opening) {
        opening = open(reads.length);
        sessions.set(reads.length, opening);
      }
      const session = await opening;
      const [start, end] = (reads[0] as CompiledBank).range(group);
      if (start === end) return;
      const part = (bank: CompiledBank) =>
        new ort.Tensor('float32', bank.flat.subarray(start, end), [(end - start) / BLOCK, BLOCK]);
      const feeds: Record<string, ort.Tensor> = {};
      for (const key of scalars) feeds[`in:${key}`] = new ort.Tensor('float32', Float32Array.of(values[key]), []);
      (reads as CompiledBank[]).forEach((bank, i) => {
        feeds[`in:read${i}`] = part(bank);
      });
      const fetches = Object.fromEntries((writes as CompiledBank[]).map((bank, i) => [`out:write${i}`, part(bank)]));
      await session.run(feeds, fetches);
      for (const bank of writes as CompiledBank[]) bank.overwritten();
    },
    async close() {
      for (const session of sessions.values()) await (await session).release();
    },
  };
}

/** Elements that are summed up in float32. */
const SUM_BLOCK = 1 << 17;

/** The sum of the squares of a bank's elements: float32 within blocks, float64 over them. */
export function compiledSumOfSquares(threads: number) {
  let opening: Promise<ort.InferenceSession> | undefined;
  const open = () => {
    const { graph, outputs } = record(({ x }) => ({ sum: tf.sum(tf.square(x)) }), {
      symbols: ['count'],
      chance: false,
      inputs: ({ count }) => [{ name: 'x', shape: [count], type: 'float32' }],
    });
    const name = 'sum of squares';
    return openSession(serialize(graph, name, outputs).bytes, { threads, symbolic: true, name });
  };
  return {
    async run({ flat }: CompiledBank): Promise<number> {
      opening ??= open();
      const session = await opening;
      let total = 0;
      for (let at = 0; at < flat.length; at += SUM_BLOCK) {
        const block = flat.subarray(at, Math.min(at + SUM_BLOCK, flat.length));
        const results = await session.run({ 'in:x': new ort.Tensor('float32', block, [block.length]) });
        total += Number(results['out:sum'].data[0]);
      }
      return total;
    },
    async close() {
      if (opening) await (await opening).release();
    },
  };
}
