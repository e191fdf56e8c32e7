/** Labels of a finished run for new text or for a split. */
import { readInputs } from '../data/inputs.js';
import type { Encoded, Example } from '../data/types.js';
import { encodeExamples } from './inputs.js';
import { type OpenedRun, openRun } from './open-run.js';
import { toPredictions } from './predictor.js';
import type { PredictOptions, PredictResult, Reporter } from './types.js';

export async function runPredict(options: PredictOptions, reporter: Reporter): Promise<PredictResult> {
  const began = performance.now();
  const run = await openRun(options, reporter);
  try {
    const { examples, warnings } = read(run, options);
    const encoded = encodeExamples(examples, run.model, run.length, { phase: 'read', reporter });
    const outputs = await run.predict(encoded, (done, total) =>
      reporter.progress({ phase: 'predict', subject: options.split, done, total }),
    );
    return {
      run: options.run,
      task: run.task.name,
      labels: run.task.labels,
      predictions: toPredictions(run.task, examples, outputs),
      seconds: (performance.now() - began) / 1000,
      environment: run.environment,
      warnings: [...warnings, ...tooLong(encoded, run.length)],
    };
  } finally {
    reporter.progress(undefined);
    await run.close();
  }
}

interface Read {
  examples: readonly Example[];
  warnings: string[];
}

function tooLong(encoded: readonly Encoded[], length: number): string[] {
  const count = encoded.filter(({ truncated }) => truncated).length;
  if (count === 0) return [];
  const what = count === 1 ? '1 input is' : `${count} inputs are`;
  return [`${what} longer than ${length} tokens, as the run was trained, and labelled by its beginning`];
}

function read({ open, task, text }: OpenedRun, { input, split }: PredictOptions): Read {
  if (!input) return { examples: open().split(split ?? 'test').examples, warnings: [] };
  return readInputs(input.name, { pair: task.pair, text, content: input.text });
}
