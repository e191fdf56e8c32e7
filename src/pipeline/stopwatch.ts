/** Seconds by phase. */
export function stopwatch() {
  const began = performance.now();
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
    seconds: (): Record<string, number> => ({ ...phases, total: (performance.now() - began) / 1000 }),
  };
}
