/** The daemon's own log: a line an event, with the time; cut in two files of at most 2 MB. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MAX_BYTES = 2 * 1024 * 1024;

export class DaemonLog {
  private readonly path: string;
  private readonly clock: () => number;
  private bytes: number;

  constructor(directory: string, clock: () => number) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.path = join(directory, 'earshotd.log');
    this.clock = clock;
    this.bytes = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Never throws: a full disk must not stop the daemon. */
  write(line: string): void {
    const text = `${new Date(this.clock()).toISOString()} ${line.replaceAll('\n', '\n  ')}\n`;
    try {
      if (this.bytes + text.length > MAX_BYTES) {
        renameSync(this.path, `${this.path}.1`);
        this.bytes = 0;
      }
      appendFileSync(this.path, text, { mode: 0o600 });
      this.bytes += Buffer.byteLength(text);
    } catch {
      /* see above */
    }
  }

  tail(lines: number): string[] {
    try {
      return readFileSync(this.path, 'utf8').split('\n').slice(0, -1).slice(-lines);
    } catch {
      return [];
    }
  }
}
