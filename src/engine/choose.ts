/** Which engine `auto` stands for. */
import { type Addon, findAddon, loadTensorFlow, missing, showsDevice } from './eager/tensorflow.js';
import type { EngineName } from './types.js';

export interface Choice {
  name: EngineName;
  /** Why, in a sentence. */
  reason: string;
}

/**
 * TensorFlow where it has a GPU; else the compiled engine, which is the faster one on a processor. What stands in TensorFlow's way
 * is told: package absent, addon absent, no device, or a device that TensorFlow cannot use.
 */
export function chooseEngine({
  addon = findAddon(),
  device = showsDevice(),
  load = loadTensorFlow,
}: {
  addon?: Addon;
  device?: boolean;
  load?: (addon: Addon) => { gpu: boolean };
} = {}): Choice {
  const compiled = (reason: string): Choice => ({ name: 'compiled', reason: `compiled: ${reason}` });
  const lacking = missing(addon);
  if (lacking) return compiled(lacking.reason);
  if (!device) return compiled('TensorFlow is installed, but the system shows no GPU');
  try {
    if (load(addon).gpu) return { name: 'tensorflow', reason: 'tensorflow: it has a GPU' };
    return compiled('TensorFlow is installed, but finds no GPU that it can use');
  } catch (cause) {
    return compiled(cause instanceof Error ? cause.message : String(cause));
  }
}
