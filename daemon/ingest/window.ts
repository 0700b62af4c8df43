/** A file, looked at here and there: some thousands of its bytes at a time. */
import { readSync } from 'node:fs';

export interface Bytes {
  size: number;
  /** As many of them as there are, at most `WINDOW_BYTES`. */ at(position: number, length: number): Buffer;
}

export const WINDOW_BYTES = 32 * 1024;

/** @throws where it cannot be read, when it is looked at */
export function bytesOf(fd: number, size: number): Bytes {
  const window = Buffer.alloc(WINDOW_BYTES);
  let from = 0,
    held = 0;
  return {
    size,
    at(position, length) {
      if (position < from || position + length > from + held) {
        from = position;
        held = position < size ? readSync(fd, window, 0, WINDOW_BYTES, position) : 0;
      }
      return window.subarray(position - from, Math.min(position - from + length, held));
    },
  };
}
