/** On what a run ran: what figures of two runs may differ by. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform } from 'node:os';
import { engineLabel } from '../config/engine-label.js';
import type { RunConfig } from '../config/schema.js';
import { defaultThreads } from '../engine/open.js';
import { version } from '../version.js';

/** Vector instruction sets that decide how fast, and in the last bits what, a product is. */
const SETS = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'];

/** Of work with the engine that a configuration settled on. */
export function environmentOf(engine: RunConfig['engine']): Record<string, string | number> {
  return environment(engineLabel(engine), engine.threads ?? defaultThreads());
}

export function environment(engine: string, threads: number): Record<string, string | number> {
  return {
    spantune: version(),
    node: process.versions.node,
    onnxruntime: packageVersion('onnxruntime-node'),
    tensorflow: packageVersion('@tensorflow/tfjs'),
    platform: `${platform()}-${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    instructions: instructionSets(),
    engine,
    threads,
  };
}

function packageVersion(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}

function instructionSets(): string {
  if (platform() !== 'linux') return 'unknown';
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
    return SETS.filter((name) => flags.includes(name)).join(' ') || 'none';
  } catch {
    return 'unknown';
  }
}
