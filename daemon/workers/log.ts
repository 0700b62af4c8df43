/**
 * A worker's log: one file and its predecessor, bounded in size and in bytes a second, and the last lines in memory for
 * error messages.
 */
import { closeSync, fstatSync, mkdirSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { moveOwnNow, openLog } from '../../client/files.ts';

const TAIL_LINES = 20,
  TAIL_LINE_CHARS = 400;

export class WorkerLog {
  private readonly path: string;
  private readonly clock: () => number;
  private readonly maxFileBytes: number;
  private readonly maxBytesPerSecond: number;
  private fd: number | null = null;
  private size = 0;
  private second = 0;
  private spent = 0;
  private leftOut = 0;
  private lines: string[] = [];
  private partial = '';

  constructor(
    path: string,
    clock: () => number = Date.now,
    maxFileBytes = 1024 * 1024,
    maxBytesPerSecond = 256 * 1024,
  ) {
    this.path = path;
    this.clock = clock;
    this.maxFileBytes = maxFileBytes;
    this.maxBytesPerSecond = maxBytesPerSecond;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.fd = openLog(path);
      this.size = fstatSync(this.fd).size;
    } catch {
      /* A full disk or a read-only folder must not keep a worker from running. */
    }
  }

  /** What a worker printed. Past the rate it is counted, not kept. */
  write(chunk: Buffer): void {
    this.remember(chunk);
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      if (this.leftOut) this.append(Buffer.from(`\n[${this.leftOut} bytes left out]\n`));
      this.second = second;
      this.spent = this.leftOut = 0;
    }
    const room = this.maxBytesPerSecond - this.spent;
    const kept = chunk.length <= room ? chunk : chunk.subarray(0, Math.max(0, room));
    this.spent += kept.length;
    this.leftOut += chunk.length - kept.length;
    if (kept.length) this.append(kept);
  }
  /** A line of the daemon's own. */
  note(text: string): void {
    this.append(Buffer.from(`[${new Date(this.clock()).toISOString()}] ${text}\n`));
  }

  /** The last lines that the worker printed. */
  tail(): string {
    return [...this.lines, this.partial]
      .filter(line => line.trim() !== '')
      .slice(-TAIL_LINES)
      .join('\n');
  }

  close(): void {
    if (this.leftOut) this.append(Buffer.from(`\n[${this.leftOut} bytes left out]\n`));
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  private remember(chunk: Buffer): void {
    // Only the end of a flood can be among the last lines.
    const text = this.partial + chunk.subarray(-TAIL_LINES * TAIL_LINE_CHARS).toString('utf8');
    const lines = text.split(/\r?\n|\r/);
    this.partial = lines.pop()!.slice(-TAIL_LINE_CHARS);
    for (const line of lines) if (line.trim() !== '') this.lines.push(line.slice(0, TAIL_LINE_CHARS));
    if (this.lines.length > TAIL_LINES) this.lines = this.lines.slice(-TAIL_LINES);
  }
  private append(bytes: Buffer): void {
    if (this.fd === null) return;
    try {
      if (this.size > 0 && this.size + bytes.length > this.maxFileBytes) {
        closeSync(this.fd);
        this.fd = null;
        moveOwnNow(this.path, `${this.path}.1`);
        this.fd = openLog(this.path);
        this.size = 0;
      }
      writeSync(this.fd, bytes);
      this.size += bytes.length;
    } catch {
      /* As above: the log is lost, the work is not. */
    }
  }
}

/** Removes the oldest worker logs of a folder (`*.log` and `*.log.1`), all but the newest `keep`. */
export function pruneLogs(folder: string, keep: number): void {
  let names: string[];
  try {
    names = readdirSync(folder).filter(name => /^worker-.*\.log(\.1)?$/.test(name));
  } catch {
    return;
  }
  const dated = names.map(name => {
    try {
      return { name, at: statSync(join(folder, name)).mtimeMs };
    } catch {
      return { name, at: 0 };
    }
  });
  for (const { name } of dated.sort((a, b) => b.at - a.at).slice(keep)) rmSync(join(folder, name), { force: true });
}
