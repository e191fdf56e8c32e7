/** config.json of every family, and what is refused. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readEncoderConfig } from '../../src/checkpoint/config.js';
import { UserError } from '../../src/errors.js';
import { MODELS, refuses, temporaryFolder } from './support.js';

const folder = temporaryFolder();

/** Reads a fixture's config.json with some keys changed; undefined removes a key. */
function changed(model: string, changes: Record<string, unknown>) {
  const values = JSON.parse(readFileSync(join(MODELS, model, 'config.json'), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...values, ...changes }));
  return () => readEncoderConfig(folder);
}

const COMMON = {
  hidden: 32,
  heads: 4,
  intermediate: 48,
  vocabulary: 61,
  embedding: 32,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: null,
  relativeBuckets: 0,
};

test('each family, under its own keys', () => {
  const expected: Record<string, object> = {
    bert: { family: 'bert', layers: 3, positions: 24, positionOffset: 0, tokenTypes: 2, padId: 0 },
    roberta: {
      family: 'roberta',
      layers: 2,
      positions: 20,
      positionOffset: 2,
      tokenTypes: 1,
      padId: 1,
      layerNormEpsilon: 1e-5,
      activation: 'gelu_tanh',
    },
    'xlm-roberta': {
      family: 'roberta',
      layers: 2,
      positions: 20,
      positionOffset: 2,
      tokenTypes: 1,
      padId: 1,
      activation: 'relu',
    },
    electra: { family: 'electra', layers: 2, positions: 24, positionOffset: 0, tokenTypes: 2, padId: 0, embedding: 16 },
    distilbert: {
      family: 'distilbert',
      layers: 2,
      positions: 24,
      positionOffset: 0,
      tokenTypes: 0,
      padId: 0,
      classifierDropout: 0.2,
    },
    mpnet: {
      family: 'mpnet',
      layers: 2,
      positions: 44,
      positionOffset: 2,
      tokenTypes: 0,
      padId: 1,
      layerNormEpsilon: 1e-5,
      relativeBuckets: 32,
    },
  };
  for (const [model, differences] of Object.entries(expected)) {
    assert.deepEqual(readEncoderConfig(join(MODELS, model)), { ...COMMON, ...differences }, model);
  }
});

test('optional keys take what transformers assumes', () => {
  const absent = {
    layer_norm_eps: undefined,
    hidden_act: undefined,
    hidden_dropout_prob: undefined,
    pad_token_id: null,
    type_vocab_size: undefined,
  };
  const config = changed('bert', absent)();
  assert.deepEqual(
    [config.layerNormEpsilon, config.activation, config.hiddenDropout, config.padId, config.tokenTypes],
    [1e-12, 'gelu', 0.1, 0, 2],
  );
  assert.equal(changed('roberta', { pad_token_id: undefined })().positionOffset, 2);
  assert.equal(changed('bert', { classifier_dropout: 0.3 })().classifierDropout, 0.3);
});

test('an unknown family is refused with those that are known', () => {
  refuses(
    changed('bert', { model_type: 'gpt2' }),
    /config\.json: "model_type" is "gpt2"/,
    /bert, roberta, xlm-roberta, electra, distilbert, mpnet/,
  );
  refuses(changed('bert', { model_type: undefined }), /"model_type" is missing/, /bert, roberta/);
  refuses(changed('bert', { model_type: 7 }), /"model_type" is 7/);
  refuses(changed('bert', { model_type: 'constructor' }), /not a known family/);
});

test("missing keys and wrong types are refused by the family's own name", () => {
  refuses(
    changed('distilbert', { dim: undefined }),
    /config\.json: "dim" is missing/,
    /"dim" to be a positive integer/,
  );
  refuses(changed('bert', { num_hidden_layers: '12' }), /"num_hidden_layers" is "12"/, /positive integer/);
  refuses(changed('bert', { vocab_size: 1.5 }), /"vocab_size" is 1\.5/, /positive integer/);
  refuses(changed('bert', { hidden_dropout_prob: 1 }), /"hidden_dropout_prob" is 1/, /from 0 to below 1/);
  refuses(changed('bert', { layer_norm_eps: -1 }), /"layer_norm_eps" is -1/, /positive number/);
  refuses(
    changed('bert', { num_attention_heads: 5 }),
    /"hidden_size" is 32, not a multiple of "num_attention_heads", 5/,
  );
  refuses(changed('roberta', { max_position_embeddings: 2 }), /"max_position_embeddings" is 2/, /more than 2/);
});

test('options that would change the result are refused', () => {
  refuses(changed('bert', { position_embedding_type: 'relative_key' }), /"position_embedding_type" is "relative_key"/);
  refuses(changed('bert', { hidden_act: 'silu' }), /"hidden_act" is "silu"/, /gelu, gelu_new, gelu_pytorch_tanh, relu/);
  refuses(changed('bert', { is_decoder: true }), /"is_decoder" is true/);
  refuses(changed('bert', { add_cross_attention: true }), /"add_cross_attention" is true/);
  refuses(changed('mpnet', { relative_attention_num_buckets: 64 }), /"relative_attention_num_buckets" is 64/);
});

test('a file that is absent or no JSON object is refused by its path', () => {
  const absent = join(folder, 'absent');
  assert.throws(
    () => readEncoderConfig(absent),
    (error: unknown) => error instanceof UserError && error.place.file === join(absent, 'config.json'),
  );
  writeFileSync(join(folder, 'config.json'), '[]');
  refuses(() => readEncoderConfig(folder), /config\.json: is not a JSON object/);
});
