/** A recordable function as ONNX Runtime sessions: one per combination of shapes, or one for all where sizes are symbolic. */
import * as ort from 'onnxruntime-node';
import { EngineError } from '../../errors.js';
import { maskBuffers } from '../chance.js';
import type { Call, Device, HostTensor, Program, ProgramOptions, Recordable, Sizes } from '../types.js';
import type { CompiledBank, ProgramBank } from './bank.js';
import type { Graph, Value } from './graph.js';
import { serialize } from './onnx.js';
import { type InputSpec, type MaskSite, record } from './recorder.js';
import type { ResidentBank } from './resident/bank.js';
import { type Cached, emptyTensor, openSession, ortTensor, peakBytes, runInto, sizeOf } from './session.js';

interface Compiled extends Cached {
  inputs: string[];
  masks: MaskSite[];
  sizeAt: Graph['sizeAt'];
  /** Output name in the model → what becomes of it. */
  outputs: Map<string, Destination>;
  /** Estimated bytes of a call with these sizes. */
  measure(sizes: Sizes): number;
}

/** `buffer`: what the result is written into, where its size is fixed. */
type Destination =
  | { to: 'bank'; name: string }
  | { to: 'caller'; name: string; value: Value; buffer?: ort.Tensor }
  | { to: 'rows'; name: string; value: Value; ids: string; buffer?: ort.Tensor };

export interface ProgramHost {
  threads: number;
  device: Device;
  cache: { get(key: string, make: () => Promise<Compiled>, measure: (entry: Compiled) => number): Promise<Compiled> };
}

