/**
 * The recorder's own forms of the operations of `engine/ops.ts`: one kernel forward where ONNX Runtime has one, and a backward
 * pass that is written out by hand, so that it needs few passes over memory and never a transposition.
 */

import type { Tensor, Tensor2D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import '../gradients.js';
import type { RecordedOps } from '../recording.js';

function run(kernel: string, inputs: Record<string, Tensor>, attributes: tf.NamedAttrMap = {}): Tensor {
  return tf.engine().runKernel(kernel, inputs, attributes) as Tensor;
}

function linear(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, w, b, save] = args as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    save([input, w]);
    return {
      value: run('Linear', { x: input, weight: w, bias: b }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [savedInput, savedWeight] = saved as Tensor2D[];
        const gradient = dy as Tensor2D;
        return [tf.matMul(gradient, savedWeight), tf.matMul(gradient, savedInput, true, false), tf.sum(gradient, 0)];
      },
    };
  });
  return op(x, weight, bias);
}

function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, w, b, save] = args as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    const [value, mean, inverse] = tf
      .engine()
      .runKernel('LayerNorm', { x: input, weight: w, bias: b }, { epsilon }) as Tensor[];
    save([input, w, mean, inverse]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [savedInput, savedWeight, savedMean, savedInverse] = saved;
        const width = savedInput.shape[savedInput.rank - 1];
        const normalised = tf.mul(tf.sub(savedInput, savedMean), savedInverse);
        const product = tf.mul(dy, normalised);
        const column = tf.reshape(tf.mul(savedWeight, 1 / width), [width, 1]) as Tensor2D;
        // Row means as products with one column: cheaper than reductions over the last axis.
        const meanGradient = tf.matMul(dy as Tensor2D, column);
        const meanProduct = tf.matMul(product as Tensor2D, column);
        const centred = tf.sub(tf.mul(dy, savedWeight), tf.add(tf.mul(normalised, meanProduct), meanGradient));
        return [tf.mul(centred, savedInverse), tf.sum(product, 0), tf.sum(dy, 0)];
      },
    };
  });
  return op(x, weight, bias);
}

function gelu(x: Tensor): Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [Tensor, (saved: Tensor[]) => void];
    save([input]);
    return {
      value: run('Gelu', { x: input }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        // d/dx x Φ(x) = Φ(x) + x φ(x) = ½ (1 + erf z + z exp(ln(2/√π) − z²)), z = x / √2: the fewest passes.
        const [savedInput] = saved;
        const z = tf.mul(savedInput, Math.SQRT1_2);
        const bell = tf.mul(z, tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.mul(z, z))));
        const twice = tf.add(tf.add(bell, tf.erf(z)), 1);
        return tf.mul(run('Scale', { x: dy }, { factor: 0.5 }), twice);
      },
    };
  });
  return op(x);
}

function embedding(table: Tensor, ids: Tensor): Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [rows, indices, save] = args as [Tensor, Tensor, (saved: Tensor[]) => void];
    save([indices]);
    return {
      value: tf.gather(rows, indices as tf.Tensor1D),
      gradFunc: (dy: Tensor, saved: Tensor[]) => [
        run('EmbeddingGradient', { dy, ids: saved[0] }, { rows: rows.shape[0] }),
        tf.zerosLike(saved[0]),
      ],
    };
  });
  return op(table, ids);
}

/** factor · a · bᵀ, batched, the factor within the product. */
function scores(a: Tensor, b: Tensor, factor: number): Tensor {
  const op = tf.customGrad((...args: unknown[]) => {
    const [left, right, save] = args as [Tensor, Tensor, (saved: Tensor[]) => void];
    save([left, right]);
    const product = (x: Tensor, y: Tensor, transposeA: boolean, transposeB: boolean) =>
      run('ScaledMatMul', { a: x, b: y }, { factor, transposeA, transposeB });
    return {
      value: product(left, right, false, true),
      gradFunc: (dy: Tensor, saved: Tensor[]) => [
        product(dy, saved[1], false, false),
        product(dy, saved[0], true, false),
      ],
    };
  });
  return op(a, b);
}

export const recordedForms: RecordedOps = { linear, layerNorm, gelu, embedding, scores };
