/** A headless Chromium, spoken to over a pipe (the DevTools protocol: JSON documents that end in a zero byte). */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** The browser that `CHROMIUM` names, else the first in its usual places; undefined where there is none. */
export function findChromium(): string | undefined {
  const { CHROMIUM: stated, PATH = '' } = process.env;
  if (stated) return stated;
  const folders = PATH.split(delimiter).filter(Boolean);
  return [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...PATHS].find(existsSync);
}

export interface Page {
  /** What an expression comes to, as JSON carries it. Throws what it throws. */
  evaluate<T>(expression: string): Promise<T>;
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /** Errors and warnings of the console, exceptions, and what the page's policy refused. */
  complaints: string[];
  /** Addresses that were asked for. */
  requests: string[];
}

interface Reply {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** Opens the address in a fresh profile, hands the loaded page to `use`, and ends the browser. */
export async function withPage<T>(browser: string, address: string, use: (page: Page) => Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'spantune-chromium-'));
  const child = spawn(
    browser,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...['--disable-background-networking', '--disable-extensions', '--remote-debugging-pipe'],
      ...[`--user-data-dir=${profile}`, '--window-size=1280,900', 'about:blank'],
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const pipe = connect(child.stdio[3] as Writable, child.stdio[4] as Readable);
    child.once('error', pipe.fail);
    child.once('exit', () => pipe.fail(new Error('the browser ended')));
    return await use(await openPage(pipe, address));
  } finally {
    child.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Pipe {
  send(method: string, params?: object, session?: string): Promise<Record<string, unknown>>;
  on(listener: (method: string, params: Record<string, unknown>) => void): void;
  fail(error: Error): void;
}

function connect(output: Writable, input: Readable): Pipe {
  const waiting = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>();
  const listeners: ((method: string, params: Record<string, unknown>) => void)[] = [];
  let [last, rest, broken] = [0, '', undefined as Error | undefined];
  const fail = (error: Error) => {
    broken ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  // A browser that ends closes its pipes under our hands.
  output.on('error', fail);
  input.setEncoding('utf8').on('data', (text: string) => {
    const documents = (rest + text).split('\0');
    rest = documents.pop() ?? '';
    for (const document of documents) {
      const { id, method, params, result, error }: Reply = JSON.parse(document);
      if (id === undefined) for (const listener of listeners) listener(method ?? '', params ?? {});
      else if (error) waiting.get(id)?.reject(new Error(error.message));
      else waiting.get(id)?.resolve(result ?? {});
      if (id !== undefined) waiting.delete(id);
    }
  });
  return {
    send(method, params = {}, sessionId) {
      if (broken) return Promise.reject(broken);
      const id = ++last;
      output.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    on: (listener) => void listeners.push(listener),
    fail,
  };
}

async function openPage(pipe: Pipe, address: string): Promise<Page> {
  const { targetId } = await pipe.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await pipe.send('Target.attachToTarget', { targetId, flatten: true });
  const send: Page['send'] = (method, params) => pipe.send(method, params, String(sessionId));
  const complaints: string[] = [];
  const requests: string[] = [];
  const loaded = new Promise<void>((resolve) => {
    pipe.on((method, params) => {
      const told = JSON.stringify(params);
      if (method === 'Page.loadEventFired') resolve();
      if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') complaints.push(told);
      if (method === 'Runtime.consoleAPICalled') complaints.push(told);
      if (method === 'Network.requestWillBeSent') requests.push((params as { request: { url: string } }).request.url);
    });
  });
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
  await send('Page.navigate', { url: address });
  await loaded;
  return {
    complaints,
    requests,
    send,
    async evaluate<T>(expression: string) {
      const reply = await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
      if (reply.exceptionDetails) throw new Error(JSON.stringify(reply.exceptionDetails));
      return (reply.result as { value: T }).value;
    },
  };
}
