/** State on a WebGPU device: banks, and what runs over them between a step's gradients and the next step, without a way through the host. */

import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { moved } from '../../moved.js';
import type { BankEntry, Device, ElementwiseFunction, Engine, Recordable } from '../../types.js';
import { sealed } from '../bank.js';
import { createTransfer, type ResidentBank, residentBank } from './bank.js';
import { type DeviceFunction, deviceFunctions } from './functions.js';

type State = Pick<Engine, 'bank' | 'banks' | 'constants' | 'elementwise' | 'sumOfSquares' | 'close'>;

/**
 * `chunk`: elements of each bank that an element-wise program takes at once, or one tensor alone; its results lie beside what they replace
 * until it ends.
 */
export function residentState(host: { threads: number; device: Device }, chunk = 1 << 24): State {
  const functions = deviceFunctions(host);
  const transfer = createTransfer(functions);
  const banks = new Set<ResidentBank>();
  const bank = (entries: readonly BankEntry[]) => {
    const made = residentBank(entries, transfer);
    banks.add(made);
    return made;
  };
  const sum = functions.create('sum of squares', (tensors) => ({ sum: sumOfSquares(Object.values(tensors)) }), 'host');
  return {
    bank,
    banks: (entries, count) => Array.from({ length: count }, () => bank(entries)),
    constants: (parameters) => sealed(moved(parameters, bank)),
    elementwise(name, body, scalars) {
      const compute = functions.create(name, overTensors(body, scalars), 'device');
      return {
        async run({ reads, writes, scalars: values, group }) {
          const [first] = reads as ResidentBank[];
          const names = first.names.filter((each) => group === undefined || first.group(each) === group);
          for (const part of chunked(names, (each) => sizeOf(first.shape(each)), chunk)) {
            await runOver(compute, part, reads as ResidentBank[], writes as ResidentBank[], values, scalars);
          }
        },
      };
    },
    async sumOfSquares(of) {
      if (of.names.length === 0) return 0;
      return (await sum(await tensorsOf([of as ResidentBank], of.names))).sum.data[0] as number;
    },
    async close() {
      for (const each of banks) each.dispose();
      await functions.close();
    },
  };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Names in their order, so many together that they have at most `most` elements, or one alone. */
function chunked(names: readonly string[], elements: (name: string) => number, most: number): string[][] {
  const chunks: string[][] = [];
  let room = 0;
  for (const name of names) {
    const size = elements(name);
    if (size > room || chunks.length === 0) {
      chunks.push([]);
      room = most;
    }
    chunks[chunks.length - 1].push(name);
    room -= size;
  }
  return chunks;
}

/** How the tensor of an entry in the bank of a number is named among a function's inputs and results. */
const slot = (bank: number, entry: string) => `${bank}:${entry}`;
const scalarSlot = (name: string) => `scalar:${name}`;

async function tensorsOf(
  banks: readonly ResidentBank[],
  names: readonly string[],
): Promise<Record<string, ort.Tensor>> {
  const tensors: Record<string, ort.Tensor> = {};
  for (const [i, bank] of banks.entries()) {
    for (const name of names) tensors[slot(i, name)] = await bank.tensor(name);
  }
  return tensors;
}

/** The function for each entry of its inputs. */
function overTensors(body: ElementwiseFunction, scalars: readonly string[]): Recordable {
  return (inputs) => {
    const entries = Object.keys(inputs).flatMap((key) => (key.startsWith(slot(0, '')) ? [key.slice(2)] : []));
    const numbers = Object.fromEntries(scalars.map((key) => [key, inputs[scalarSlot(key)]]));
    const results = entries.map((entry) => {
      const values: tf.Tensor[] = [];
      while (inputs[slot(values.length, entry)]) values.push(inputs[slot(values.length, entry)]);
      return body(values, numbers).map((tensor, i) => [slot(i, entry), tensor] as const);
    });
    return Object.fromEntries(results.flat());
  };
}

async function runOver(
  compute: DeviceFunction,
  names: readonly string[],
  reads: readonly ResidentBank[],
  writes: readonly ResidentBank[],
  values: Record<string, number>,
  scalars: readonly string[],
): Promise<void> {
  const inputs = await tensorsOf(reads, names);
  for (const key of scalars) inputs[scalarSlot(key)] = new ort.Tensor('float32', Float32Array.of(values[key]), []);
  const results = await compute(inputs);
  for (const [i, bank] of writes.entries()) for (const name of names) bank.set(name, results[slot(i, name)]);
}

/** A scalar. Rows first: a device sums up many rows at once, but each of them one by one. */
function sumOfSquares(tensors: readonly tf.Tensor[]): tf.Tensor {
  const sums = tensors.map((tensor) => {
    const squares = tf.square(tensor);
    return tf.sum(squares.rank > 1 ? tf.sum(squares, -1) : squares);
  });
  return sums.reduce((sum, each) => tf.add(sum, each));
}
