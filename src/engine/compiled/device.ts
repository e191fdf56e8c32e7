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
  if (device === 'webgpu') requireVulkan();
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

/** Linux: asked for its own reason, since the provider would write to stderr by itself. */
function requireVulkan(): void {
  if (process.platform !== 'linux') return;
  const library = 'libvulkan.so.1';
  try {
    process.dlopen({ exports: {} }, library);
  } catch (cause) {
    // Loaded, it is no module of Node's, and is let go.
    if (!String(cause).includes('cannot open shared object')) return;
    throw new UserError(`device webgpu cannot be used here: there is no ${library}`, { hint: HINTS.webgpu, cause });
  }
}

/** The end of ONNX Runtime's message, which begins with places in its sources. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message
    .split('\n')[0]
    .replace(/^.*(?: was false\. |Runtime does not accept the recorded program "probe": )/, '');
}
