/** Messages between the main thread and the worker. Errors lose their class on the way; here they get it back. */
import {
  CheckpointError,
  ConfigError,
  DataError,
  EngineError,
  Interrupted,
  type Place,
  SpantuneError,
  UserError,
} from '../errors.js';
import type { Job, Results, Verb } from '../pipeline/jobs.js';
import type { Progress } from '../pipeline/types.js';

/** What a worker is started with. */
export interface WorkerInput {
  job: Job;
  /** One Int32: 1 once the job is to stop. */
  stop: SharedArrayBuffer;
}

export type Message =
  | { kind: 'log'; level: 'info' | 'warn' | 'debug'; message: string }
  | { kind: 'progress'; progress: Progress | undefined }
  | { kind: 'result'; result: Results[Verb] }
  | { kind: 'error'; error: WireError };

export interface WireError {
  name: string;
  message: string;
  stack?: string;
  /** Present for errors that spantune raises on purpose. */
  known?: { place: Place; hint?: string; exitCode: number };
  cause?: WireError;
}

const CLASSES = { SpantuneError, UserError, ConfigError, DataError, CheckpointError, EngineError };

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    known:
      error instanceof SpantuneError ? { place: error.place, hint: error.hint, exitCode: error.exitCode } : undefined,
    cause: error.cause === undefined ? undefined : toWire(error.cause),
  };
}

export function fromWire(wire: WireError): Error {
  const error = rebuild(wire);
  if (wire.stack) error.stack = wire.stack;
  return error;
}

function rebuild({ name, message, known, cause: wireCause }: WireError): Error {
  const cause = wireCause && fromWire(wireCause);
  if (known && name === 'Interrupted') return new Interrupted(known.hint);
  if (known) {
    // A class that is not listed comes back as its base, under its own name.
    const Class = CLASSES[name as keyof typeof CLASSES] ?? (known.exitCode === 2 ? UserError : SpantuneError);
    const error = new Class(message, { ...known.place, hint: known.hint, cause });
    error.name = name;
    return error;
  }
  const error = new Error(message, cause && { cause });
  error.name = name;
  return error;
}
