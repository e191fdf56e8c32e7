/**
 * Seconds by phase, and of the whole: `total` by the clock, `cpu` of processor time, which other work on the machine swells less. A phase within a
 * phase, such as scoring between epochs, is no part of the outer one.
 */
export function stopwatch() {
  const began = performance.now();
  const spent = process.cpuUsage();
  const phases: Record<string, number> = {};
  /** Of phases that began and ended within the one under way. */
  let inner = 0;
  const start = (phase: string) => {
    const from = performance.now();
    const before = inner;
    inner = 0;
    return () => {
      const seconds = (performance.now() - from) / 1000;
      phases[phase] = (phases[phase] ?? 0) + seconds - inner;
      inner = before + seconds;
    };
  };
  return {
    measure<T>(phase: string, work: () => T): T {
      const end = start(phase);
      try {
        return work();
      } finally {
        end();
      }
    },
    async measureAsync<T>(phase: string, work: () => Promise<T>): Promise<T> {
      const end = start(phase);
      try {
        return await work();
      } finally {
        end();
      }
    },
    /** `cpu` counts all threads of the process, so that it may exceed `total`; it is no phase. */
    seconds(): Record<string, number> {
      const { user, system } = process.cpuUsage(spent);
      return { ...phases, total: (performance.now() - began) / 1000, cpu: (user + system) / 1e6 };
    },
  };
}
