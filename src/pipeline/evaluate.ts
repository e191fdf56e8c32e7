/** Scores of a finished run on a split. */
import { score } from '../metrics/score.js';
import { encodeExamples, requireLabels } from './inputs.js';
import { openRun } from './open-run.js';
import { decide } from './predictor.js';
import type { EvaluateOptions, EvaluateResult, Reporter } from './types.js';

/** Throws a `UserError` where the split has no labels. */
export async function runEvaluate(options: EvaluateOptions, reporter: Reporter): Promise<EvaluateResult> {
  const began = performance.now();
  const run = await openRun(options, reporter);
  try {
    const { task, model, length, predict } = run;
    const split = run.open().split(options.split);
    const { examples } = split;
    const data = options.data === undefined ? '' : ` --data ${options.data}`;
    requireLabels(split, options.split, `use \`spantune predict ${options.run}${data} --split ${options.split}\``);
    const encoded = encodeExamples(examples, model, length, { phase: 'read', reporter });
    const outputs = await predict(encoded, (done, total) =>
      reporter.progress({ phase: 'evaluate', subject: options.split, done, total }),
    );
    const scored = score(
      task,
      decide(task, outputs),
      examples.map(({ label }) => label ?? Number.NaN),
    );
    return {
      run: options.run,
      task: task.name,
      split: options.split,
      examples: examples.length,
      ...scored,
      seconds: (performance.now() - began) / 1000,
      environment: run.environment,
    };
  } finally {
    reporter.progress(undefined);
    await run.close();
  }
}
