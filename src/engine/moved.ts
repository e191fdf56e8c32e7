/** Between parameters in the host's memory and a bank. */
import type { Bank, BankEntry, HostTensor } from './types.js';

/** Each parameter leaves the map as soon as it is in the bank, so that there is no moment at which all of them exist twice. */
export function moved<T extends Bank>(
  parameters: Map<string, HostTensor<Float32Array>>,
  make: (entries: readonly BankEntry[]) => T,
): T {
  const bank = make([...parameters].map(([name, { shape }]) => ({ name, shape })));
  for (const [name, { data }] of parameters) {
    bank.write(name, data);
    parameters.delete(name);
  }
  return bank;
}

/** Copies of all that a bank holds. */
export async function readAll(bank: Bank): Promise<Map<string, HostTensor<Float32Array>>> {
  const tensors = new Map<string, HostTensor<Float32Array>>();
  for (const name of bank.names) tensors.set(name, { shape: bank.shape(name), data: await bank.read(name) });
  return tensors;
}
