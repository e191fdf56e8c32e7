/** Banks whose tensors lie on the device: what a program writes becomes the bank's tensor, and what stood there before goes. */
import * as ort from 'onnxruntime-node';
import { EngineError } from '../../../errors.js';
import type { BankEntry } from '../../types.js';
import { type ProgramBank, refuseSealed } from '../bank.js';
import { layOut } from '../layout.js';
import type { DeviceFunctions } from './functions.js';

export interface ResidentBank extends ProgramBank {
  group(name: string): string;
  /** Takes a tensor of the device over. */
  set(name: string, tensor: ort.Tensor): void;
}

export interface Transfer {
  toDevice(tensor: ort.Tensor): Promise<ort.Tensor>;
  toHost(tensor: ort.Tensor): Promise<ort.Tensor>;
}

/** The binding has no call that moves a tensor: a session that gives back what it was given does. */
export function createTransfer(functions: DeviceFunctions): Transfer {
  const toDevice = functions.create('to the device', ({ x }) => ({ x }), 'device');
  const toHost = functions.create('to the host', ({ x }) => ({ x }), 'host');
  return {
    toDevice: async (x) => (await toDevice({ x })).x,
    toHost: async (x) => (await toHost({ x })).x,
  };
}

/** All 0 at first. */
export function residentBank(entries: readonly BankEntry[], { toDevice, toHost }: Transfer): ResidentBank {
  const { id, places } = layOut(entries);
  const groups = new Map(entries.map(({ name, group = '' }) => [name, group]));
  /** Written by the host, and not yet asked for by the device. */
  const written = new Map<string, Float32Array>();
  const tensors = new Map<string, ort.Tensor>();
  let disposed = false;
  const place = (name: string) => {
    const found = places.get(name);
    if (!found) throw new EngineError(`the bank holds no tensor "${name}"`);
    if (disposed) throw new EngineError(`"${name}" is asked for in a bank that was given back`);
    return found;
  };
  const remove = (name: string) => {
    written.delete(name);
    tensors.get(name)?.dispose();
    tensors.delete(name);
  };
  const bank: ResidentBank = {
    names: entries.map(({ name }) => name),
    size: [...places.values()].reduce((sum, { size }) => sum + size, 0),
    layout: id,
    shape: (name) => place(name).shape,
    has: (name) => places.has(name),
    group: (name) => groups.get(name) ?? '',
    async tensor(name) {
      const known = tensors.get(name);
      if (known) return known;
      const { size, shape } = place(name);
      const data = written.get(name) ?? new Float32Array(size);
      const tensor = await toDevice(new ort.Tensor('float32', data, shape));
      written.delete(name);
      tensors.set(name, tensor);
      return tensor;
    },
    set(name, tensor) {
      place(name);
      refuseSealed(bank, name);
      remove(name);
      tensors.set(name, tensor);
    },
    write(name, data) {
      if (data.length !== place(name).size) {
        throw new EngineError(`"${name}" has ${place(name).size} elements, not ${data.length}`);
      }
      refuseSealed(bank, name);
      remove(name);
      written.set(name, data.slice());
    },
    async read(name) {
      const { size } = place(name);
      const tensor = tensors.get(name);
      if (!tensor) return written.get(name)?.slice() ?? new Float32Array(size);
      return (await toHost(tensor)).data as Float32Array;
    },
    dispose() {
      for (const name of places.keys()) remove(name);
      disposed = true;
    },
  };
  return bank;
}
