/** Typed errors: what is wrong, where, and what to do about it. The command line prints them and picks the exit code. */

/** Where a mistake stands. Line and column are 1-based. */
export interface Place {
  file?: string;
  line?: number;
  column?: number;
}

export interface SpantuneErrorOptions extends Place {
  /** The remedy, one sentence. */
  hint?: string;
  cause?: unknown;
}

/** Base of every error that spantune raises on purpose. */
export class SpantuneError extends Error {
  override name = 'SpantuneError';
  /** Exit code of the command line: 2 for the user's mistake, 1 for ours. */
  readonly exitCode: number = 1;
  readonly hint?: string;
  readonly place: Place;

  constructor(message: string, options: SpantuneErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.place = { file: options.file, line: options.line, column: options.column };
  }

  /** `file:line:column: message`, without the parts that are unknown; `show` says how the file is written. */
  describe(show: (file: string) => string = (file) => file): string {
    const { file, line, column } = this.place;
    const place = [file === undefined ? undefined : show(file), line, column]
      .filter((part) => part !== undefined)
      .join(':');
    return place ? `${place}: ${this.message}` : this.message;
  }
}

/** The user can mend it: bad input, a bad option, a missing file. */
export class UserError extends SpantuneError {
  override name = 'UserError';
  override readonly exitCode: number = 2;
}

/** A file of a configuration that cannot be read as one. */
export class ConfigError extends UserError {
  override name = 'ConfigError';
}

/** A file of data that cannot be read, or a row of it. */
export class DataError extends UserError {
  override name = 'DataError';
}

/** A model folder, weight file or run folder that cannot be read. */
export class CheckpointError extends UserError {
  override name = 'CheckpointError';
}

/** An engine was asked for what it does not know. */
export class EngineError extends SpantuneError {
  override name = 'EngineError';
}

/** The user stopped it: thrown by work that was asked to stop and has stopped cleanly. */
export class Interrupted extends SpantuneError {
  override name = 'Interrupted';
  override readonly exitCode: number = 130;

  constructor(hint?: string) {
    super('interrupted', { hint });
  }
}
