/** Named tensors: an encoder's parameters and inputs. */
import type { Tensor } from '@tensorflow/tfjs';
import { SpantuneError } from '../errors.js';

/** Parameters by canonical name. */
export type Parameters = Readonly<Record<string, Tensor>>;
/** Inputs by name, as `encoderInputs` prepares them. */
export type Inputs = Readonly<Record<string, Tensor>>;

/** A tensor by its name. Throws a `SpantuneError` that names what is missing. */
export function take(tensors: Parameters | Inputs, name: string): Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new SpantuneError(`the model was run without "${name}"`);
  return tensor;
}
