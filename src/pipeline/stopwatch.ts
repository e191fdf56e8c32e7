/** Seconds by phase, and of the whole: `total` by the clock, `cpu` of processor time, which other work on the machine swells less. */
export function stopwatch() {
  const began = performance.now();
  const spent = process.cpuUsage();
  const phases: Record<string, number> = {};
  const add = (phase: string, from: number) => {
    phases[phase] = (phases[phase] ?? 0) + (performance.now() - from) / 1000;
  };
  return {
    measure<T>(phase: string, work: () => T): T {
      const from = performance.now();
      try {
        return work();
      } finally {
        add(phase, from);
      }
    },
    async measureAsync<T>(phase: string, work: () => Promise<T>): Promise<T> {
      const from = performance.now();
      try {
        return await work();
      } finally {
        add(phase, from);
      }
    },
    /** `cpu` counts all threads of the process, so that it may exceed `total`; it is no phase. */
    seconds(): Record<string, number> {
      const { user, system } = process.cpuUsage(spent);
      return { ...phases, total: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 };
    },
  };
}
