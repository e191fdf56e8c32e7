/** Devices other than the processor: whether ONNX Runtime can use them here. */
import { UserError } from '../../errors.js';
import type { Device } from '../types.js';
import { createGraph } from './graph.js';
import { serialize } from './onnx.js';
import { openSession } from './session.js';

const HINTS: Record<Exclude<Device, 'cpu'>, string> = {
  webgpu: 'WebGPU needs a GPU with its driver (on Linux: for Vulkan, with libvulkan.so.1); or leave --device out',
  cuda: "CUDA needs an NVIDIA GPU, CUDA 12 and ONNX Runtime's libraries for it, which `npm rebuild onnxruntime-node --ignore-scripts=false` fetches on Linux x64; or use --device webgpu",
};

/** Throws a `UserError` with ONNX Runtime's reason where the device cannot be used. */
export async function checkDevice(device: Device): Promise<void> {
  if (device === 'cpu') return;
  const graph = createGraph();
  const x = graph.input('x', 'float32', [16]);
  const { bytes } = serialize(graph, 'probe', new Map([['y', graph.node('Add', [x, x], x)]]));
  try {
    const session = await openSession(bytes, { threads: 1, device, symbolic: false, name: 'probe' });
    await session.release();
  } catch (cause) {
    throw new UserError(`device ${device} cannot be used here: ${reasonOf(cause)}`, { hint: HINTS[device], cause });
  }
}

/** The end of ONNX Runtime's message, which begins with places in its sources. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message
    .split('\n')[0]
    .replace(/^.*(?: was false\. |Runtime does not accept the recorded program "probe": )/, '');
}
