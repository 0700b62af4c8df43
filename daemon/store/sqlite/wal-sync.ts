/**
 * Brings the write-ahead log to the disk without holding up the event loop. SQLite reads a log up to its last whole
 * commit, so syncing the file after commits makes all of them durable, in order. SQLite's locks lie on other files:
 * opening the log a second time disturbs nobody.
 */
import { closeSync, fdatasync } from 'node:fs';
import { openOwnNow } from '../../../client/files.ts';
import { EarshotError, isDiskFull } from '../../../schemas/errors.ts';

export class WalSync {
  private readonly path: string;
  private fd: number | null = null;
  /** Commits written, and how many of them are on the disk. */
  private written = 0;
  private safe = 0;
  private running: Promise<void> | null = null;

  constructor(database: string) {
    this.path = `${database}-wal`;
  }

  /** A commit was written and not synced. */
  wrote(): void {
    this.written++;
  }

  /** All that is written by now is on the disk. One sync serves all who wait. @throws storeBroken, diskFull */
  async synced(): Promise<void> {
    for (const target = this.written; this.safe < target;)
      await (this.running ??= this.sync().finally(() => {
        this.running = null;
      }));
  }

  private async sync(): Promise<void> {
    const upTo = this.written;
    try {
      const fd = (this.fd ??= openOwnNow(this.path));
      await new Promise<void>((resolve, reject) =>
        fdatasync(fd, error => {
          if (error) reject(error);
          else resolve();
        }),
      );
      this.safe = upTo;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new EarshotError(
        isDiskFull(error) ? 'diskFull' : code === 'EIO' ? 'storeBroken' : 'internal',
        { path: this.path },
        String(error),
        { cause: error },
      );
    }
  }

  dispose(): void {
    const fd = this.fd;
    if (fd === null) return;
    this.fd = null;
    const close = (): void => closeSync(fd);
    if (this.running) void this.running.then(close, close);
    else close();
  }
}
