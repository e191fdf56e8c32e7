/**
 * Tokenisation of all sentences of SST-2's training split against the Rust library through Python, in turn:
 *
 *     node --import tsx benchmarks/tokenise.ts --model DIR --data DIR [--rounds 5] [--threads 2]
 *
 * `--data` holds `SST-2/train.tsv`. The Rust library runs on one thread, and on `--threads`; ours on one, always. Fails where both do not
 * give as many tokens.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { environment } from '../src/pipeline/environment.js';
import { commandLine, path, whole } from './command.js';
import { here, isInstalled, PYTHON, record } from './runs.js';
import { openSide, takeTurns } from './side.js';
import { median, spread } from './statistics.js';
import { sst2Sentences } from './tasks.js';

const values = commandLine(import.meta.url, {
  model: path(),
  data: path(),
  rounds: whole('5'),
  threads: whole('2'),
});
const python = isInstalled('the Rust library for Python', PYTHON, 'tokenizers');
const texts = sst2Sentences(values.data, 'train');
const folder = mkdtempSync(join(tmpdir(), 'tokenise-'));
const file = join(folder, 'texts.json');
writeFileSync(file, JSON.stringify(texts));
const machine = environment('compiled', 1);
console.log(`${texts.length} sentences, ${machine.cpu}, ${machine.instructions}`);
const results: object[] = [];
try {
  for (const threads of new Set(python ? ['1', values.threads] : ['1'])) {
    const words = ['--model', resolve(values.model), '--texts', file];
    const sides = [
      python ? await openSide(PYTHON, [here('peers/tokenise.py'), ...words, '--threads', threads]) : undefined,
      await openSide(process.execPath, ['--import', 'tsx', here('tokenise-serve.ts'), ...words]),
    ] as const;
    const [theirs, ours] = sides.map((side) => side?.about.tokens as number | undefined);
    if (theirs !== undefined && theirs !== ours)
      throw new Error(`the Rust library gives ${theirs} tokens, ours ${ours}`);
    const { runs, ratios } = await takeTurns(sides, { turns: Number(values.rounds), count: 1 });
    results.push({ threads: Number(threads), rust: runs[0], spantune: runs[1], ratios, tokens: ours });
    const rate = (times: readonly number[]) => Math.round(texts.length / (median(times) / 1000));
    console.log(
      (python
        ? `Rust, ${threads} thread${threads === '1' ? '' : 's'}: ${spread(runs[0], 0)} ms, ${rate(runs[0])} sentences/s; `
        : '') +
        `spantune: ${spread(runs[1], 0)} ms, ${rate(runs[1])} sentences/s; ratio ${spread(ratios, 2)}; ${ours} tokens each`,
    );
  }
  record('tokenise', machine, { sentences: texts.length, results });
} finally {
  rmSync(folder, { recursive: true });
}
