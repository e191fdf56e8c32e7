/** Runs at head positions, as records, and a measurement of the layers with scores that are stated. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SelectResult } from '../../src/pipeline/types.js';
import { describeScore, type ScoreName } from '../../src/selection/scores/catalogue.js';
import { LAYERS, type RunSpec, writeRun } from '../comparison/support.js';

/** Runs of the head positions of k layers; `qualities` by head, from k up. */
export function headRuns(folder: string, k: number, qualities: number[], seeds: number[], spec: RunSpec = {}): void {
  qualities.forEach((quality, at) => {
    const head = k + at;
    for (const seed of seeds) {
      const arm = `${head - k + 1}..${head}@${head}`;
      writeRun(join(folder, `${spec.task ?? 'mrpc'}-${arm}-seed${seed}`), {
        arm,
        triple: { bottom: head - k + 1, top: head, head },
        seed,
        quality,
        ...spec,
      });
    }
  });
}

export function withFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'spantune-studies-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What `select` would have found: −ν and other scores of six layers, higher is better. */
export function selectionWith(scores: Partial<Record<ScoreName, (number | null)[]>>, task = 'mrpc'): SelectResult {
  const nu = scores.nu ?? [-6, -5, -4, -3, -2, -1];
  const all = Object.entries({ ...scores, nu }) as [ScoreName, (number | null)[]][];
  return {
    task,
    model: 'en-12x192',
    shape: { layers: LAYERS, hidden: 192 },
    pair: true,
    samples: 100,
    layers: nu.map((value, at) => ({
      layer: at + 1,
      nu: value === null ? null : -value,
      low: null,
      high: null,
      share: null,
    })),
    score: 'nu',
    scores: all.map(([name, values]) => ({
      name,
      title: describeScore(name).title,
      chooses: describeScore(name).chooses,
      layers: values.map((value, at) => ({ layer: at + 1, value })),
      selected: null,
      arm: null,
      spearman: {},
      seconds: 0,
    })),
    selected: 1,
    arm: { name: 'selected-2', bottom: 1, top: 2, head: 2 },
    k: 2,
    range: 'fit',
    halfSamples: 0,
    leftOut: [],
    undecided: false,
    seconds: 1,
    padding: 0,
    truncated: 0,
    warnings: [],
  };
}
