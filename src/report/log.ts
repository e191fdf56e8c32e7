/** People's text on stderr, by winston. Importing winston takes longer than printing help, so verbs import this file late. */
import { Writable } from 'node:stream';
import winston from 'winston';
import { plain, type Style } from './style.js';

export type Level = 'warn' | 'info' | 'debug';

export interface LogOptions {
  /** The most talkative level that is shown; undefined shows none. */
  level?: Level;
  style?: Style;
  /** Writes one finished line, its end included. */
  write(line: string): void;
}

export interface Log {
  log(level: Level, message: string): void;
}

export function createLog({ level, style = plain, write }: LogOptions): Log {
  const marks: Record<string, string> = {
    warn: `${style.yellow('warn')}   `,
    info: '',
    debug: `${style.dim('debug')}  `,
  };
  const stream = new Writable({
    decodeStrings: false,
    write(line, _encoding, done) {
      write(String(line));
      done();
    },
  });
  const logger = winston.createLogger({
    level: level ?? 'error',
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: winston.format.printf((entry) => `${marks[entry.level] ?? ''}${entry.message}`),
    transports: [new winston.transports.Stream({ stream, eol: '\n' })],
  });
  return { log: (entryLevel, message) => void logger.log(entryLevel, message) };
}
