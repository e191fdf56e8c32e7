/** Element-wise programs over flat banks, whatever the tensors' shapes: recorded, then run as one fused loop, block by block. */
import type { Elementwise, ElementwiseFunction, Recordable } from '../types.js';
import type { CompiledBank, Part } from './bank.js';
import { type FusedLoop, lower } from './fused/lower.js';
import { BLOCK, PAGE, type Range, within } from './layout.js';
import { record } from './recorder.js';

export function compiledElementwise(name: string, body: ElementwiseFunction, scalars: readonly string[]): Elementwise {
  const loops = new Map<number, FusedLoop>();
  const windows = new Map<number, WebAssembly.Memory>();

  /** A block of each array, for banks that do not share a memory; kept, since a loop is bound to its memory once. */
  function windowOf(arrays: number): WebAssembly.Memory {
    const window = windows.get(arrays) ?? new WebAssembly.Memory({ initial: Math.ceil((arrays * BLOCK * 4) / PAGE) });
    windows.set(arrays, window);
    return window;
  }

  function compile(count: number): FusedLoop {
    const reads = Array.from({ length: count }, (_, i) => `read${i}`);
    const recordable: Recordable = (inputs) => {
      const results = body(
        reads.map((key) => inputs[key]),
        Object.fromEntries(scalars.map((key) => [key, inputs[key]])),
      );
      return Object.fromEntries(results.map((tensor, i) => [`write${i}`, tensor]));
    };
    const { graph, outputs } = record(recordable, {
      chance: false,
      inputs: () => [
        ...reads.map((key) => ({ name: key, shape: [BLOCK], type: 'float32' as const })),
        ...scalars.map((key) => ({ name: key, shape: [], type: 'float32' as const })),
      ],
    });
    return lower(name, graph, reads, scalars, [...outputs.values()]);
  }

  return {
    async run({ reads, writes, scalars: values, group, idle }) {
      const loop = loops.get(reads.length) ?? compile(reads.length);
      loops.set(reads.length, loop);
      const numbers = scalars.map((key) => values[key]);
      const sources = reads as CompiledBank[];
      const targets = writes as CompiledBank[];
      const banks = [...sources, ...targets];
      const whole = [sources[0].range(group)];
      const used = idle ? (idle as CompiledBank).used('ever', group) : whole;
      sources[0].parts.forEach(({ memory, from, to }, i) => {
        const parts = banks.map((bank) => bank.parts[i]);
        if (memory && parts.every((part) => part.memory === memory)) {
          const run = loop.in(memory);
          for (const [first, last] of within(used, { from, to })) {
            const starts = parts.map(({ flat }) => flat.byteOffset + 4 * first);
            run(last - first, starts, numbers);
          }
        } else {
          runCopied(loop, windowOf(banks.length), parts, sources.length, within(whole, { from, to }), numbers);
        }
      });
      for (const bank of targets) bank.overwritten();
    },
  };
}

/** Parts that do not share a memory, first those that are read, pass through a window, block by block. */
function runCopied(
  loop: FusedLoop,
  memory: WebAssembly.Memory,
  parts: readonly Part[],
  sources: number,
  ranges: readonly Range[],
  scalars: readonly number[],
): void {
  const bytes = 4 * BLOCK;
  const starts = parts.map((_, i) => i * bytes);
  const views = starts.map((at) => new Float32Array(memory.buffer, at, BLOCK));
  const run = loop.in(memory);
  for (const [start, end] of ranges) {
    for (let at = start; at < end; at += BLOCK) {
      for (let i = 0; i < sources; i++) views[i].set(parts[i].flat.subarray(at, at + BLOCK));
      run(BLOCK, starts, scalars);
      for (let i = sources; i < parts.length; i++) parts[i].flat.set(views[i], at);
    }
  }
}
