/**
 * Element-wise programs over flat banks, block by block: a block's intermediate results stay in the processor's cache, whatever
 * the number of operations, where whole tensors would pass through memory once per operation.
 */
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import type { Elementwise, ElementwiseFunction, Recordable } from '../types.js';
import type { CompiledBank } from './bank.js';
import { serialize } from './onnx.js';
import { record } from './recorder.js';
import { openSession } from './session.js';

/** Elements of a block. */
const BLOCK = 1 << 17;

export function compiledElementwise(
  threads: number,
  name: string,
  body: ElementwiseFunction,
  scalars: readonly string[],
): Elementwise & { close(): Promise<void> } {
  const sessions = new Map<number, Promise<ort.InferenceSession>>();
  const plans = new Map<string, { feeds: Record<string, ort.Tensor>; fetches: Record<string, ort.Tensor> }[]>();
  const identities = new WeakMap<object, number>();
  let identity = 0;
  const idOf = (bank: object) => {
    if (!identities.has(bank)) identities.set(bank, identity++);
    return identities.get(bank);
  };

  function open(reads: number): Promise<ort.InferenceSession> {
    const recordable: Recordable = (inputs) => {
      const values = Array.from({ length: reads }, (_, i) => inputs[`read${i}`]);
      const results = body(values, Object.fromEntries(scalars.map((key) => [key, inputs[key]])));
      return Object.fromEntries(results.map((tensor, i) => [`write${i}`, tensor]));
    };
    const { graph, outputs } = record(recordable, {
      symbols: ['count'],
      chance: false,
      inputs: ({ count }) => [
        ...Array.from({ length: reads }, (_, i) => ({ name: `read${i}`, shape: [count], type: 'float32' as const })),
        ...scalars.map((key) => ({ name: key, shape: [], type: 'float32' as const })),
      ],
    });
    return openSession(serialize(graph, name, outputs).bytes, { threads, symbolic: true, name });
  }

  function plan(reads: readonly CompiledBank[], writes: readonly CompiledBank[], group: string | undefined) {
    const key = [...reads.map(idOf), '>', ...writes.map(idOf), group].join();
    let blocks = plans.get(key);
    if (!blocks) {
      const [start, end] = reads[0].range(group);
      blocks = [];
      for (let at = start; at < end; at += BLOCK) {
        const to = Math.min(at + BLOCK, end);
        const part = (bank: CompiledBank) => new ort.Tensor('float32', bank.flat.subarray(at, to), [to - at]);
        blocks.push({
          feeds: Object.fromEntries(reads.map((bank, i) => [`in:read${i}`, part(bank)])),
          fetches: Object.fromEntries(writes.map((bank, i) => [`out:write${i}`, part(bank)])),
        });
      }
      plans.set(key, blocks);
    }
    return blocks;
  }

  return {
    async run({ reads, writes, scalars: values, group }) {
      let opening = sessions.get(reads.length);
      if (!opening) {
        opening = open(reads.length);
        sessions.set(reads.length, opening);
      }
      const session = await opening;
      const shared = Object.fromEntries(
        scalars.map((key) => [`in:${key}`, new ort.Tensor('float32', Float32Array.of(values[key]), [])]),
      );
      for (const { feeds, fetches } of plan(reads as CompiledBank[], writes as CompiledBank[], group)) {
        await session.run({ ...feeds, ...shared }, fetches);
      }
      for (const bank of writes as CompiledBank[]) bank.overwritten();
    },
    async close() {
      for (const session of sessions.values()) await (await session).release();
    },
  };
}

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
      for (let at = 0; at < flat.length; at += BLOCK) {
        const block = flat.subarray(at, Math.min(at + BLOCK, flat.length));
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
