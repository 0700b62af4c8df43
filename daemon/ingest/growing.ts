/** A file that somebody else goes on writing, read as it grows. */
import { openFile } from '../../client/files.ts';

const READ_BYTES = 256 * 1024;

export interface Growing {
  /** So many bytes are there; `ended`: no more come. */
  grown(bytes: number, ended: boolean): void;
  /** The bytes in order, until the end was announced and reached. */
  read(path: string): AsyncGenerator<Buffer>;
}

export function growing(): Growing {
  let there = 0,
    over = false,
    wake = (): void => {};
  return {
    grown(bytes, ended) {
      there = Math.max(there, bytes);
      over ||= ended;
      wake();
    },
    async *read(path) {
      for (; there === 0 && !over;)
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      if (there === 0) return;
      await using file = await openFile(path);
      for (let at = 0; at < there || !over;) {
        if (at >= there) {
          await new Promise<void>(resolve => {
            wake = resolve;
          });
          continue;
        }
        const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, there - at)),
          { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) throw new Error(`${path} is shorter than it was said to be`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
  };
}