export function compiledProgram(
  host: ProgramHost,
  name: string,
  body: Recordable,
  options: ProgramOptions = {},
): Program {
  // Sizes that only a run knows are computed on the processor, between what the device computes.
  const shapes = host.device === 'cpu' ? options.shapes : undefined;
  /** Banks lie on the device, and so do results that go into them. */
  const resident = host.device === 'webgpu';
  const masksOf = maskBuffers();

  async function compile(call: Call): Promise<Compiled> {
    const banks = (call.banks ?? []) as ProgramBank[];
    const symbols = shapes ? Object.keys(call.sizes ?? {}) : undefined;
    const inputs = (standIns: Sizes): InputSpec[] => {
      const symbolic = shapes?.(standIns);
      const specs: InputSpec[] = Object.entries(call.inputs).map(([key, { data, shape }]) => ({
        name: key,
        shape: symbolic ? symbolic[key] : shape,
        type: data instanceof Float32Array ? 'float32' : 'int32',
      }));
      for (const bank of banks) {
        for (const key of bank.names) specs.push({ name: key, shape: bank.shape(key), type: 'float32' });
      }
      return specs;
    };
    const { graph, outputs, masks } = record(body, {
      inputs,
      symbols,
      sizes: call.sizes,
      chance: call.chance !== undefined,
      standard: resident,
    });
    const results = new Map<string, Value>();
    const destinations = new Map<string, Destination>();
    const target = call.into?.bank as ProgramBank | undefined;
    for (const [key, value] of outputs) {
      if (!target?.has(key)) {
        results.set(key, value);
        destinations.set(`out:${key}`, { to: 'caller', name: key, value });
      } else if (value.scattered && value.scattered.ids.kind === 'input' && !resident) {
        const { rows, ids } = value.scattered;
        results.set(`rows:${key}`, rows);
        destinations.set(`out:rows:${key}`, { to: 'rows', name: key, value: rows, ids: ids.name.slice(3) });
      } else {
        const before = graph.input(`into:${key}`, 'float32', value.shape);
        results.set(key, call.into?.add ? graph.node('Add', [before, value], value) : value);
        destinations.set(`out:${key}`, { to: 'bank', name: key });
      }
    }
    // A session for each size would hold its own copy.
    const sealed = shapes ? banks.filter(({ seal }) => seal !== undefined) : [];
    const model = serialize(graph, name, results, {
      isConstant: (key) => sealed.some((bank) => bank.has(key)),
      ends: host.device === 'cpu',
    });
    const constants = model.constants.map((path) => ({ path, data: (bankOf(banks, path) as CompiledBank).view(path) }));
    const session = await openSession(model.bytes, {
      threads: host.threads,
      device: host.device,
      symbolic: shapes !== undefined,
      name,
      constants,
      resident: resident ? [...destinations].flatMap(([key, { to }]) => (to === 'bank' ? [key] : [])) : undefined,
    });
    if (!shapes && !resident) {
      for (const destination of destinations.values()) {
        if (destination.to !== 'bank')
          destination.buffer = emptyTensor(destination.value.type, destination.value.shape);
      }
    }
    const live = new Set(model.inputs);
    const held = constants.reduce((sum, { data }) => sum + data.byteLength, 0);
    const measured = new Map<string, number>();
    const measure = (sizes: Sizes) => {
      const key = Object.values(sizes).join();
      const bytes = measured.get(key) ?? peakBytes(model.nodes, (size) => graph.sizeAt(size, sizes));
      measured.set(key, bytes);
      return bytes;
    };
    return {
      session,
      bytes: 0,
      measure: (sizes) => held + measure(sizes),
      inputs: model.inputs.filter((key) => !key.startsWith('mask:')),
      masks: masks.filter(({ site }) => live.has(`mask:${site}`)),
      sizeAt: graph.sizeAt,
      outputs: destinations,
    };
  }

  return {
    async run(call) {
      const compiled = await host.cache.get(
        keyOf(name, call, shapes !== undefined),
        () => compile(call),
        (entry) => entry.measure(call.sizes ?? {}),
      );
      const banks = (call.banks ?? []) as ProgramBank[];
      const target = call.into?.bank as ProgramBank | undefined;
      const sizesOf = (shape: readonly number[]) => shape.map((size) => compiled.sizeAt(size, call.sizes ?? {}));
      const feeds: Record<string, ort.Tensor> = {};
      for (const { site, shape, rate } of compiled.masks) {
        const size = sizesOf(shape);
        feeds[`in:mask:${site}`] = new ort.Tensor(
          'float32',
          masksOf.draw(sizeOf(size), rate, call.chance ?? [], site),
          size,
        );
      }
      for (const key of compiled.inputs) {
        if (key.startsWith('into:')) feeds[`in:${key}`] = await (target as ProgramBank).tensor(key.slice(5));
        else if (call.inputs[key]) feeds[`in:${key}`] = ortTensor(call.inputs[key]);
        else feeds[`in:${key}`] = await bankOf(banks, key).tensor(key);
      }
      const written = target as CompiledBank;
      const fetches: Record<string, ort.Tensor> = {};
      for (const [key, destination] of resident ? [] : compiled.outputs) {
        if (destination.to === 'bank') fetches[key] = written.tensor(destination.name);
        else fetches[key] = destination.buffer ?? emptyTensor(destination.value.type, sizesOf(destination.value.shape));
      }
      let results = fetches;
      if (resident) results = await compiled.session.run(feeds);
      else await runInto(compiled.session, feeds, fetches);
      const returned: Record<string, HostTensor> = {};
      for (const [key, destination] of compiled.outputs) {
        const result = results[key];
        if (destination.to === 'caller') {
          returned[destination.name] = { shape: [...result.dims], data: result.data as Float32Array };
        } else if (destination.to === 'rows') {
          const ids = call.inputs[destination.ids].data as Int32Array;
          written.scatter(destination.name, result.data as Float32Array, ids, call.into?.add ?? false);
        } else if (resident) {
          (target as ResidentBank).set(destination.name, result);
        } else {
          written.overwritten(destination.name);
        }
      }
      return returned;
    },
  };
}

function bankOf(banks: readonly ProgramBank[], name: string): ProgramBank {
  const bank = banks.find((candidate) => candidate.has(name));
  if (!bank) throw new EngineError(`the program reads "${name}", which is neither an input nor in a bank`);
  return bank;
}

/** Equal keys mean that one session serves both calls. */
function keyOf(name: string, call: Call, symbolic: boolean): string {
  const inputs = Object.entries(call.inputs).map(([key, { shape, data }]) => {
    const type = data instanceof Float32Array ? 'float32' : 'int32';
    return symbolic ? `${key}:${type}` : `${key}:${type}[${shape}]`;
  });
  const banks = ((call.banks ?? []) as ProgramBank[]).map(({ layout, seal = '' }) => `${layout}:${seal}`);
  const into = call.into ? `${call.into.add ? 'add' : 'set'} ${(call.into.bank as ProgramBank).layout}` : '';
  const sizes = JSON.stringify(symbolic ? Object.keys(call.sizes ?? {}) : (call.sizes ?? {}));
  return [name, ...inputs, `banks ${banks}`, call.chance ? 'chance' : '', into, sizes].join('|');
}
