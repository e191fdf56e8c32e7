/** What is under way in a grid, as one line: the share of the work that is done, runs done, scores so far, the last final score. */

import type { Reporter } from '../pipeline/types.js';
import { formatPoints } from '../report/format.js';

export type Kind = 'select' | 'search' | 'tune';

export interface Ledger {
  /** Announces a piece of work; `work` in any unit that all share. */
  add(kind: Kind, name: string, work: number): Job;
  /** Tells of a finished run's score, a fraction. */
  score(name: string, score: number): void;
  log: Reporter['log'];
}

export interface Job {
  /** Counts as under way until the promise settles, and as done when it is fulfilled. */
  watch<T>(promise: Promise<T>): Promise<T>;
  /** `score`: the best so far, a fraction. */
  onProgress(fraction: number, detail: string, score?: number): void;
  /** What was finished is damaged and is made again. */
  onDamage(message: string): void;
  /** It will not run: its work no longer counts. */
  drop(): void;
}

interface State {
  kind: Kind;
  name: string;
  work: number;
  fraction: number;
  detail: string;
  score?: number;
  running: boolean;
  /** Work that ends without having told of progress was found finished. */
  worked: boolean;
}

export function createLedger(reporter: Reporter): Ledger {
  const jobs = new Set<State>();
  let last = '';
  const show = () => {
    let done = 0;
    let total = 0;
    const running: State[] = [];
    let finished = 0;
    let found = 0;
    for (const job of jobs) {
      total += job.work;
      done += job.work * job.fraction;
      if (job.running) running.push(job);
      else if (job.fraction === 1) {
        finished++;
        if (!job.worked) found += job.work;
      }
    }
    const now = running.map(({ name, detail, score }) => {
      const best = score === undefined ? undefined : `best ${formatPoints(score)}`;
      return [name, /epoch \d+\/\d+/.exec(detail)?.[0], best].filter(Boolean).join(' ');
    });
    const detail = [`${finished}/${jobs.size}`, now.join(', '), last].filter(Boolean).join('  ');
    reporter.progress({ phase: 'glue', done, total, found, detail });
  };
  return {
    log: reporter.log,
    add(kind, name, work) {
      const state: State = { kind, name, work, fraction: 0, detail: '', running: false, worked: false };
      jobs.add(state);
      return {
        async watch(promise) {
          state.running = true;
          show();
          const value = await promise.finally(() => {
            state.running = false;
          });
          state.fraction = 1;
          show();
          return value;
        },
        onProgress(fraction, detail, score) {
          state.worked = true;
          state.fraction = Math.min(0.99, fraction);
          state.detail = detail;
          state.score = score;
          show();
        },
        onDamage(message) {
          reporter.log('warn', `${name} runs again: ${message}`);
        },
        drop() {
          jobs.delete(state);
        },
      };
    },
    score(name, score) {
      last = `last: ${name} ${formatPoints(score)}`;
      reporter.log('debug', `${name}: score ${formatPoints(score)}`);
      show();
    },
  };
}
