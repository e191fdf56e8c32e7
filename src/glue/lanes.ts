/** So many pieces of work at once, and how many that should be. */

import { readFileSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { Interrupted } from '../errors.js';

export interface Lanes {
  /**
   * Waits for a lane and does the work in it; of what waits, the lowest `turn` (0 unless told) goes first, then what was asked for first.
   * Rejects with `Interrupted` where the wait is ended by the signal.
   */
  run<T>(work: () => Promise<T>, turn?: number): Promise<T>;
}

export function createLanes(count: number, signal: AbortSignal): Lanes {
  let free = count;
  const waiting: { turn: number; start(): void; stop(): void }[] = [];
  const dispatch = () => {
    while (free > 0) {
      const next = waiting.shift();
      if (!next) return;
      free--;
      next.start();
    }
  };
  signal.addEventListener('abort', () => {
    for (const { stop } of waiting.splice(0)) stop();
  });
  return {
    async run(work, turn = 0) {
      if (signal.aborted) throw new Interrupted();
      await new Promise<void>((start, reject) => {
        waiting.push({ turn, start, stop: () => reject(new Interrupted()) });
        waiting.sort((a, b) => a.turn - b.turn);
        // Not at once: what is asked for in the same moment may have an earlier turn.
        setImmediate(dispatch);
      });
      try {
        if (signal.aborted) throw new Interrupted();
        return await work();
      } finally {
        free++;
        dispatch();
      }
    },
  };
}

export interface Division {
  jobs: number;
  threads: number;
  /** What bounded the number of jobs where it was not the number of cores. */
  bound?: 'memory' | 'runs';
}

/**
 * Cores among runs side by side. One thread a run wastes least, so there are as many runs as cores unless threads are stated; fewer
 * where memory is short.
 */
export function divide(wanted: {
  jobs?: number;
  threads?: number | null;
  cores: number;
  /** Runs that there are. */
  runs: number;
  /** Bytes that the largest run takes, and that are there. */
  need: number;
  memory: number;
}): Division {
  const { jobs, threads, cores, runs, need, memory } = wanted;
  if (jobs !== undefined) return { jobs, threads: threads ?? Math.max(1, Math.floor(cores / jobs)) };
  const byCores = Math.max(1, Math.floor(cores / (threads ?? 1)));
  const byMemory = Math.max(1, Math.floor(memory / need));
  const count = Math.min(byCores, byMemory, Math.max(1, runs));
  const bound = count === byCores ? undefined : count === byMemory ? ('memory' as const) : ('runs' as const);
  return { jobs: count, threads: threads ?? Math.max(1, Math.floor(cores / count)), ...(bound ? { bound } : {}) };
}

export function cores(): number {
  return Number(process.env.SLURM_CPUS_PER_TASK) || availableParallelism();
}

/** Bytes that new processes can have: what is free or only caches files, within a container's limit. */
export function availableMemory(): number {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo'))?.[1];
  const machine = available === undefined ? freemem() : Number(available) * 1024;
  const limit = Number(read('/sys/fs/cgroup/memory.max').trim());
  const files = [...read('/sys/fs/cgroup/memory.stat').matchAll(/^(?:in)?active_file (\d+)$/gm)];
  const used = Number(read('/sys/fs/cgroup/memory.current').trim()) - files.reduce((sum, [, n]) => sum + Number(n), 0);
  return Number.isFinite(limit) && limit > 0 ? Math.max(0, Math.min(machine, limit - used)) : machine;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
