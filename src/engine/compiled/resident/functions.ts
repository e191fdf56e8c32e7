/** Recorded functions of tensors that lie on the device. */
import type * as ort from 'onnxruntime-node';
import type { Device, Recordable } from '../../types.js';
import { serialize } from '../onnx.js';
import { record } from '../recorder.js';
import { openSession } from '../session.js';

/** From tensors of the host or the device to tensors, one session for each combination of shapes. */
export type DeviceFunction = (inputs: Record<string, ort.Tensor>) => Promise<Record<string, ort.Tensor>>;

export interface DeviceFunctions {
  /** `results`: where they are left. */
  create(name: string, body: Recordable, results: 'device' | 'host'): DeviceFunction;
  /** Tensors on the device may not be touched any more afterwards. */
  close(): Promise<void>;
}

/** On the processor results are left in the host's memory, whatever is asked for. */
export function deviceFunctions({ threads, device }: { threads: number; device: Device }): DeviceFunctions {
  const opened: ort.InferenceSession[] = [];

  async function open(name: string, body: Recordable, inputs: Record<string, ort.Tensor>, onDevice: boolean) {
    const { graph, outputs } = record(body, {
      inputs: () => Object.entries(inputs).map(([key, { dims }]) => ({ name: key, shape: [...dims], type: 'float32' })),
      chance: false,
      standard: true,
    });
    const { bytes, inputs: read } = serialize(graph, name, outputs);
    const resident = onDevice && device === 'webgpu' ? [...outputs.keys()].map((key) => `out:${key}`) : undefined;
    const session = await openSession(bytes, { threads, device, symbolic: false, name, resident });
    opened.push(session);
    return { session, read };
  }

  return {
    create(name, body, results) {
      const sessions = new Map<string, Awaited<ReturnType<typeof open>>>();
      return async (inputs) => {
        const key = Object.entries(inputs)
          .map(([input, { dims }]) => `${input}[${dims}]`)
          .join('|');
        const { session, read } = sessions.get(key) ?? (await open(name, body, inputs, results === 'device'));
        if (!sessions.has(key)) sessions.set(key, { session, read });
        const outputs = await session.run(Object.fromEntries(read.map((input) => [`in:${input}`, inputs[input]])));
        return Object.fromEntries(Object.entries(outputs).map(([output, tensor]) => [output.slice(4), tensor]));
      };
    },
    async close() {
      for (const session of opened.splice(0)) await session.release();
    },
  };
}
