/** Each row of a table against its reference, by paired resampling of dev. */

import { LEAST_SEEDS, pairedDifference, type ResampledScore, verdictOf } from '../metrics/significance/difference.js';
import { holm } from '../metrics/significance/holm.js';
import { resampleScores } from '../metrics/significance/resample.js';
import type { Line } from './lines.js';
import type { DraftTable } from './tables.js';
import type { ComparisonOptions, RunRecord } from './types.js';

/** What the tests of all tables came to. */
export interface Tested {
  /** How many comparisons Holm's correction ran over. */
  comparisons: number;
  /** Sets of seeds that differences speak for without resampling them. */
  fewSeeds: number[][];
}

/** Fills in `versus` of every row that has a seed in common with its table's reference; a row's note says over which, where not over all. */
export function testDifferences(drafts: readonly DraftTable[], options: ComparisonOptions): Tested {
  const rows = drafts.flatMap((draft) => differencesOf(draft, options));
  const adjusted = holm(rows.map(({ versus }) => versus.p));
  rows.forEach(({ versus }, i) => {
    versus.adjusted = adjusted[i];
  });
  const few = rows.map(({ seeds }) => seeds).filter(({ length }) => length < LEAST_SEEDS);
  return { comparisons: rows.length, fewSeeds: few };
}

function differencesOf({ table, lines }: DraftTable, { resamples, seed, margin }: ComparisonOptions) {
  const own = lines.filter(({ sameAs }) => sameAs === undefined);
  const reference = own.find(({ id }) => id === table.reference);
  if (!reference || own.length < 2) return [];
  const resampled = resampledScores(own, resamples, seed);
  const score = (record: RunRecord | undefined): ResampledScore[] =>
    record ? [{ score: record.score, resampled: resampled.get(record) ?? new Float64Array(0) }] : [];
  return table.rows.flatMap((row) => {
    const line = own.find(({ id }) => id === row.id);
    if (!line || line === reference) return [];
    const seeds = commonSeeds(line, reference);
    const remark = (text: string) => {
      row.note = row.note === undefined ? text : `${row.note}; ${text}`;
    };
    if (seeds.length === 0) {
      remark(`no seed in common with ${reference.id}`);
      return [];
    }
    if (seeds.length < Math.max(line.records.length, reference.records.length)) {
      remark(`compared with ${reference.id} over seed${seeds.length > 1 ? 's' : ''} ${seeds.join(', ')}`);
    }
    const runs = (of: Line) => seeds.flatMap((common) => score(of.records.find((record) => record.seed === common)));
    const difference = pairedDifference(runs(line), runs(reference), seed);
    const versus = {
      reference: reference.id,
      ...difference,
      adjusted: difference.p,
      verdict: verdictOf(difference, margin),
    };
    row.versus = versus;
    return [{ versus, seeds }];
  });
}

function commonSeeds(line: Line, reference: Line): number[] {
  const known = new Set(reference.records.map(({ seed }) => seed));
  return line.records.map(({ seed }) => seed).filter((seed) => known.has(seed));
}

/** All runs of a table on the same draws. */
function resampledScores(lines: readonly Line[], resamples: number, seed: number): Map<RunRecord, Float64Array> {
  const records = lines.flatMap((line) => line.records);
  const splits = records[0].splits.map(({ split, gold }, i) => ({
    split,
    gold,
    predicted: records.map((record) => record.splits[i].predicted),
  }));
  const scores = resampleScores(records[0].task, splits, { resamples, seed });
  return new Map(records.map((record, i) => [record, scores[i]]));
}
