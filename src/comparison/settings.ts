/** Settings that runs of one table should share, lest a difference be theirs and not the arm's. */
import type { RunRecord } from './types.js';

/** Keys of the configuration in which the runs differ, with the values that occur. The learning rate is an arm's own. */
export function differingSettings(records: readonly RunRecord[]): { key: string; values: string[] }[] {
  const all = records.map(({ config }) => {
    const { learningRate: _, ...training } = config.training;
    return flat({ training, classifier: config.classifier, task: { trainSamples: config.task.trainSamples ?? 'all' } });
  });
  const keys = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  return keys
    .map((key) => ({ key, values: [...new Set(all.map((settings) => settings.get(key) ?? 'null'))] }))
    .filter(({ values }) => values.length > 1);
}

function flat(block: object, path = ''): Map<string, string> {
  return new Map(
    Object.entries(block).flatMap(([key, value]): [string, string][] =>
      typeof value === 'object' && value !== null
        ? [...flat(value, `${path}${key}.`)]
        : [[`${path}${key}`, String(value)]],
    ),
  );
}
