/**
 * Chance. Every use has a stream of its own, keyed by (seed, name, …), so that a new use shifts no other and a run can be
 * resumed bit for bit. Generator: xoshiro128** (Blackman and Vigna 2018), seeded through a 32-bit mixing hash.
 */

export interface Random {
  /** The next 32 random bits, as an unsigned integer. */
  bits(): number;
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Uniform integer in [0, limit). */
  integer(limit: number): number;
  /** Standard normal (Box and Muller). */
  normal(): number;
  /** Shuffles in place (Fisher and Yates) and returns its argument. */
  shuffle<T extends { [index: number]: unknown; length: number }>(items: T): T;
}

/** A stream that is a pure function of its keys. */
export function stream(...keys: (number | string)[]): Random {
  const state = new Uint32Array(4);
  let h = 0x9e3779b9;
  const absorb = (value: number) => {
    h = Math.imul(h ^ value, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
  };
  for (const key of keys) {
    if (typeof key === 'number') {
      absorb(key >>> 0);
      absorb(Math.floor(key / 2 ** 32) >>> 0);
    } else {
      for (let i = 0; i < key.length; i++) absorb(key.charCodeAt(i));
    }
    absorb(0x5bd1e995);
  }
  for (let i = 0; i < 4; i++) {
    absorb(0x9e3779b9 + i);
    state[i] = h;
  }
  let [a, b, c, d] = state;
  let spare: number | undefined;

  const bits = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
  const uniform = () => bits() / 2 ** 32;
  const integer = (limit: number) => Math.floor(uniform() * limit);
  return {
    bits,
    uniform,
    integer,
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [items[i], items[j]] = [items[j], items[i]];
      }
      return items;
    },
  };
}
