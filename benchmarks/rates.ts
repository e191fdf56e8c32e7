/** Learning rates of the benchmarks, by arm and method, the same on both sides. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { METHOD_OPTIONS } from '../src/config/schema.js';
import { UserError } from '../src/errors.js';

/**
 * Reads `full=3e-5,span=1e-4,adapter=3e-4,lora=1e-3`. What is not stated: 3e-5 for the fine-tuned full model, 1e-4 for other fine-tuned arms,
 * for adapters what configs/adapters says. Throws where a name or a rate is none.
 */
export function learningRates(text: string): (arm: string, tuning: string) => number {
  const stated = new Map(
    text
      .split(',')
      .filter(Boolean)
      .map((pair) => {
        const [name, rate] = pair.split('=');
        if (!['full', 'span', 'adapter', ...METHOD_OPTIONS.keys()].includes(name) || !(Number(rate) > 0))
          throw new UserError(
            `--learning-rates ${pair}: expected full, span, adapter or a method's name, = and a rate`,
          );
        return [name, Number(rate)];
      }),
  );
  return (arm, tuning) => {
    if (tuning === 'fine-tune') return arm === 'full' ? (stated.get('full') ?? 3e-5) : (stated.get('span') ?? 1e-4);
    const own = stated.get(tuning) ?? stated.get('adapter');
    if (own !== undefined) return own;
    const config = readFileSync(new URL(`../configs/adapters/${tuning}.yaml`, import.meta.url), 'utf8');
    return parse(config).training.learningRate;
  };
}
