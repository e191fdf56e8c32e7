/**
 * Layer numbers as configurations write them: arithmetic in `l*` (the layer that ν chose) and `L` (layers of the model) with
 * numbers, + - * / and parentheses, such as `l* - 1` or `(L + 1) / 2`. What is not a whole number in the end is floored.
 */
import { UserError } from '../errors.js';

export interface LayerNames {
  /** ℓ*; undefined where ν was not measured. */
  selected?: number;
  /** L. */
  layers: number;
}

type Token = { kind: 'number'; value: number } | { kind: 'selected' | 'layers' } | { kind: 'operator'; value: string };

/** Whether the expression names `l*`. Throws a `UserError` where it is not an expression. */
export function namesSelected(expression: string): boolean {
  return tokens(expression).some((token) => token.kind === 'selected');
}

/** Throws a `UserError` where it is not an expression. */
export function checkExpression(expression: string): void {
  evaluate(expression, { selected: Number.NaN, layers: Number.NaN });
}

/**
 * The expression's value, floored. Throws a `UserError` where it is not an expression, names `l*` while that is unknown, or divides
 * by zero.
 */
export function evaluateLayer(expression: string, names: LayerNames): number {
  const value = evaluate(expression, names);
  if (!Number.isFinite(value)) throw malformed(expression, 'it divides by zero');
  return Math.floor(value);
}

function evaluate(expression: string, names: LayerNames): number {
  const list = tokens(expression);
  let at = 0;
  const operator = (...values: string[]): string | undefined => {
    const token = list[at];
    if (token?.kind !== 'operator' || !values.includes(token.value)) return undefined;
    at++;
    return token.value;
  };
  const sum = (): number => {
    let value = product();
    for (let sign = operator('+', '-'); sign; sign = operator('+', '-')) value += sign === '+' ? product() : -product();
    return value;
  };
  const product = (): number => {
    let value = factor();
    for (let sign = operator('*', '/'); sign; sign = operator('*', '/')) {
      const next = factor();
      value = sign === '*' ? value * next : value / next;
    }
    return value;
  };
  const factor = (): number => {
    if (operator('-')) return -factor();
    if (operator('(')) {
      const value = sum();
      if (!operator(')')) throw malformed(expression, 'a parenthesis is not closed');
      return value;
    }
    const token = list[at++];
    if (token?.kind === 'number') return token.value;
    if (token?.kind === 'layers') return names.layers;
    if (token?.kind !== 'selected') throw malformed(expression, 'a number, l* or L is missing');
    if (names.selected === undefined)
      throw new UserError(`"${expression}" names l*, which was not measured`, {
        hint: 'state the layer as a number, or in L alone',
      });
    return names.selected;
  };
  const value = sum();
  if (at < list.length) throw malformed(expression, 'an operator is missing');
  return value;
}

function tokens(expression: string): Token[] {
  const list: Token[] = [];
  // `l*` is one name, so that `l*-1` is ℓ* − 1 and `2*l*` twice ℓ*.
  const pattern = /\s*(?:(\d+(?:\.\d+)?)|([lℓ]\*)|(L)|([-+*/()]))\s*/uy;
  for (let at = 0; at < expression.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(expression);
    if (!match) throw malformed(expression, `"${expression.slice(at).trim() || expression}" is not understood`);
    const [, number, selected, layers, operator] = match;
    if (number) list.push({ kind: 'number', value: Number(number) });
    else if (selected) list.push({ kind: 'selected' });
    else if (layers) list.push({ kind: 'layers' });
    else list.push({ kind: 'operator', value: operator });
  }
  return list;
}

function malformed(expression: string, reason: string): UserError {
  return new UserError(`"${expression}" is not a layer: ${reason}`, {
    hint: 'write a number, or arithmetic in l* (the selected layer) and L (the number of layers), such as "l* - 1"',
  });
}
