/** Canonical ↔ Hugging Face names of weights, and which names of a checkpoint are nobody's business here. */
import { CheckpointError } from '../errors.js';
import type { FamilyDescription, LayerPart } from '../model/families/family.js';
import { FAMILIES } from '../model/families/registry.js';
import type { Family, ParameterName } from '../model/types.js';

/** The classifier's tensors as `RobertaForSequenceClassification` names them, by canonical name. */
export const headNames: Readonly<Record<ParameterName, string>> = {
  'classifier.dense.weight': 'classifier.dense.weight',
  'classifier.dense.bias': 'classifier.dense.bias',
  'classifier.output.weight': 'classifier.out_proj.weight',
  'classifier.output.bias': 'classifier.out_proj.bias',
};

/** What adapters add: `layers.N.lora.PART.a`, `layers.N.ia3.PART`, and `layers.N.METHOD.…` of the others. */
const ADDED_NAME = /^layers\.(\d+)\.(lora|ia3|bottleneck|pfeiffer|parallel|prefix)\.(.+)$/;
const LAYER_NAME = /^layers\.(\d+)\.([A-Za-z]+)\.(weight|bias)$/;

/**
 * The Hugging Face name of a canonical one, with the prefix of checkpoints that have a head (`bert.` and so on) unless another
 * is given. What adapters add follows the part it changes, in `peft`'s words (`….query.lora_A.weight`, `….key.ia3_l`), or the layer (`….bottleneck.attention.down.weight`).
 * Throws a `CheckpointError` for a name that the family does not have.
 */
export function toHuggingFace(family: Family, name: ParameterName, prefix = FAMILIES[family].prefix): string {
  const description = FAMILIES[family];
  const layer = LAYER_NAME.exec(name);
  if (layer) {
    const part = description.layerParts[layer[2] as LayerPart];
    if (part) return `${prefix}${description.layerPath}${Number(layer[1]) - 1}.${part}.${layer[3]}`;
  }
  const added = ADDED_NAME.exec(name);
  if (added)
    return `${prefix}${description.layerPath}${Number(added[1]) - 1}.${addedName(description, added[2], added[3])}`;
  if (Object.hasOwn(description.embeddings, name)) return prefix + description.embeddings[name];
  if (Object.hasOwn(headNames, name)) return headNames[name];
  throw new CheckpointError(`"${name}" is not a parameter of the family ${family}`);
}

function addedName({ layerParts }: FamilyDescription, method: string, rest: string): string {
  const [part, matrix] = rest.split('.');
  if (method === 'lora') return `${layerParts[part as LayerPart]}.lora_${matrix.toUpperCase()}.weight`;
  if (method === 'ia3') return `${layerParts[part as LayerPart]}.ia3_l`;
  return `${method}.${rest}`;
}

/** `name`, or the name that old checkpoints gave a LayerNorm's tensor (gamma, beta), whichever is there. */
export function presentName(name: string, has: (name: string) => boolean): string | undefined {
  if (has(name)) return name;
  const old = name.replace(/\.weight$/, '.gamma').replace(/\.bias$/, '.beta');
  return has(old) ? old : undefined;
}

/**
 * What stands before the encoder's own names in a checkpoint: nothing, `bert.`, `0.auto_model.`, or any other wrapper, found by
 * the word embeddings, else by the first layer. Throws a `CheckpointError` where several encoders are in there.
 */
export function detectPrefix(family: Family, names: Iterable<string>, file: string): string {
  const all = [...names];
  for (const anchor of ['embeddings.word', 'layers.1.query.weight']) {
    const ending = toHuggingFace(family, anchor, '');
    const prefixes = all.filter((name) => name === ending || name.endsWith(`.${ending}`));
    const found = new Set(prefixes.map((name) => name.slice(0, name.length - ending.length)));
    for (const preferred of ['', FAMILIES[family].prefix]) if (found.has(preferred)) return preferred;
    if (found.size > 1) {
      throw new CheckpointError(`holds several encoders: ${[...found].map((prefix) => `"${prefix}"`).join(', ')}`, {
        file,
        hint: 'save one of them into a folder of its own',
      });
    }
    for (const prefix of found) return prefix;
  }
  return '';
}

/** Buffers that old versions saved, poolers, and pretraining heads: not part of the encoder, and no surprise. */
const EXPECTED_EXTRAS = [
  /(^|\.)embeddings\.(position_ids|token_type_ids)$/,
  /(^|\.)pooler\.dense\.(weight|bias)$/,
  /(^|\.)cls\.(predictions|seq_relationship)\./,
  /(^|\.)lm_head\./,
  /(^|\.)(discriminator_predictions|generator_predictions|generator_lm_head)\./,
  /(^|\.)vocab_(transform|layer_norm|projector)\./,
];

/** True for names that a checkpoint may hold beside the encoder without anybody wanting to know. */
export function isExpectedExtra(name: string): boolean {
  return EXPECTED_EXTRAS.some((pattern) => pattern.test(name));
}
