/** The learning rate as a function of the step. */

export type ScheduleName = 'linear' | 'cosine' | 'constant';

export interface ScheduleOptions {
  schedule: ScheduleName;
  /** Peak learning rate. */
  learningRate: number;
  /** Optimiser steps of the whole run. */
  steps: number;
  /** Share of steps that warm up, rounded down to whole steps. */
  warmup: number;
}

/**
 * Learning rate of optimiser step `step` (0-based): linear warm-up from 0, then linear decay to 0, half a cosine to 0, or
 * constant. As in `transformers`: the first step of a warm-up has rate 0, and the rate would reach 0 one step after the last.
 */
export function learningRateAt(step: number, { schedule, learningRate, steps, warmup }: ScheduleOptions): number {
  const warmupSteps = Math.floor(warmup * steps);
  if (step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
  if (schedule === 'constant') return learningRate;
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  if (schedule === 'cosine') return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  return learningRate * Math.max(0, 1 - progress);
}
