/** A fresh classifier: weights N(0, 0.02), biases 0. Nothing here knows tensors. */
import { stream } from '../random.js';
import { type HeadShape, headShapes, sizeOf } from './shapes.js';
import type { EncoderConfig, HostTensor, ParameterName } from './types.js';

const DEVIATION = 0.02;

/** The classifier's parameters by canonical name, a pure function of the seed. */
export function initialiseHead(
  config: EncoderConfig,
  head: HeadShape,
  seed: number,
): Map<ParameterName, HostTensor<Float32Array>> {
  const parameters = new Map<ParameterName, HostTensor<Float32Array>>();
  for (const [name, shape] of headShapes(config, head)) {
    const data = new Float32Array(sizeOf(shape));
    if (name.endsWith('.weight')) {
      const random = stream(seed, 'head', name);
      for (let i = 0; i < data.length; i++) data[i] = DEVIATION * random.normal();
    }
    parameters.set(name, { shape, data });
  }
  return parameters;
}
