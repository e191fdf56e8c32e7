/** From loaded parameters to a bank, with no moment at which all of them exist twice. */
import type { Bank, BankEntry, HostTensor } from './types.js';

/** Each parameter leaves the map as soon as it is in the bank. */
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
