/** By which number the best epoch is chosen. */
import type { Task } from '../data/types.js';

/** Single metrics of the released code (method: Xie et al. 2022); accuracy where a task is not listed. */
const PAPER_METRIC: Record<string, string> = { cola: 'matthews', stsb: 'pearson', mrpc: 'f1', qqp: 'f1' };

/** The task score, or the single metric that the paper's code chose by; a task of one's own: its first metric. */
export function evaluationScore(
  task: Task,
  metrics: Record<string, number>,
  score: number,
  best: 'score' | 'paper' | 'last',
): number {
  if (best !== 'paper') return score;
  const single = PAPER_METRIC[task.name];
  return metrics[single] ?? metrics.accuracy ?? metrics[task.metrics[0]] ?? score;
}
