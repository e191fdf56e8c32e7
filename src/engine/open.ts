/** Opens an engine by name. */
import { availableParallelism } from 'node:os';
import { UserError } from '../errors.js';
import { checkDevice } from './compiled/device.js';
import { compiledEngine } from './compiled/engine.js';
import { eagerEngine } from './eager/engine.js';
import type { Engine, EngineName, EngineOptions } from './types.js';

/** Threads where none are named: what Slurm gave the job, else what the machine has. */
export function defaultThreads(): number {
  const slurm = Number(process.env.SLURM_CPUS_PER_TASK);
  return slurm > 0 ? slurm : availableParallelism();
}

/** Throws a `UserError` where the engine is TensorFlow's and that is not installed, or where the device cannot be used. */
export async function openEngine(name: EngineName, options: EngineOptions = {}): Promise<Engine> {
  const threads = options.threads ?? defaultThreads();
  const { device = 'cpu' } = options;
  if (name !== 'compiled') {
    if (device === 'cpu') return eagerEngine(name);
    throw new UserError(`engine ${name} does not run on device ${device}`, {
      hint: 'the engine for it is compiled; or take device cpu',
    });
  }
  await checkDevice(device);
  return compiledEngine({ ...options, threads });
}
