/** Our side of `inference.ts`: texts to the outputs of a classifier on mean-pooled states; answers lines `go N`. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openEngine } from '../src/engine/open.js';
import { initialiseHead } from '../src/model/initialise.js';
import { openModel } from '../src/pipeline/model.js';
import { predictor } from '../src/pipeline/predictor.js';
import type { ModelSpec } from '../src/training/programs.js';
import { serve } from './side.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: '' },
    texts: { type: 'string', default: '' },
    rows: { type: 'string', default: '32' },
    head: { type: 'string', default: '' },
    threads: { type: 'string', default: '2' },
  },
});
const model = openModel(values.model);
const texts: string[] = JSON.parse(readFileSync(values.texts, 'utf8'));
const engine = await openEngine('compiled', { threads: Number(values.threads) });
const head = Number(values.head || model.config.layers);
const spec: ModelSpec = {
  config: model.config,
  head,
  pooling: 'mean',
  classifier: 'linear',
  kind: 'classification',
  classes: 2,
  rates: () => ({ hidden: 0, attention: 0 }),
  classifierRate: 0,
};
const { parameters } = model.load(head);
for (const [name, tensor] of initialiseHead(model.config, { classes: 2, classifier: 'linear' }, 1))
  parameters.set(name, tensor);
const rows = Number(values.rows);
const maxLength = 128;
const options = { padId: model.tokenizer.padId, maxLength, batchSize: rows };
const predict = predictor(engine, spec, [engine.constants(parameters)], options);

// As a service would: so many texts at a time, in the order in which they come.
async function round(): Promise<void> {
  for (let i = 0; i < texts.length; i += rows) {
    const encoded = texts.slice(i, i + rows).map((text) => model.tokenizer.encode(text, undefined, maxLength));
    await predict(encoded);
  }
}
await round();
await serve({}, round);
await engine.close();
