/** The eager engine: functions run at once on a TensorFlow.js backend. */

import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { EngineError } from '../../errors.js';
import '../gradients.js';
import { type MaskBuffers, maskBuffers } from '../chance.js';
import { moved } from '../moved.js';
import type { Chance } from '../ops.js';
import type { Bank, BankEntry, Call, Elementwise, Engine, HostTensor, Program, Recordable } from '../types.js';
import { loadTensorFlow } from './tensorflow.js';

interface EagerBank extends Bank {
  tensor(name: string): Tensor;
  /** Takes a tensor over; what stood there before is disposed. */
  set(name: string, tensor: Tensor): void;
  group(name: string): string;
  has(name: string): boolean;
}

function eagerBank(entries: readonly BankEntry[]): EagerBank {
  const tensors = new Map<string, Tensor>();
  const groups = new Map(entries.map(({ name, group = '' }) => [name, group]));
  for (const { name, shape } of entries) tensors.set(name, tf.keep(tf.zeros(shape)));
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new EngineError(`the bank holds no tensor "${name}"`);
    return found;
  };
  return {
    names: entries.map(({ name }) => name),
    size: [...tensors.values()].reduce((sum, { size }) => sum + size, 0),
    shape: (name) => tensor(name).shape,
    has: (name) => tensors.has(name),
    group: (name) => groups.get(name) ?? '',
    tensor,
    set(name, value) {
      tensor(name).dispose();
      tensors.set(name, tf.keep(value));
    },
    write(name, data) {
      if (data.length !== tensor(name).size) {
        throw new EngineError(`"${name}" has ${tensor(name).size} elements, not ${data.length}`);
      }
      this.set(name, tf.tensor(data.slice(), tensor(name).shape, 'float32'));
    },
    read: async (name) => (await tensor(name).data()).slice() as Float32Array,
    dispose() {
      for (const value of tensors.values()) value.dispose();
      tensors.clear();
    },
  };
}

function eagerChance(keys: readonly (number | string)[], buffers: MaskBuffers): Chance {
  const drawn = new Set<string>();
  return {
    mask(site, shape, rate) {
      if (drawn.has(site)) throw new EngineError(`two dropout masks are named "${site}"`);
      drawn.add(site);
      return tf.tensor(buffers.draw(tf.util.sizeFromShape(shape), rate, keys, site).slice(), shape, 'float32');
    },
  };
}

function eagerProgram(body: Recordable): Program {
  const buffers = maskBuffers();
  return {
    async run(call: Call) {
      const target = call.into?.bank as EagerBank | undefined;
      const results = tf.tidy(() => {
        const inputs: Record<string, Tensor> = {};
        for (const bank of (call.banks ?? []) as EagerBank[])
          for (const name of bank.names) inputs[name] = bank.tensor(name);
        for (const [name, { data, shape }] of Object.entries(call.inputs)) {
          inputs[name] = tf.tensor(data.slice(), shape, data instanceof Float32Array ? 'float32' : 'int32');
        }
        const chance = call.chance && eagerChance(call.chance, buffers);
        const outputs = body(inputs, { sizes: call.sizes ?? {}, chance });
        const kept: Record<string, Tensor> = {};
        for (const [name, tensor] of Object.entries(outputs)) {
          if (!target?.has(name)) kept[name] = tf.clone(tensor);
          else target.set(name, call.into?.add ? tf.add(target.tensor(name), tensor) : tf.clone(tensor));
        }
        return kept;
      });
      const returned: Record<string, HostTensor> = {};
      for (const [name, tensor] of Object.entries(results)) {
        returned[name] = { shape: tensor.shape, data: (await tensor.data()) as Float32Array };
        tensor.dispose();
      }
      return returned;
    },
  };
}

/** Runs on one of TensorFlow.js' backends. Throws a `UserError` where it is TensorFlow's and that is not installed. */
export async function eagerEngine(name: 'tensorflow' | 'cpu'): Promise<Engine> {
  tf.enableProdMode();
  if (name === 'tensorflow') loadTensorFlow();
  await tf.setBackend(name);
  return {
    name,
    bank: eagerBank,
    banks: (entries, count) => Array.from({ length: count }, () => eagerBank(entries)),
    constants: (parameters) => moved(parameters, eagerBank),
    program: (_name, body) => eagerProgram(body),
    elementwise(_name, body, scalars): Elementwise {
      return {
        async run({ reads, writes, scalars: values, group }) {
          const sources = reads as EagerBank[];
          for (const name of sources[0].names) {
            if (group !== undefined && sources[0].group(name) !== group) continue;
            tf.tidy(() => {
              const inputs = Object.fromEntries(scalars.map((key) => [key, tf.scalar(values[key])]));
              const results = body(
                sources.map((bank) => bank.tensor(name)),
                inputs,
              );
              // All results exist before the first is written: a bank may be read and written.
              results
                .map((tensor) => tf.clone(tensor))
                .forEach((tensor, i) => {
                  (writes[i] as EagerBank).set(name, tensor);
                });
            });
          }
        },
      };
    },
    async sumOfSquares(bank) {
      if (bank.names.length === 0) return 0;
      // One transfer for all: each would wait for the device.
      const sums = tf.tidy(() =>
        tf.stack(bank.names.map((name) => tf.sum(tf.square((bank as EagerBank).tensor(name))))).dataSync<'float32'>(),
      );
      return sums.reduce((total, sum) => total + sum, 0);
    },
    async multiply(a, rows, inner, b, columns) {
      return tf.tidy(
        () =>
          tf
            .matMul(tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, [inner, columns]))
            .dataSync()
            .slice() as Float32Array,
      );
    },
    async close() {},
  };
}
