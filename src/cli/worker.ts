/**
 * The worker thread in which a job computes. Native code blocks its thread for a step at a time; the main thread meanwhile keeps
 * signals and progress.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Interrupted } from '../errors.js';
import { runStory } from '../pipeline/jobs.js';
import type { Reporter } from '../pipeline/types.js';
import { type Message, toWire, type WorkerInput } from './wire.js';

const { job, stop } = workerData as WorkerInput;
const flag = new Int32Array(stop);
const stopped = () => Atomics.load(flag, 0) === 1;
const post = (message: Message) => parentPort?.postMessage(message);

const reporter: Reporter = {
  log: (level, message) => post({ kind: 'log', level, message }),
  progress(progress) {
    // Tuning asks by itself, between optimiser steps. Everything else has no state to lose and stops where it reports.
    const tuning = job.verb === 'train' && progress?.phase === 'tune';
    if (stopped() && progress && !tuning) throw new Interrupted();
    post({ kind: 'progress', progress });
  },
};

try {
  post({ kind: 'result', result: await runStory(job, reporter, stopped) });
} catch (error) {
  post({ kind: 'error', error: toWire(error) });
}
