/**
 * Gradients that replace TensorFlow.js' own. Those of Sum and Mean multiply by a tensor of ones, which is written out in full at once: a
 * pass over memory for nothing, and impossible where sizes are symbolic. A broadcast does.
 */

import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';

function broadcastBack(dy: Tensor, shape: number[], axis: number | number[]): Tensor {
  const axes = tf.util.parseAxisParam(axis, shape);
  return tf.broadcastTo(
    tf.reshape(
      dy,
      shape.map((size, i) => (axes.includes(i) ? 1 : size)),
    ),
    shape as [number],
  );
}

tf.registerGradient({
  kernelName: 'Sum',
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attributes) => ({ x: () => broadcastBack(dy as Tensor, x.shape, attributes.axis as number[]) }),
});

tf.registerGradient({
  kernelName: 'Mean',
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attributes) => ({
    x: () => {
      const axes = tf.util.parseAxisParam(attributes.axis as number[], x.shape);
      const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
      return tf.div(broadcastBack(dy as Tensor, x.shape, axes), count);
    },
  }),
});
