/**
 * Locks as files: who works on a folder, by process, machine and time of start. One whose holder is gone is taken over. A holder
 * touches its file again and again, so that a machine that cannot look at the other's processes sees whether it is alive.
 */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { startBeat } from './beat.js';
import { UserError } from './errors.js';
import { displayPath, readText, reason } from './files.js';

export interface Holder {
  pid: number;
  host: string;
  /** When the process began, in the kernel's ticks: numbers of processes are given anew. */
  started: string;
  /** When the lock was taken. */
  since: string;
}

export interface Lock {
  release(): void;
}

const BEAT = 2_000;
/** Silence after which the holder on another machine counts as gone; clocks and network folders lag. */
const SILENCE = 120_000;
const UNREADABLE =
  'a lock says who works on the folder: let its owner make it readable, or remove it where nobody works there';

/** Takes the lock, or says who holds it. Throws a `UserError` where the file cannot be written or read. */
export function takeLock(file: string): Lock | Holder {
  const own: Holder = {
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid) ?? '',
    since: new Date().toISOString(),
  };
  const text = JSON.stringify(own);
  const mine = `${file}.${own.host}.${own.pid}`;
  for (;;) {
    if (place(file, mine, text)) break;
    const seen = read(file);
    if (seen === undefined) {
      // Let go this very moment, or there and not to be read: then this says why.
      if (existsSync(file)) readText(file, UNREADABLE);
      continue;
    }
    const holder = parse(seen);
    if (holder && isAlive(holder, file)) return holder;
    evict(file, mine, seen);
  }
  const stop = startBeat(file, BEAT);
  return {
    release() {
      stop();
      if (read(file) === text) rmSync(file, { force: true });
    },
  };
}

/**
 * Takes the lock `file` of the folder in which it lies. Throws a `UserError` that says since when which process writes there, where
 * another has it; `writer` is what that is, such as "another run".
 */
export function claimFolder(file: string, writer: string, hint: string): Lock {
  const taken = takeLock(file);
  if (isLock(taken)) return taken;
  const { pid, host, since } = taken;
  const message = `${writer} is writing this folder: process ${pid} on ${host} since ${since}`;
  throw new UserError(message, { file: displayPath(dirname(file)), hint });
}

export function isLock(taken: Lock | Holder): taken is Lock {
  return 'release' in taken;
}

/** Creates the file with its content in one step: nobody ever reads half a lock. */
function place(file: string, temporary: string, text: string): boolean {
  try {
    writeFileSync(temporary, text);
    link(temporary, file, text);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    const hint = 'check that the folder may be written to, and has room left';
    throw new UserError(`cannot be written: ${reason(cause)}`, { file, hint, cause });
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** What file systems without hard links answer. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Gives a file that holds the text a second name; throws where that is taken. */
function link(from: string, file: string, text: string): void {
  try {
    linkSync(from, file);
  } catch (cause) {
    if (!NO_LINKS.includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    writeFileSync(file, text, { flag: 'wx' });
  }
}

/** Takes away the lock that was seen, and no other: one that another process has put there meanwhile goes back. */
function evict(file: string, mine: string, seen: string): void {
  const aside = `${mine}.old`;
  try {
    renameSync(file, aside);
    const text = read(aside);
    if (text !== undefined && text !== seen) link(aside, file, text);
  } catch {
    // Another process was faster.
  } finally {
    rmSync(aside, { force: true });
  }
}

function isAlive({ pid, host, started }: Holder, file: string): boolean {
  if (host !== hostname()) return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < SILENCE;
  try {
    process.kill(pid, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
  return started === '' || startOf(pid) === started;
}

/** Field 22 of /proc/PID/stat; undefined where there is no such file, or the process has ended and nobody has asked how. */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === 'Z' ? undefined : fields[18];
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    return typeof holder?.pid === 'number' && typeof holder.host === 'string' ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
