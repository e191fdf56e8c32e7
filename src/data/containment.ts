/**
 * Which texts stand inside which others, word for word: an Aho-Corasick automaton over words (Aho and Corasick 1975), so that
 * the whole search takes time in the number of words.
 */

export interface Containment {
  /** Words of each text. */
  words: Int32Array;
  /** `inner[i]` stands inside `outer[i]`; indices of texts. */
  inner: Int32Array;
  outer: Int32Array;
}

/** Texts of up to this many words are listed in every text that holds them; see `containment`. */
export const SHORT = 8;

/**
 * Finds texts that are contiguous word sequences of others. Texts are distinct lists of words. Where several texts end at the
 * same word of one text, the longest is listed, and of the shorter ones those of up to `SHORT` words: the others follow, since
 * each stands inside the longest.
 */
export function containment(texts: string[][]): Containment {
  const ids = new Map<string, number>();
  const words = Int32Array.from(texts, (text) => text.length);
  const sequences = texts.map((text) => Int32Array.from(text, (word) => numberOf(ids, word)));
  const trie = buildTrie(sequences, ids.size);

  const inner: number[] = [];
  const outer: number[] = [];
  sequences.forEach((sequence, text) => {
    let node = 0;
    sequence.forEach((word, position) => {
      node = trie.step(node, word);
      // At its own end a text meets itself first.
      let match = trie.text[node] >= 0 ? node : trie.shorter[node];
      if (position === sequence.length - 1) match = trie.shorter[node];
      for (let first = true; match > 0; match = trie.shorter[match]) {
        const found = trie.text[match];
        if (first || words[found] <= SHORT) {
          inner.push(found);
          outer.push(text);
        }
        first = false;
      }
    });
  });
  return { words, inner: Int32Array.from(inner), outer: Int32Array.from(outer) };
}

interface Trie {
  /** Text that ends at a node, or −1. */
  text: Int32Array;
  /** Nearest proper suffix of a node at which a text ends; 0 (the root) for none. */
  shorter: Int32Array;
  /** The longest suffix of (node, word) that the trie has. */
  step(node: number, word: number): number;
}

function buildTrie(sequences: Int32Array[], vocabulary: number): Trie {
  const size = sequences.reduce((sum, sequence) => sum + sequence.length, 1);
  const children = edgeTable(size);
  const parent = new Int32Array(size);
  const label = new Int32Array(size);
  const depth = new Int32Array(size);
  const text = new Int32Array(size).fill(-1);
  let nodes = 1;
  sequences.forEach((sequence, index) => {
    let node = 0;
    for (const word of sequence) {
      const key = node * vocabulary + word;
      let next = children.get(key);
      if (next < 0) {
        next = nodes++;
        children.set(key, next);
        parent[next] = node;
        label[next] = word;
        depth[next] = depth[node] + 1;
      }
      node = next;
    }
    if (sequence.length > 0) text[node] = index;
  });

  const suffix = new Int32Array(nodes);
  const shorter = new Int32Array(nodes);
  const step = (node: number, word: number): number => {
    for (let at = node; ; at = suffix[at]) {
      const next = children.get(at * vocabulary + word);
      if (next >= 0) return next;
      if (at === 0) return 0;
    }
  };
  for (const node of byDepth(depth, nodes)) {
    if (node === 0) continue;
    suffix[node] = parent[node] === 0 ? 0 : step(suffix[parent[node]], label[node]);
    shorter[node] = text[suffix[node]] >= 0 ? suffix[node] : shorter[suffix[node]];
  }
  return { text, shorter, step };
}

/** Nodes from the root outwards (counting sort). */
function byDepth(depth: Int32Array, nodes: number): Int32Array {
  let deepest = 0;
  for (let node = 0; node < nodes; node++) deepest = Math.max(deepest, depth[node]);
  const starts = new Int32Array(deepest + 2);
  for (let node = 0; node < nodes; node++) starts[depth[node] + 1]++;
  for (let d = 0; d <= deepest; d++) starts[d + 1] += starts[d];
  const order = new Int32Array(nodes);
  for (let node = 0; node < nodes; node++) order[starts[depth[node]]++] = node;
  return order;
}

/** Numbers to numbers by open addressing; keys up to 2⁵³. A `Map` of millions of entries would take several times the memory. */
function edgeTable(entries: number): { get(key: number): number; set(key: number, value: number): void } {
  let capacity = 16;
  while (capacity < entries * 2) capacity *= 2;
  const keys = new Float64Array(capacity).fill(-1);
  const values = new Int32Array(capacity);
  const slot = (key: number): number => {
    let at = Math.imul(key % 0x7fffffff, 0x9e3779b1) >>> 0;
    at = (at ^ (at >>> 15)) & (capacity - 1);
    while (keys[at] !== key && keys[at] !== -1) at = (at + 1) & (capacity - 1);
    return at;
  };
  return {
    get(key) {
      const at = slot(key);
      return keys[at] === key ? values[at] : -1;
    },
    set(key, value) {
      const at = slot(key);
      keys[at] = key;
      values[at] = value;
    },
  };
}

function numberOf(ids: Map<string, number>, word: string): number {
  const known = ids.get(word);
  if (known !== undefined) return known;
  ids.set(word, ids.size);
  return ids.size - 1;
}
