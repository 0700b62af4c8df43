/**
 * The daemon's own log: records of pino, a line of JSON each, in two files of at most 2 MB. pino's own rotation runs in
 * a thread and writes later; here a record is with the system before the call returns, so that the last one before a
 * crash is there.
 */
import { closeSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { makeFolderNow, moveOwnNow, openLog as openFile } from '../../client/files.ts';
import { readSmallNow } from '../../client/small-file.ts';

const MAX_BYTES = 2 * 1024 * 1024;
const NEWEST = 'earshotd.log',
  OLDER = `${NEWEST}.1`;

/**
 * `write` gets each record with its newline. `EARSHOT_LOG_LEVEL`: trace, debug, info (the default), warn, error, fatal
 * or silent.
 */
export function createLogger(write: (record: string) => void, clock: () => number): Logger {
  const level = process.env.EARSHOT_LOG_LEVEL ?? '';
  return pino(
    {
      base: null,
      level: level === 'silent' || Object.hasOwn(pino.levels.values, level) ? level : 'info',
      formatters: { level: label => ({ level: label }) },
      timestamp: () => `,"time":"${new Date(clock()).toISOString()}"`,
    },
    { write },
  );
}

export interface DaemonLog {
  log: Logger;
  /** The newest lines as people read them, oldest first. */
  tail(lines: number): string[];
}

export function openLog(directory: string, clock: () => number): DaemonLog {
  makeFolderNow(directory, 0o700);
  const newest = join(directory, NEWEST),
    older = join(directory, OLDER);
  let bytes = statSync(newest, { throwIfNoEntry: false })?.size ?? 0;
  const write = (record: string): void => {
    const length = Buffer.byteLength(record);
    try {
      if (bytes > 0 && bytes + length > MAX_BYTES) {
        moveOwnNow(newest, older);
        bytes = 0;
      }
      const file = openFile(newest);
      try {
        for (let at = 0, all = Buffer.from(record); at < all.length;) at += writeSync(file, all, at);
      } finally {
        closeSync(file);
      }
      bytes += length;
    } catch {
      /* A full disk must not stop the daemon. */
    }
  };
  const read = (path: string): string[] => {
    try {
      return readSmallNow(path, 2 * MAX_BYTES)
        .toString('utf8')
        .split('\n')
        .slice(0, -1);
    } catch {
      return [];
    }
  };
  return {
    log: createLogger(write, clock),
    tail(lines) {
      const records = read(newest).slice(-lines);
      if (records.length < lines) records.unshift(...read(older).slice(records.length - lines));
      return records.flatMap(readable).slice(-lines);
    },
  };
}

/** Time, level, message and what else the record holds; an error's stack on lines of its own. */
export function readable(record: string): string[] {
  const fields = parsed(record);
  if (!fields) return [record];
  const { level, time, msg = '', err, ...rest } = fields;
  const more = Object.entries(rest).map(([name, value]) => ` ${name}=${plain(value)}`);
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  return [
    `${plain(time)} ${plain(level).padEnd(5)} ${plain(msg)}${more.join('')}`,
    ...(typeof stack === 'string' ? [stack] : []),
  ].flatMap(text => text.split('\n').map((line, n) => (n || text === stack ? `  ${line}` : line)));
}
const plain = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** Null: no record, but a line that was cut off in a crash, or of a version that wrote plain text. */
function parsed(record: string): Record<string, unknown> | null {
  try {
    const fields: unknown = JSON.parse(record);
    return typeof fields === 'object' && fields !== null && 'level' in fields
      ? (fields as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
